"""What becomes of clients' requests: forwarding, waiting, refusing, and reading without being deceived."""

from __future__ import annotations

from dataclasses import replace

import pytest

from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.build import Parts
from node_impl.core.events import (
    Deregister,
    Done,
    GetStatus,
    Instance,
    ListInstances,
    Lookup,
    Received,
    Refused,
    Register,
    Reply,
    Request,
    Status,
    Update,
)
from node_impl.core.raft.messages import (
    AppendEntriesReply,
    Envelope,
    Forward,
    ForwardReply,
    ReadIndex,
    ReadIndexReply,
)
from node_impl.core.raft.reads import ReadRounds
from node_impl.core.serving.client_writes import SPARE_FORWARDS
from node_impl.core.sizes import FORWARDS
from tests.node_impl.cluster import CONFIG, Call, Cluster, key, register
from tests.node_impl.invariants import Violation, check_calls


def started(size: int = 3, seed: int = 1) -> tuple[Cluster, str, str]:
    """(cluster, leader, a follower)."""
    cluster = Cluster(size, seed)
    cluster.start()
    leader = cluster.elect()
    return cluster, leader, next(name for name in cluster.names if name != leader)


def instance(index: int, number: int, value: str, weight: float = 1.0) -> Instance:
    """As it is after its registration at a Raft index."""
    return Instance(key(number), weight, True, {"value": value}, index=index)


def registered(reply: Reply | None) -> int:
    """The index of a registration that was acknowledged."""
    assert isinstance(reply, Done)
    return reply.raft_index


def traced(cluster: Cluster, event: str) -> list[tuple[str, object, object]]:
    return [(name, trace.index, trace.op) for name, trace in cluster.traces if trace.event == event]


# ---- writes ----------------------------------------------------------------------------------------------


def test_a_write_at_a_follower_is_forwarded_and_its_reply_says_what_it_replaced_and_where() -> None:
    cluster, leader, follower = started()
    first = cluster.answer(follower, register(1, "a"))
    second = cluster.answer(follower, register(1, "b"))
    last = cluster.node(leader).raft.state.log.last_index
    assert first == Done(last - 1, None)
    assert second == Done(last, instance(last - 1, 1, "a"))


def test_deregister_says_what_was_removed_and_succeeds_where_nothing_was() -> None:
    cluster, leader, _ = started()
    index = registered(cluster.answer(leader, register(1, "a")))
    assert isinstance(reply := cluster.answer(leader, Deregister(key(1))), Done)
    assert reply.value == instance(index, 1, "a")
    assert isinstance(reply := cluster.answer(leader, Deregister(key(1))), Done)
    assert reply.value is None


@pytest.mark.parametrize("through_follower", [False, True])
def test_an_update_changes_what_is_named_and_is_refused_where_there_is_nothing(
    through_follower: bool,
) -> None:
    cluster, leader, follower = started()
    node = follower if through_follower else leader
    refused = cluster.answer(node, Update(key(1), weight=2.0))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.proposed) == ("not-found", False)
    assert refused.raft_index == cluster.node(leader).raft.state.log.last_index
    index = registered(cluster.answer(node, register(1, "a")))
    cluster.answer(node, Update(key(1), weight=2.0))
    assert cluster.answer(node, Lookup(key(1))) == Done(index + 1, instance(index, 1, "a", 2.0))


def test_an_acknowledgement_is_traced_once_by_the_node_that_answers_the_client() -> None:
    cluster, leader, follower = started()
    calls = [cluster.ask(follower, register(1)), cluster.ask(leader, register(2))]
    cluster.run(1 * SECOND_NS)
    replies = [call.reply for call in calls]
    assert all(isinstance(reply, Done) for reply in replies)
    expected = [(c.node, c.reply.raft_index, c.op) for c in calls if isinstance(c.reply, Done)]
    assert sorted(map(str, traced(cluster, "acknowledge"))) == sorted(map(str, expected))


def test_a_leader_without_a_majority_never_acknowledges_and_does_not_call_the_write_undone() -> None:
    cluster, leader, _ = started()
    cluster.cut({leader})
    call = cluster.ask(leader, register(1))
    cluster.run(3 * SECOND_NS)
    assert isinstance(call.reply, Refused)
    assert (call.reply.code, call.reply.proposed) == ("lost-leadership", True)
    assert cluster.node(leader).raft.state.role != "leader", (
        "it hears no majority, so it must not go on leading"
    )


def test_a_write_that_no_leader_can_take_waits_for_one() -> None:
    cluster, leader, follower = started()
    cluster.crash(leader)
    cluster.run_until(lambda: cluster.node(follower).raft.state.leader is None)
    call = cluster.ask(follower, register(1))
    cluster.run(2 * SECOND_NS)
    assert isinstance(call.reply, Done)


def test_a_write_is_refused_as_not_proposed_after_a_bounded_wait_for_a_leader() -> None:
    cluster = Cluster(3)
    cluster.start("n1")
    call = cluster.ask("n1", register(1))
    cluster.run(CONFIG.leader_wait_ns - 1)
    assert call.reply is None
    cluster.run(1)
    assert isinstance(call.reply, Refused)
    assert (call.reply.code, call.reply.proposed) == ("no-leader", False)
    assert "1000 ms" in call.reply.reason


def test_a_lost_forward_is_not_repeated_and_ends_in_a_time_out_that_admits_ignorance() -> None:
    cluster, leader, follower = started()
    cluster.drop = lambda to, envelope: isinstance(envelope.body, Forward)
    call = cluster.ask(follower, register(1))
    cluster.run(CONFIG.request_timeout_ns)
    assert isinstance(call.reply, Refused)
    assert (call.reply.code, call.reply.proposed) == ("timeout", True)
    sent = [trace for _, trace in cluster.traces if trace.message == "Forward"]
    assert len(sent) == 1
    assert cluster.node(leader).raft.state.log.last_index == 1


def test_a_follower_that_loses_its_leader_refuses_what_it_forwarded() -> None:
    cluster, leader, follower = started()
    cluster.drop = lambda to, envelope: isinstance(envelope.body, ForwardReply)
    call = cluster.ask(follower, register(1))
    cluster.run(100 * MILLISECOND_NS)
    cluster.crash(leader)
    cluster.run(1 * SECOND_NS)
    assert isinstance(call.reply, Refused)
    assert (call.reply.code, call.reply.proposed) == ("lost-leadership", True)


def forwards_to(cluster: Cluster, leader: str) -> list[Envelope]:
    """Records the forwards that reach the leader from now on."""
    caught: list[Envelope] = []

    def watch(to: str, envelope: Envelope) -> bool:
        if isinstance(envelope.body, Forward):
            caught.append(envelope)
        return False

    cluster.drop = watch
    return caught


def test_a_forward_that_the_network_repeats_is_proposed_once() -> None:
    cluster, leader, follower = started()
    caught = forwards_to(cluster, leader)
    cluster.answer(follower, register(1))
    last = cluster.node(leader).raft.state.log.last_index
    cluster.step(leader, Received(caught[0]))
    cluster.run(100 * MILLISECOND_NS)
    assert cluster.node(leader).raft.state.log.last_index == last


def test_a_forward_repeated_after_its_leader_was_deposed_or_restarted_is_never_called_unproposed() -> None:
    cluster, leader, follower = started()
    caught = forwards_to(cluster, leader)
    cluster.answer(follower, register(1))
    cluster.crash(leader)
    cluster.start(leader)
    cluster.elect()
    refusals: list[Refused] = []

    def watch(to: str, envelope: Envelope) -> bool:
        if isinstance(envelope.body, ForwardReply):
            assert isinstance(envelope.body.outcome, Refused)
            refusals.append(envelope.body.outcome)
        return False

    cluster.drop = watch
    cluster.step(leader, Received(caught[0]))
    assert [(refusal.code, refusal.proposed) for refusal in refusals] == [("not-leader", True)]


def test_a_forward_that_reaches_a_deposed_leader_first_is_refused_as_not_proposed() -> None:
    cluster, leader, follower = started()
    term = cluster.node(leader).raft.state.current_term
    cluster.cut({leader})
    cluster.run(2 * SECOND_NS)
    assert cluster.node(leader).raft.state.role != "leader"
    cluster.heal()
    outcomes: list[object] = []

    def watch(to: str, envelope: Envelope) -> bool:
        if isinstance(envelope.body, ForwardReply):
            outcomes.append(envelope.body.outcome)
        return False

    cluster.drop = watch
    late = Envelope(f"{follower}:1:9999", follower, Forward(term, Request(register(1))))
    cluster.step(leader, Received(late))
    cluster.step(leader, Received(late))
    assert [(o.code, o.proposed) for o in outcomes if isinstance(o, Refused)] == [("not-leader", False)]


def test_more_requests_than_may_wait_are_refused_as_overload() -> None:
    cluster = Cluster(3, config=replace(CONFIG, max_pending=2))
    cluster.start("n1")
    calls = [cluster.ask("n1", register(number)) for number in range(3)]
    assert [call.reply is None for call in calls] == [True, True, False]
    assert isinstance(calls[2].reply, Refused)
    assert (calls[2].reply.code, calls[2].reply.proposed) == ("overloaded", False)


def test_a_message_of_a_stranger_is_not_taken() -> None:
    cluster, leader, _ = started()
    before = len(cluster.traces)
    cluster.step(leader, Received(Envelope("n9:1:1", "n9", AppendEntriesReply(99, True, 1, 0, 0, 0))))
    assert len(cluster.traces) == before
    assert cluster.node(leader).raft.state.role == "leader"


# ---- reads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("through_follower", [False, True])
def test_a_read_sees_every_write_acknowledged_before_it_on_any_node(through_follower: bool) -> None:
    cluster, leader, follower = started()
    for number in range(20):
        written = cluster.answer(leader, register(1, number))
        read = cluster.answer(follower if through_follower else leader, Lookup(key(1)))
        index = registered(written)
        assert read == Done(index, instance(index, 1, str(number)))


def test_reads_of_a_follower_share_one_question_to_the_leader() -> None:
    cluster, _, follower = started()
    calls = [cluster.ask(follower, Lookup(key(number))) for number in range(100)]
    cluster.run(100 * MILLISECOND_NS)
    assert all(isinstance(call.reply, Done) for call in calls)
    asked = [trace for _, trace in cluster.traces if trace.message == "ReadIndex"]
    assert len([trace for trace in asked if trace.event == "send"]) == 2  # the first read, then all others


def test_reads_at_the_leader_share_a_round_of_heartbeats() -> None:
    cluster, leader, _ = started()
    cluster.run(20 * MILLISECOND_NS)
    before = len(cluster.traces)
    calls = [cluster.ask(leader, Lookup(key(number))) for number in range(100)]
    cluster.run(20 * MILLISECOND_NS)
    assert all(isinstance(call.reply, Done) for call in calls)
    sent = [trace for _, trace in cluster.traces[before:] if trace.message == "AppendEntries"]
    assert len([trace for trace in sent if trace.event == "send"]) <= 3 * 2  # two rounds, perhaps a heartbeat


def test_a_list_is_sorted_and_linearizable_and_a_stale_one_is_answered_at_once_from_what_is_here() -> None:
    cluster, leader, follower = started()
    for number in (3, 1, 2):
        cluster.answer(leader, register(number, number))
    reply = cluster.answer(follower, ListInstances("service"))
    assert isinstance(reply, Done)
    assert [found.key.port for found in reply.value.instances] == [1, 2, 3]
    cluster.cut({follower})
    cluster.answer(leader, register(4, 4))
    stale = cluster.ask(follower, ListInstances("service", consistency="stale"))
    assert isinstance(stale.reply, Done)
    assert [found.key.port for found in stale.reply.value.instances] == [1, 2, 3]
    old = cluster.ask(follower, Lookup(key(4), consistency="stale"))
    assert old.reply == Done(reply.raft_index, None)


@pytest.mark.parametrize("lost", [ReadIndex, ReadIndexReply])
def test_a_read_whose_question_or_answer_is_lost_asks_again(lost: type) -> None:
    cluster, leader, follower = started()
    index = registered(cluster.answer(leader, register(1, "a")))
    losses: list[str] = []

    def lose_first(to: str, envelope: Envelope) -> bool:
        if isinstance(envelope.body, lost) and not losses:
            losses.append(to)
            return True
        return False

    cluster.drop = lose_first
    assert isinstance(reply := cluster.answer(follower, Lookup(key(1))), Done)
    assert reply.value == instance(index, 1, "a")
    assert losses


def test_a_read_survives_the_loss_of_the_leader() -> None:
    cluster, leader, follower = started()
    index = registered(cluster.answer(leader, register(1, "a")))
    cluster.crash(leader)
    call = cluster.ask(follower, Lookup(key(1)))
    cluster.run(2 * SECOND_NS)
    assert isinstance(call.reply, Done)
    assert call.reply.value == instance(index, 1, "a")


def test_a_read_is_not_served_before_an_entry_of_the_leaders_own_term_is_committed() -> None:
    """Else it could miss what an earlier leader acknowledged (section 8)."""
    cluster, leader, _ = started(5)
    index = registered(cluster.answer(leader, register(1, "a")))
    cluster.crash(leader)
    cluster.drop = lambda to, envelope: isinstance(envelope.body, AppendEntriesReply)
    cluster.run_until(lambda: any(cluster.node(name).raft.state.role == "leader" for name in cluster.up))
    new = next(name for name in cluster.up if cluster.node(name).raft.state.role == "leader")
    call = cluster.ask(new, Lookup(key(1)))
    cluster.run(50 * MILLISECOND_NS)
    assert call.reply is None
    cluster.drop = lambda to, envelope: False
    cluster.run(2 * SECOND_NS)
    assert isinstance(call.reply, Done)
    assert call.reply.value == instance(index, 1, "a")


class ServesReadsUnconfirmed(ReadRounds):
    def leadership_is_confirmed(self) -> bool:
        return True


def read_at_a_deposed_leader(seed: int, parts: Parts) -> tuple[Cluster, Call] | None:
    """A read at a leader that another has replaced, if it does not notice too soon for this seed."""
    cluster = Cluster(5, seed, parts=parts)
    cluster.start()
    old = cluster.elect()
    cluster.answer(old, register(1, "old"))
    cluster.cut({old})
    others = [name for name in cluster.names if name != old]
    cluster.run_until(lambda: any(cluster.node(name).raft.state.role == "leader" for name in others))
    new = next(name for name in others if cluster.node(name).raft.state.role == "leader")
    assert isinstance(cluster.answer(new, register(1, "new")), Done)
    cluster.run(1)
    if cluster.node(old).raft.state.role != "leader":
        return None
    call = cluster.ask(old, Lookup(key(1)))
    cluster.run(1 * SECOND_NS)
    return cluster, call


def test_a_deposed_leader_serves_no_read() -> None:
    seen = [found for seed in range(20) if (found := read_at_a_deposed_leader(seed, Parts()))]
    assert seen, "no seed gave two leaders at once: this test shows nothing"
    for cluster, call in seen:
        assert not isinstance(call.reply, Done)
        cluster.heal()
        cluster.run(2 * SECOND_NS)
        assert not isinstance(call.reply, Done) or call.reply.value.metadata == {"value": "new"}
        check_calls(cluster.calls, cluster.invariants.committed)


def test_a_deposed_leader_that_confirms_nothing_is_caught() -> None:
    parts = Parts(reads=ServesReadsUnconfirmed)
    seen = [found for seed in range(20) if (found := read_at_a_deposed_leader(seed, parts))]
    assert seen
    for cluster, call in seen:
        assert isinstance(call.reply, Done)
        with pytest.raises(Violation, match="linearizability"):
            check_calls(cluster.calls, cluster.invariants.committed)


# ---- status, end -----------------------------------------------------------------------------------------


def test_status_is_answered_at_once_by_a_node_that_is_alone() -> None:
    cluster = Cluster(3)
    cluster.start("n2")
    cluster.run(1 * SECOND_NS)
    call = cluster.ask("n2", GetStatus())
    assert isinstance(call.reply, Done)
    status = call.reply.value
    assert isinstance(status, Status)
    assert (status.node, status.role, status.leader, status.members) == (
        "n2",
        "candidate",
        None,
        cluster.names,
    )
    assert status.term == cluster.node("n2").raft.state.current_term


def test_an_orderly_end_refuses_what_waits_and_is_the_last_line_of_the_trace() -> None:
    cluster, leader, _ = started()
    cluster.cut({leader})
    write, read = cluster.ask(leader, register(1)), cluster.ask(leader, Lookup(key(1)))
    cluster.shut_down(leader)
    assert isinstance(write.reply, Refused)
    assert isinstance(read.reply, Refused)
    assert (write.reply.proposed, read.reply.proposed) == (True, False)
    assert [trace.event for name, trace in cluster.traces if name == leader][-1] == "stop"


def test_replicas_that_end_in_order_say_what_their_state_was_and_it_is_the_same() -> None:
    cluster, leader, _ = started()
    cluster.ask(leader, register(1))
    cluster.settle()
    for name in cluster.names:
        cluster.shut_down(name)
    ends = [trace for _, trace in cluster.traces if trace.event == "stop"]
    assert len(ends) == len(cluster.names)
    said = {(trace.index, trace.digest) for trace in ends}
    assert len(said) == 1
    assert {trace.applied for trace in ends} == {index for index, _ in said}


def test_a_client_never_hears_twice() -> None:
    """A write that timed out is applied later; its client was answered already."""
    cluster, leader, _ = started()
    cluster.drop = lambda to, envelope: bool(getattr(envelope.body, "entries", ()))  # heartbeats arrive
    call = cluster.ask(leader, Register(key(1)))
    cluster.run(CONFIG.request_timeout_ns)
    assert isinstance(call.reply, Refused)
    assert (call.reply.code, call.reply.proposed) == ("timeout", True)
    cluster.drop = lambda to, envelope: False
    cluster.settle()  # the cluster would fail on a second answer
    assert cluster.node(leader).machine.registry.size == 1


def test_a_follower_forgets_forwards_that_were_lost_once_their_clients_wait_no_more() -> None:
    cluster, _, follower = started()
    cluster.drop = lambda to, envelope: isinstance(envelope.body, Forward)
    calls = [cluster.ask(follower, register(number)) for number in range(5 * SPARE_FORWARDS)]
    cluster.run(3 * SECOND_NS)
    assert all(isinstance(call.reply, Refused) for call in calls)
    cluster.ask(follower, register(1000))
    assert cluster.node(follower).sizes()[FORWARDS] == 1
