"""Figure 2's RequestVote RPC, and the rules for candidates (sections 5.2 and 5.4.1)."""

from __future__ import annotations

from typing import Any

import pytest

from history.units import SECOND_NS
from node_impl.core.build import build_node
from node_impl.core.config import NodeConfig
from node_impl.core.events import HardState, Recovered, Role, SetTimer, Synced, TimerFired, Trace
from node_impl.core.raft.elections import ELECTION_TIMER, HEARTBEAT_TIMER
from node_impl.core.raft.messages import AppendEntries, RequestVote, RequestVoteReply
from tests.node_impl.cluster import CONFIG, Cluster
from tests.node_impl.core.raft.driving import Alone, Zero, accepted, append


def role_of(alone: Alone) -> Role:
    return alone.raft.state.role


def vote(alone: Alone, candidate: str, request: RequestVote) -> bool:
    (reply,) = alone.receive(candidate, request)
    assert isinstance(reply.message.body, RequestVoteReply)
    return reply.message.body.granted


def test_a_vote_and_its_term_are_on_disk_before_the_reply_leaves() -> None:
    alone = Alone()
    (reply,) = alone.receive("n2", RequestVote(3, 0, 0))
    (persist,) = alone.persisted
    assert persist.records == (HardState(3, "n2"),)
    assert reply.after == persist.number


def test_a_candidate_asks_for_votes_only_when_its_own_is_on_disk() -> None:
    alone = Alone()
    requests = alone.fire(ELECTION_TIMER)
    (persist,) = alone.persisted
    assert persist.records == (HardState(1, "n1"),)
    assert [(send.to, send.after) for send in requests] == [(f"n{n}", persist.number) for n in range(2, 6)]


def test_a_cluster_of_one_leads_once_its_vote_is_on_disk_and_not_before() -> None:
    alone = Alone(size=1)
    alone.fire(ELECTION_TIMER)
    assert role_of(alone) == "candidate"
    alone.sync()
    assert role_of(alone) == "leader"


def test_a_node_votes_once_a_term_and_repeats_its_answer_to_the_same_candidate() -> None:
    alone = Alone()
    assert vote(alone, "n2", RequestVote(1, 0, 0))
    assert not vote(alone, "n3", RequestVote(1, 0, 0))
    assert vote(alone, "n2", RequestVote(1, 0, 0))
    assert vote(alone, "n3", RequestVote(2, 0, 0))


def test_a_restarted_node_never_votes_twice_in_one_term() -> None:
    alone = Alone(term=4, vote="n2")
    assert not vote(alone, "n3", RequestVote(4, 0, 0))
    assert vote(alone, "n2", RequestVote(4, 0, 0))


def test_a_restarted_node_keeps_its_term_and_refuses_candidates_of_earlier_ones() -> None:
    alone = Alone(term=4)
    (reply,) = alone.receive("n3", RequestVote(3, 9, 3))
    assert reply.message.body == RequestVoteReply(4, False)


@pytest.mark.parametrize(
    ("last_index", "last_term", "granted"),
    [(3, 2, True), (4, 2, True), (2, 2, False), (1, 3, True), (9, 1, False)],
)
def test_a_vote_goes_only_to_a_log_at_least_as_up_to_date(
    last_index: int, last_term: int, granted: bool
) -> None:
    assert vote(Alone(1, 1, 2), "n2", RequestVote(5, last_index, last_term)) is granted


def test_a_repeated_vote_counts_once() -> None:
    alone = Alone()
    alone.fire(ELECTION_TIMER)
    alone.sync()
    for _ in range(3):
        alone.receive("n2", RequestVoteReply(1, True))
    assert role_of(alone) == "candidate"
    alone.receive("n3", RequestVoteReply(1, True))
    assert role_of(alone) == "leader"


def test_votes_of_an_earlier_term_do_not_count() -> None:
    alone = Alone()
    alone.fire(ELECTION_TIMER)
    alone.fire(ELECTION_TIMER)
    alone.sync()
    for voter in ("n2", "n3", "n4"):
        alone.receive(voter, RequestVoteReply(1, True))
    assert (alone.raft.state.role, alone.raft.state.current_term) == ("candidate", 2)


def test_a_candidate_follows_the_leader_of_its_term() -> None:
    alone = Alone()
    alone.fire(ELECTION_TIMER)
    alone.receive("n2", append(1, (0, 0)))
    assert (alone.raft.state.role, alone.raft.state.leader, alone.raft.state.current_term) == (
        "follower",
        "n2",
        1,
    )


def test_a_leader_steps_down_at_a_higher_term_and_no_trace_line_shows_it_leading_there() -> None:
    alone = Alone()
    alone.become_leader()
    alone.receive("n2", RequestVoteReply(7, False))
    assert (alone.raft.state.role, alone.raft.state.current_term, alone.raft.state.voted_for) == (
        "follower",
        7,
        None,
    )
    lines = [effect for effect in alone.effects if isinstance(effect, Trace)]
    assert [(line.event, line.term, line.role) for line in lines] == [
        ("receive", 1, "leader"),
        ("role", 1, "follower"),
        ("term", 7, "follower"),
    ]


def test_a_leader_that_hears_no_majority_for_an_election_time_out_steps_down() -> None:
    alone = Alone()
    alone.become_leader()
    for follower in ("n2", "n3"):
        alone.receive(follower, accepted(1, 0))
    alone.fire(ELECTION_TIMER)
    assert role_of(alone) == "leader"
    alone.receive("n2", accepted(1, 0))
    alone.fire(ELECTION_TIMER)
    assert (alone.raft.state.role, alone.raft.state.leader, alone.raft.state.current_term) == (
        "follower",
        None,
        1,
    )


def test_a_message_of_the_leader_puts_the_election_off_without_setting_the_timer_again() -> None:
    alone = Alone()
    timeout = NodeConfig().election_timeout_ns
    alone.now = timeout - 1
    alone.receive("n2", append(1, (0, 0)))
    assert not any(isinstance(effect, SetTimer) for effect in alone.effects)
    assert alone.node.step(timeout, TimerFired(ELECTION_TIMER)) == [SetTimer(ELECTION_TIMER, 2 * timeout - 1)]
    assert role_of(alone) == "follower"
    alone.node.step(2 * timeout - 1, TimerFired(ELECTION_TIMER))
    assert role_of(alone) == "candidate"


def test_the_election_timer_looks_whether_a_leader_was_heard() -> None:
    cluster = Cluster(3, seed=3)
    cluster.start()
    cluster.elect()
    term = max(cluster.node(name).raft.state.current_term for name in cluster.names)
    cluster.run(20 * SECOND_NS)
    assert {cluster.node(name).raft.state.current_term for name in cluster.names} == {term}


def test_a_leader_begins_its_term_with_a_no_op_and_tells_everybody() -> None:
    alone = Alone(1, 1)
    sent = alone.become_leader()
    assert alone.terms == [1, 1, 2]
    assert alone.raft.state.log[3].kind == "noop"
    bodies = [send.message.body for send in sent]
    assert [send.to for send in sent] == ["n2", "n3", "n4", "n5"]
    assert all(
        isinstance(body, AppendEntries) and body.entries == (alone.raft.state.log[3],) for body in bodies
    )


def test_a_leader_beats_and_a_follower_does_not() -> None:
    alone = Alone()
    assert alone.fire(HEARTBEAT_TIMER) == []
    alone.become_leader()
    assert len(alone.fire(HEARTBEAT_TIMER)) == 4


def test_synced_says_what_is_on_disk_and_not_what_is_being_written() -> None:
    alone = Alone(1, 1)
    alone.receive("n2", RequestVote(5, 2, 1))
    first = alone.raft.state.outbox.newest
    alone.receive("n3", append(6, (1, 1), ()))
    alone.effects = alone.node.step(0, Synced(first))
    (line,) = (effect for effect in alone.effects if isinstance(effect, Trace))
    assert (line.event, line.term, line.index, line.vote) == ("synced", 6, 2, "n2")


def test_split_votes_end() -> None:
    """All nodes time out at nearly the same time: only randomness resolves it (section 5.2)."""
    for seed in range(20):
        cluster = Cluster(5, seed)
        cluster.start()
        cluster.elect()
        assert cluster.now < 10 * CONFIG.election_timeout_ns


def test_a_name_outside_the_members_is_refused() -> None:
    with pytest.raises(ValueError, match="'n9' must be one of the members"):
        build_node(
            name="n9",
            members=("n1", "n2"),
            life=1,
            recovered=Recovered(HardState(0, None), ()),
            random=Zero(),
            config=NodeConfig(),
        )


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"heartbeat_ns": 0}, "heartbeat_ns is 0; it must be above 0"),
        ({"max_in_flight": -1}, "max_in_flight is -1"),
        ({"heartbeat_ns": 400_000_000}, "must be below election_timeout_ns"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        NodeConfig(**settings)


def test_without_pre_vote_a_vote_draws_another_wait_so_that_others_get_their_turn() -> None:
    for pre_vote in (False, True):
        alone = Alone(1, pre_vote=pre_vote)
        alone.now += 2 * NodeConfig().election_timeout_ns
        alone.receive("n2", RequestVote(2, 1, 1))
        timers = [effect.name for effect in alone.effects if isinstance(effect, SetTimer)]
        assert timers == ([] if pre_vote else [ELECTION_TIMER])
