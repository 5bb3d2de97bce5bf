"""Membership changes one voter at a time, by entries of the log (thesis, chapter 4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import Configuration, Done, Refused
from node_impl.core.raft.elections import ELECTION_TIMER
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership, changed
from node_impl.core.raft.messages import RequestVoteReply
from node_impl.core.requests import AddLearner, MembershipChange, Promote, Remove, TransferLeadership
from tests.node_impl.chaos import run_membership_chaos
from tests.node_impl.cluster import CONFIG, SNAPSHOTS, Cluster, register
from tests.node_impl.core.raft.driving import Alone, accepted
from tests.node_impl.invariants import Violation

THREE = ("n1", "n2", "n3")


def started(
    size: int = 5, seed: int = 1, config: NodeConfig = CONFIG, parts: Parts = DEFAULT_PARTS
) -> tuple[Cluster, str]:
    """A cluster of n1, n2, n3, with further nodes that are no members."""
    cluster = Cluster(size, seed, config=replace(config, voters=THREE), parts=parts)
    cluster.start()
    return cluster, cluster.elect()


def change(cluster: Cluster, body: MembershipChange) -> Done:
    """Ask the current leader until the change is done."""
    for _ in range(100):
        reply = cluster.answer(cluster.elect(), body)
        if isinstance(reply, Done):
            return reply
        cluster.run(20 * MILLISECOND_NS)
    raise AssertionError(reply)


def add(cluster: Cluster, node: str) -> None:
    change(cluster, AddLearner(node))
    change(cluster, Promote(node))


def voters(cluster: Cluster) -> tuple[str, ...]:
    return cluster.node(cluster.elect()).raft.membership.voters


def test_nodes_that_are_no_members_never_stand() -> None:
    cluster, _ = started()
    cluster.crash(*THREE)
    cluster.run(5 * SECOND_NS)
    assert {cluster.node(name).raft.state.role for name in ("n4", "n5")} == {"follower"}
    assert {cluster.node(name).raft.state.current_term for name in ("n4", "n5")} == {0}


def test_a_learner_catches_up_is_promoted_and_then_votes() -> None:
    cluster, leader = started()
    for number in range(30):
        assert isinstance(cluster.answer(leader, register(number)), Done)
    change(cluster, AddLearner("n4"))
    cluster.settle()
    assert cluster.node("n4").machine.registry.size == 30
    assert cluster.node("n4").raft.state.role == "follower"
    assert voters(cluster) == THREE
    change(cluster, Promote("n4"))
    assert voters(cluster) == (*THREE, "n4")
    cluster.settle()
    cluster.crash("n5", *[name for name in THREE if name != leader][:1])
    assert isinstance(cluster.answer(leader, register(99)), Done), "three of four are a majority"


def test_a_learner_counts_toward_no_majority() -> None:
    cluster, leader = started()
    change(cluster, AddLearner("n4"))
    cluster.settle()
    cluster.crash(*[name for name in THREE if name != leader])
    assert not isinstance(cluster.answer(leader, register(1)), Done)


def test_a_learner_is_sent_a_snapshot_where_the_log_is_gone() -> None:
    cluster, leader = started(config=SNAPSHOTS)
    for number in range(30):
        assert isinstance(cluster.answer(leader, register(number)), Done)
    add(cluster, "n4")
    cluster.settle()
    assert cluster.invariants.installed >= 1
    assert cluster.node("n4").machine.registry.digest() == cluster.node(leader).machine.registry.digest()
    cluster.crash("n4")
    cluster.start("n4")
    assert "n4" in cluster.node("n4").raft.membership.voters, "its snapshot says so"


def test_a_removed_leader_leads_until_that_is_committed_and_then_another_does() -> None:
    """Change of membership as the trigger of an election."""
    cluster, leader = started()
    reply = cluster.answer(leader, Remove(leader))
    assert isinstance(reply, Done)
    new = cluster.elect()
    assert new != leader
    assert leader not in voters(cluster)
    assert cluster.node(leader).raft.state.role != "leader"
    assert isinstance(cluster.answer(new, register(1)), Done)


def test_a_removed_node_that_does_not_know_it_disturbs_no_leader() -> None:
    cluster, leader = started()
    removed = next(name for name in THREE if name != leader)
    cluster.cut({removed})
    change(cluster, Remove(removed))
    term = cluster.node(leader).raft.state.current_term
    cluster.heal()
    cluster.run(20 * SECOND_NS)
    assert cluster.elect() == leader
    assert cluster.node(leader).raft.state.current_term == term


def test_a_node_is_replaced_by_another_and_the_cluster_serves_all_the_while() -> None:
    cluster, leader = started()
    lost = next(name for name in THREE if name != leader)
    cluster.crash(lost)
    assert isinstance(cluster.answer(leader, register(1)), Done)
    change(cluster, Remove(lost))
    add(cluster, "n5")
    assert isinstance(cluster.answer(leader, register(2)), Done)
    cluster.settle()
    assert cluster.node("n5").machine.registry.size == 2
    assert voters(cluster) == tuple(sorted({*THREE, "n5"} - {lost}))


def test_a_configuration_survives_a_restart_of_everybody() -> None:
    cluster, _ = started()
    add(cluster, "n4")
    cluster.settle()
    cluster.crash(*cluster.names)
    cluster.start()
    assert voters(cluster) == (*THREE, "n4")


def test_leadership_is_handed_to_the_node_that_the_administrator_names() -> None:
    cluster, leader = started(size=3)
    cluster.settle()
    successor = next(name for name in THREE if name != leader)
    assert isinstance(cluster.answer(leader, TransferLeadership(successor)), Done)
    cluster.run(100 * MILLISECOND_NS)
    assert cluster.elect() == successor


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (AddLearner("n1"), "n1 is a member already"),
        (AddLearner("n9"), "n9 cannot be reached"),
        (Promote("n4"), "n4 is no learner"),
        (Remove("n4"), "n4 is no member"),
        (TransferLeadership("n4"), "n4 is no voter"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_without_effect(
    body: MembershipChange | TransferLeadership, reason: str
) -> None:
    cluster, leader = started()
    last = cluster.node(leader).raft.state.log.last_index
    reply = cluster.answer(leader, body)
    assert isinstance(reply, Refused)
    assert (reply.code, reply.proposed) == ("bad-request", False)
    assert reason in reply.reason
    assert cluster.node(leader).raft.state.log.last_index == last


def test_the_only_voter_cannot_be_removed() -> None:
    assert "the only voter" in str(changed(Configuration(("n1",), ("n2",)), Remove("n1")))


def test_a_node_that_does_not_lead_refuses_and_names_the_leader() -> None:
    cluster, leader = started()
    follower = next(name for name in THREE if name != leader)
    reply = cluster.answer(follower, AddLearner("n4"))
    assert isinstance(reply, Refused)
    assert (reply.code, reply.reason, reply.proposed) == ("not-leader", f"{leader} leads; ask it", False)


def test_a_second_change_waits_until_the_first_is_committed() -> None:
    cluster, leader = started()
    cluster.settle()
    cluster.cut({leader})
    cluster.ask(leader, AddLearner("n4"))
    second = cluster.ask(leader, AddLearner("n5"))
    assert isinstance(second.reply, Refused)
    assert "not committed yet" in second.reply.reason


def test_a_leader_changes_nothing_before_it_has_committed_in_its_term() -> None:
    alone = Alone(1, 1)
    alone.become_leader()
    assert not alone.raft.state.has_committed_in_its_term()
    alone.sync()
    for follower in ("n2", "n3"):
        alone.receive(follower, accepted(2, 3))
    assert alone.raft.state.has_committed_in_its_term()


def test_votes_of_those_that_are_no_voters_do_not_count() -> None:
    alone = Alone(config=NodeConfig(voters=THREE))
    alone.fire(ELECTION_TIMER)
    alone.sync()
    for stranger in ("n4", "n5"):
        alone.receive(stranger, RequestVoteReply(1, True))
    assert alone.role() == "candidate"
    alone.receive("n2", RequestVoteReply(1, True))
    assert alone.role() == "leader"


@pytest.mark.parametrize("seed", range(24))
def test_every_property_holds_through_chaos_while_membership_changes(seed: int) -> None:
    cluster = run_membership_chaos(seed)
    assert cluster.node(cluster.elect()).raft.state.configurations.newest_index > 0, (
        "nothing changed: it shows nothing"
    )


class OverlapsChanges(Membership):
    def change_before_is_committed(self) -> bool:
        return True

    def leader_may_change_members(self) -> bool:
        return True


class CountsByTheOldConfiguration(RaftState):
    """Counts by the configuration that is committed, not by the newest in the log."""

    def configuration_in_force(self) -> Configuration:
        return self.configurations.at(max(self.commit_index, self.configurations.first_index))


def both_sides_of_a_cut(parts: Parts) -> None:
    """Two of five voters, the leader among them, would remove the other three, who elect their own leader."""
    cluster = Cluster(5, 3, parts=parts)
    cluster.start()
    leader = cluster.elect()
    cluster.settle()
    friend, *others = [name for name in cluster.names if name != leader]
    cluster.cut({leader, friend})
    for name in others:
        cluster.ask(leader, Remove(name))
    cluster.ask(leader, register(1, "by the old leader"))
    cluster.run(3 * SECOND_NS)
    for name in others:
        cluster.ask(name, register(1, "by the others"))
    cluster.run(3 * SECOND_NS)
    cluster.heal()
    cluster.elect()
    cluster.settle()


def test_two_changes_at_once_would_make_two_majorities() -> None:
    both_sides_of_a_cut(DEFAULT_PARTS)
    with pytest.raises(Violation):
        both_sides_of_a_cut(Parts(membership=OverlapsChanges))


def test_counting_by_an_old_configuration_is_seen() -> None:
    with pytest.raises(Violation):
        chaos_by_the_old_configuration()


def chaos_by_the_old_configuration() -> None:
    for seed in range(60):
        run_membership_chaos(seed, parts=Parts(state=CountsByTheOldConfiguration))
