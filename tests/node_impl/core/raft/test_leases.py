"""Reads under a leader's lease (thesis, section 6.4.1): what the lease rests on, one rule at a time."""

from __future__ import annotations

import pytest

from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.config import NodeConfig
from node_impl.core.events import Send
from node_impl.core.raft.elections import HEARTBEAT_TIMER
from node_impl.core.raft.leases import Lease
from node_impl.core.raft.messages import (
    AppendEntries,
    PreVote,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
)
from tests.node_impl.core.raft.driving import Alone, accepted, append

T = 300 * MILLISECOND_NS
LEASE = NodeConfig(lease=True, clock_drift_bound_percent=20)
LASTS = T * 80 // 120


def leading(config: NodeConfig = LEASE) -> Alone:
    """n1 of five leads term 1, and a majority holds its first entry."""
    alone = Alone(config=config)
    alone.become_leader()
    alone.sync()
    for follower in ("n2", "n3"):
        alone.receive(follower, accepted(1, 1))
    assert alone.raft.reads.may_serve_reads()
    return alone


def heartbeat(alone: Alone) -> int:
    """The leader sends one; the round that it carries."""
    return round_of(alone.fire(HEARTBEAT_TIMER))


def round_of(sent: list[Send]) -> int:
    return max(send.message.body.read_round for send in sent if isinstance(send.message.body, AppendEntries))


def read(alone: Alone) -> int:
    """Ask for a read; how many are confirmed at once."""
    alone.raft.reads.request((None, 1))
    confirmed = alone.raft.reads.take_confirmed()
    alone.raft.state.outbox.take(None, 0)
    return len(confirmed)


def leased() -> Alone:
    """A majority has answered a heartbeat that was sent at `now`."""
    alone = leading()
    number = heartbeat(alone)
    for follower in ("n2", "n3"):
        alone.receive(follower, accepted(1, 1, number))
    return alone


def test_a_read_needs_no_round_once_a_majority_answered_a_heartbeat() -> None:
    alone = leading()
    number = heartbeat(alone)
    alone.receive("n2", accepted(1, 1, number))
    assert not alone.raft.leases.lease_holds(), "two of five are no majority"
    alone.receive("n3", accepted(1, 1, number))
    assert read(alone) == 1


def test_the_lease_counts_from_when_the_round_was_sent_not_from_its_answers() -> None:
    alone = leading()
    number = heartbeat(alone)
    sent_at = alone.now
    alone.now += LASTS - 1
    for follower in ("n2", "n3"):
        alone.receive(follower, accepted(1, 1, number))
    assert read(alone) == 1
    alone.raft.state.set_time(sent_at + LASTS)
    assert read(alone) == 0, "it is over, however late the answers came"


def test_the_bound_on_drift_shortens_the_lease() -> None:
    assert leading(NodeConfig(lease=True, clock_drift_bound_percent=0)).raft.leases.lease_ns() == T
    assert leading().raft.leases.lease_ns() == LASTS
    with pytest.raises(ValueError, match="below 100"):
        NodeConfig(clock_drift_bound_percent=100)


def test_without_the_setting_each_read_takes_a_round() -> None:
    alone = leading(NodeConfig())
    number = heartbeat(alone)
    for follower in ("n2", "n3"):
        alone.receive(follower, accepted(1, 1, number))
    assert read(alone) == 0


def test_a_leader_that_hands_over_gets_no_lease_even_by_new_answers() -> None:
    alone = leased()
    alone.raft.elections.transfer_to("n2")
    assert read(alone) == 0
    number = heartbeat(alone)
    for follower in ("n3", "n4"):
        alone.receive(follower, accepted(1, 1, number))
    assert not alone.raft.leases.lease_holds(), "its TimeoutNow may still be on its way"


def test_a_leader_that_steps_down_serves_no_read_by_its_lease() -> None:
    alone = leased()
    alone.receive("n4", append(2, (1, 1)))
    assert alone.raft.state.role == "follower"
    alone.become_leader()
    assert not alone.raft.leases.lease_holds(), "a new term has to earn its own"


def votes(sent: list[Send]) -> list[bool]:
    replies = (RequestVoteReply, PreVoteReply)
    return [send.message.body.granted for send in sent if isinstance(send.message.body, replies)]


def test_a_restarted_node_gives_no_vote_for_one_time_out() -> None:
    """Its last life may have promised a leader not to, an instant ago."""
    alone = Alone(1, config=LEASE)
    assert votes(alone.receive("n2", PreVote(1, 1, 1))) == [False]
    assert votes(alone.receive("n2", RequestVote(2, 1, 1))) == [False]
    alone.now += T
    assert votes(alone.receive("n2", RequestVote(2, 1, 1))) == [True]
    assert votes(Alone(1).receive("n2", RequestVote(2, 1, 1))) == [True], "without leases no voter waits"


def test_a_promise_outlives_the_term_in_which_it_was_made() -> None:
    alone = Alone(1, config=LEASE)
    alone.now = SECOND_NS
    alone.receive("n2", append(1, (1, 1)))
    alone.receive("n3", PreVoteReply(5, False, 1))
    assert alone.raft.state.current_term == 5
    assert votes(alone.receive("n3", RequestVote(5, 1, 1))) == [False], "n2 may count on it"
    alone.now += T
    assert votes(alone.receive("n3", RequestVote(5, 1, 1))) == [True]


def test_a_candidate_that_the_leader_asked_gets_the_vote_at_once() -> None:
    alone = Alone(1, config=LEASE)
    alone.receive("n2", append(1, (1, 1)))
    assert votes(alone.receive("n3", RequestVote(2, 1, 1))) == []
    assert votes(alone.receive("n3", RequestVote(2, 1, 1, transfer=True))) == [True]


def test_a_lease_lasts_from_the_newest_round_that_was_answered() -> None:
    lease = Lease()
    lease.sent(1, 100)
    lease.sent(2, 200)
    lease.answered(1, 50)
    assert (lease.holds(149), lease.holds(150)) == (True, False)
    lease.answered(2, 50)
    lease.answered(1, 50)
    assert (lease.holds(249), lease.holds(250)) == (True, False)
