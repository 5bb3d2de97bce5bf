"""Pre-vote, deaf ears for candidates, and leaders that hand over (thesis, sections 9.6, 4.2.3 and 3.10)."""

from __future__ import annotations

import pytest

from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import Done, Refused, Send, SetTimer, TimerFired
from node_impl.core.raft.elections import ELECTION_TIMER, Elections
from node_impl.core.raft.messages import (
    AppendEntries,
    PreVote,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from tests.node_impl.cluster import CONFIG, Cluster, register
from tests.node_impl.core.raft.driving import Alone, accepted, append

TIMEOUT = CONFIG.election_timeout_ns


def asking(*terms: int) -> Alone:
    return Alone(*terms, pre_vote=True)


def pre_vote(alone: Alone, request: PreVote) -> bool:
    (reply,) = alone.receive("n2", request)
    assert isinstance(reply.message.body, PreVoteReply)
    return reply.message.body.granted


def test_asking_for_pre_votes_changes_neither_term_nor_vote() -> None:
    alone = asking(1, 1)
    sent = alone.fire(ELECTION_TIMER)
    assert [send.message.body for send in sent] == [PreVote(1, 2, 1)] * 4
    assert (alone.raft.state.role, alone.raft.state.current_term, alone.raft.state.voted_for) == (
        "candidate",
        1,
        None,
    )
    assert alone.persisted == []


def test_a_majority_of_pre_votes_begins_a_real_election() -> None:
    alone = asking(1)
    alone.fire(ELECTION_TIMER)
    alone.receive("n2", PreVoteReply(1, True, 1))
    alone.receive("n2", PreVoteReply(1, True, 1))
    alone.receive("n3", PreVoteReply(1, False, 1))
    assert alone.raft.state.current_term == 1
    sent = alone.receive("n4", PreVoteReply(1, True, 1))
    assert [send.message.body for send in sent] == [RequestVote(2, 1, 1)] * 4
    assert alone.raft.state.current_term == 2


def test_pre_votes_for_an_earlier_question_do_not_count() -> None:
    alone = asking(1)
    alone.fire(ELECTION_TIMER)
    for voter in ("n2", "n3", "n4"):
        alone.receive(voter, PreVoteReply(0, True, 0))
    assert alone.raft.state.current_term == 1


def test_votes_of_an_abandoned_election_do_not_count_in_the_next_one() -> None:
    alone = asking(1)
    alone.fire(ELECTION_TIMER)
    for voter in ("n2", "n3"):
        alone.receive(voter, PreVoteReply(1, True, 1))
    alone.fire(ELECTION_TIMER)
    alone.sync()
    for voter in ("n2", "n3", "n4"):
        alone.receive(voter, RequestVoteReply(2, True))
    assert alone.raft.elections.is_pre_candidate


def test_a_pre_vote_is_denied_while_a_leader_is_heard_and_granted_after() -> None:
    alone = asking(1)
    alone.receive("n3", append(1, (1, 1)))
    assert not pre_vote(alone, PreVote(1, 9, 1))
    alone.now += TIMEOUT
    assert pre_vote(alone, PreVote(1, 9, 1))
    assert (alone.raft.state.current_term, alone.raft.state.voted_for) == (1, None)


def test_a_leader_denies_pre_votes() -> None:
    alone = Alone(1)
    alone.become_leader()
    assert not pre_vote(alone, PreVote(9, 9, 9))
    assert (alone.raft.state.role, alone.raft.state.current_term) == ("leader", 2)


@pytest.mark.parametrize(
    ("request_", "granted"),
    [
        (PreVote(2, 2, 2), True),
        (PreVote(3, 9, 3), True),
        (PreVote(1, 9, 9), False),
        (PreVote(2, 9, 1), False),
    ],
)
def test_a_pre_vote_goes_only_to_a_candidate_that_would_get_the_vote(
    request_: PreVote, granted: bool
) -> None:
    assert pre_vote(asking(1, 2), request_) is granted


def test_a_member_that_hears_a_leader_ignores_candidates_unless_the_leader_sent_them() -> None:
    alone = asking(1)
    alone.receive("n3", append(1, (1, 1)))
    assert alone.receive("n2", RequestVote(7, 9, 7)) == []
    assert alone.raft.state.current_term == 1
    (reply,) = alone.receive("n2", RequestVote(7, 9, 7, transfer=True))
    assert reply.message.body == RequestVoteReply(7, True)


def test_a_follower_that_its_leader_asks_stands_at_once_and_says_so() -> None:
    alone = asking(1)
    alone.receive("n3", append(1, (1, 1)))
    sent = alone.receive("n3", TimeoutNow(1))
    assert {send.message.body for send in sent} == {RequestVote(2, 1, 1, transfer=True)}
    assert asking(1).receive("n3", TimeoutNow(0)) == [], "an earlier leader's wish"


def test_the_lone_member_of_a_cluster_elects_itself() -> None:
    alone = Alone(size=1, pre_vote=True)
    alone.fire(ELECTION_TIMER)
    alone.sync()
    assert alone.raft.state.role == "leader"


def terms_after_isolation(parts: Parts) -> tuple[str, str | None, set[int]]:
    """(leader before, leader after, terms seen) when a follower is cut off for long, and returns."""
    cluster = Cluster(3, seed=1, parts=parts)
    cluster.start()
    leader = cluster.elect()
    term = cluster.node(leader).raft.state.current_term
    away = next(name for name in cluster.names if name != leader)
    cluster.cut({away})
    cluster.run(20 * SECOND_NS)
    cluster.heal()
    cluster.run(3 * SECOND_NS)
    terms = {cluster.node(name).raft.state.current_term for name in cluster.names}
    return leader, cluster.leader(), {number - term for number in terms}


def test_an_isolated_node_neither_raises_its_term_nor_deposes_the_leader_on_return() -> None:
    before, after, risen = terms_after_isolation(Parts())
    assert after == before
    assert risen == {0}


class PreVotesAgainstLiveLeaders(Elections):
    def hears_a_leader(self) -> bool:
        return False


class StandsUnasked(Elections):
    def _ask_for_pre_votes(self) -> None:
        self._stand_for_election()


def test_without_pre_vote_the_isolated_node_comes_back_with_a_higher_term() -> None:
    _, _, risen = terms_after_isolation(Parts(elections=StandsUnasked))
    assert risen != {0}


def deposed_by_a_half_cut_link(parts: Parts) -> bool:
    """A follower that does not hear the leader, but is heard by the others, asks them all the time."""
    cluster = Cluster(3, seed=2, parts=parts)
    cluster.start()
    leader = cluster.elect()
    term = cluster.node(leader).raft.state.current_term
    deaf = next(name for name in cluster.names if name != leader)
    cluster.drop = lambda to, envelope: to == deaf and isinstance(envelope.body, AppendEntries)
    cluster.run(5 * SECOND_NS)
    return cluster.node(leader).raft.state.current_term > term


def test_a_follower_that_hears_no_heartbeat_cannot_depose_a_leader_that_others_hear() -> None:
    assert not deposed_by_a_half_cut_link(Parts())
    assert deposed_by_a_half_cut_link(Parts(elections=PreVotesAgainstLiveLeaders))


def test_a_leader_that_is_shut_down_hands_over_well_within_an_election_time_out() -> None:
    cluster = Cluster(3, seed=4)
    cluster.start()
    old = cluster.elect()
    assert isinstance(cluster.answer(old, register(1)), Done)
    cluster.settle()
    began = cluster.now
    cluster.shut_down(old)
    new = cluster.elect()
    assert new != old
    assert cluster.now - began < TIMEOUT // 2
    assert isinstance(cluster.answer(new, register(2)), Done)


def test_an_ordinary_election_makes_up_for_a_lost_handover() -> None:
    cluster = Cluster(3, seed=4)
    cluster.start()
    old = cluster.elect()
    cluster.drop = lambda to, envelope: isinstance(envelope.body, TimeoutNow)
    cluster.shut_down(old)
    assert cluster.elect() != old


# ---- the article's three triggers of an election (membership: see test_membership) ----------------------


def test_start_up_triggers_an_election() -> None:
    cluster = Cluster(3, seed=9)
    assert cluster.leader() is None
    cluster.start()
    assert cluster.elect() in cluster.names


def test_the_leaders_stop_triggers_an_election() -> None:
    cluster = Cluster(3, seed=9)
    cluster.start()
    old = cluster.elect()
    term = cluster.node(old).raft.state.current_term
    cluster.crash(old)
    new = cluster.elect()
    assert new != old
    assert cluster.node(new).raft.state.current_term > term
    assert not isinstance(cluster.answer(new, register(1)), Refused)


def test_a_leader_confirmed_by_few_steps_down() -> None:
    alone = Alone(1, pre_vote=True)
    alone.fire(ELECTION_TIMER)
    for voter in ("n2", "n3"):
        alone.receive(voter, PreVoteReply(1, True, 1))
    alone.sync()
    for voter in ("n2", "n3"):
        alone.receive(voter, RequestVoteReply(2, True))
    assert alone.role() == "leader"
    alone.receive("n2", accepted(2, 0))
    alone.now += 1 * MILLISECOND_NS
    alone.fire(ELECTION_TIMER)
    assert alone.role() == "follower"


# ---- A leader whose connection was closed -------------------------------------------------------------


def following(leader: str = "n2") -> Alone:
    alone = asking(1)
    alone.receive(leader, append(1, (1, 1)))
    return alone


def due(alone: Alone) -> list[Send]:
    """The election timer fires now; `Alone.fire` would let a second pass first."""
    effects = alone.node.step(alone.now, TimerFired(ELECTION_TIMER))
    return [effect for effect in effects if isinstance(effect, Send)]


def test_a_follower_that_loses_its_leaders_connection_stands_before_its_time_out() -> None:
    alone, beats = following(), NodeConfig().heartbeat_ns
    assert alone.lose("n2") == [SetTimer(ELECTION_TIMER, alone.now + 2 * beats)]
    alone.now += 2 * beats
    sent = [
        effect
        for effect in alone.node.step(alone.now, TimerFired(ELECTION_TIMER))
        if isinstance(effect, Send)
    ]
    assert [send.message.body for send in sent] == [PreVote(1, 1, 1)] * 4


def test_a_leader_that_is_back_within_two_heartbeats_is_followed_on() -> None:
    alone, beats = following(), NodeConfig().heartbeat_ns
    alone.lose("n2")
    alone.now += beats
    alone.receive("n2", append(1, (1, 1)))
    alone.now += beats
    assert not any(
        isinstance(effect, Send) for effect in alone.node.step(alone.now, TimerFired(ELECTION_TIMER))
    )
    assert (alone.raft.state.role, alone.raft.state.leader) == ("follower", "n2")
    assert not pre_vote(alone, PreVote(1, 1, 1))


def test_a_pre_vote_is_granted_only_by_members_that_hear_no_leader() -> None:
    hears, lost = following("n3"), following("n3")
    lost.lose("n3")
    assert not pre_vote(hears, PreVote(1, 1, 1))
    assert pre_vote(lost, PreVote(1, 1, 1))


def test_the_loss_of_anybody_else_changes_nothing() -> None:
    alone = following()
    assert alone.lose("n3") == []
    assert not pre_vote(alone, PreVote(1, 1, 1))
    leader = Alone(1)
    leader.become_leader()
    assert leader.lose("n2") == []
