"""The walk of the article that this project began from, with its departures from Raft put right.

In the article, a node that is alone raises its term for as long as it is alone, and the term of one that
returns begins at 0. Here the one asks before it stands (pre-vote), and the other keeps its term.
"""

from __future__ import annotations

from history.units import SECOND_NS
from node_impl.core.events import Done, Refused
from tests.node_impl.cluster import Cluster, register


def test_the_walk_through_the_table() -> None:
    cluster = Cluster(3, seed=4)

    # One up: a candidate, and never a leader; what it is asked is refused. Its term stays what it was.
    cluster.start("n1")
    cluster.run(1 * SECOND_NS)
    one = cluster.node("n1").raft.state
    assert one.role == "candidate"
    term = one.current_term
    cluster.run(3 * SECOND_NS)
    assert one.role == "candidate"
    assert one.current_term == term
    reply = cluster.answer("n1", register(1))
    assert isinstance(reply, Refused)
    assert (reply.code, reply.proposed) == ("no-leader", False)

    # Two up: a leader, which a majority made; writes are acknowledged, through either node.
    cluster.start("n2")
    leader = cluster.elect()
    follower = ({"n1", "n2"} - {leader}).pop()
    assert cluster.node(follower).raft.state.role == "follower"
    assert isinstance(cluster.answer(leader, register(1, "by the leader")), Done)
    assert isinstance(cluster.answer(follower, register(2, "by a follower")), Done)

    # Three up: it joins as a follower and is given what it lacks.
    cluster.start("n3")
    cluster.settle()
    assert cluster.leader() == leader
    assert cluster.node("n3").raft.state.role == "follower"
    assert cluster.node("n3").machine.registry.size == 2

    # The leader is killed with a write on its disk that no other node has.
    others = set(cluster.names) - {leader}
    cluster.cut({leader})
    orphan = cluster.ask(leader, register(3, "never acknowledged"))
    cluster.run(20_000_000)
    old = cluster.node(leader).raft.state
    old_term, orphan_index = old.current_term, old.log.last_index
    assert old.outbox.durable.last_index == orphan_index
    cluster.crash(leader)
    cluster.heal()
    assert orphan.reply is None

    # A new leader in a higher term; acknowledged writes are still there.
    new_leader = cluster.elect()
    assert new_leader in others
    new_term = cluster.node(new_leader).raft.state.current_term
    assert new_term > old_term
    assert isinstance(cluster.answer(new_leader, register(4, "in the new term")), Done)

    # The old leader returns: its term is what it was, not 0; it follows; its log is repaired.
    cluster.start(leader)
    returned = cluster.node(leader).raft.state
    assert returned.current_term == old_term
    assert returned.log.last_index == orphan_index
    cluster.settle()
    assert returned.role == "follower"
    assert returned.current_term == new_term
    assert cluster.terms(leader) == cluster.terms(new_leader)
    assert (
        cluster.node(leader).machine.registry.digest() == cluster.node(new_leader).machine.registry.digest()
    )
    assert cluster.node(leader).machine.registry.size == 3

    # Fewer than a majority: writes are refused.
    for name in others:
        cluster.crash(name)
    cluster.run(1 * SECOND_NS)
    reply = cluster.answer(leader, register(5))
    assert isinstance(reply, Refused)
    assert not reply.proposed


def test_a_follower_that_does_not_answer_is_sent_the_entries_until_it_has_them() -> None:
    cluster = Cluster(3, seed=2)
    cluster.start()
    leader = cluster.elect()
    silent = next(name for name in cluster.names if name != leader)
    cluster.cut({silent})
    for number in range(50):
        assert isinstance(cluster.answer(leader, register(number)), Done)
    assert cluster.node(silent).machine.registry.size == 0
    cluster.heal()
    cluster.settle()
    assert cluster.node(silent).machine.registry.size == 50
