"""Figure 2's AppendEntries RPC, and log repair as in Figure 7 (section 5.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import AppendRecord, Entry, TruncateRecord
from node_impl.core.raft.elections import HEARTBEAT_TIMER
from node_impl.core.raft.messages import AppendEntries, AppendEntriesReply
from node_impl.core.raft.replication import Replication
from tests.node_impl.core.raft.driving import Alone, accepted, append, entries

LEADER_OF_FIGURE_7 = (1, 1, 1, 4, 4, 5, 5, 6, 6, 6)
FOLLOWERS_OF_FIGURE_7 = {
    "a": (1, 1, 1, 4, 4, 5, 5, 6, 6),
    "b": (1, 1, 1, 4),
    "c": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),
    "d": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),
    "e": (1, 1, 1, 4, 4, 4, 4),
    "f": (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),
    "empty": (),
}


def one_entry(index: int, term: int) -> Entry:
    return entries(*[term] * index)[-1]


def talk(leader: Alone, follower: Alone, sent: list[AppendEntries]) -> int:
    """Carry messages between the two until none is left; how many the follower took."""
    taken = 0
    while sent:
        taken += 1
        replies = follower.receive("n1", sent.pop(0))
        for reply in replies:
            assert isinstance(reply.message.body, AppendEntriesReply)
            answers = leader.receive("n2", reply.message.body)
            sent += [send.message.body for send in answers if send.to == "n2"]
        follower.sync()
        assert taken < 100, "they never agree"
    return taken


@pytest.mark.parametrize("letter", FOLLOWERS_OF_FIGURE_7)
@pytest.mark.parametrize("max_batch_entries", [1, 3, 100])
def test_every_follower_of_figure_7_gets_the_leaders_log(letter: str, max_batch_entries: int) -> None:
    config = replace(NodeConfig(), max_batch_entries=max_batch_entries)
    leader = Alone(*LEADER_OF_FIGURE_7, term=7, config=config)
    follower = Alone(*FOLLOWERS_OF_FIGURE_7[letter], term=7)
    first = [s.message.body for s in leader.become_leader() if s.to == "n2"]
    taken = talk(leader, follower, first)
    assert follower.terms == leader.terms == [*LEADER_OF_FIGURE_7, 8]
    assert leader.raft.followers.by_name["n2"].match_index == 11
    if max_batch_entries == 100:
        assert taken <= 4, "back-off goes by terms, not by entries"


def test_entries_are_on_disk_before_the_follower_says_so() -> None:
    alone = Alone()
    (reply,) = alone.receive("n2", append(1, (0, 0), entries(1, 1)))
    (persist,) = alone.persisted
    assert persist.records[-1] == AppendRecord(entries(1, 1))
    assert reply.after == persist.number
    assert reply.message.body == accepted(1, 2)


def test_a_repeated_append_says_yes_but_no_sooner_than_the_disk() -> None:
    alone = Alone()
    (first,) = alone.receive("n2", append(1, (0, 0), entries(1)))
    (again,) = alone.receive("n2", append(1, (0, 0), entries(1)))
    assert alone.persisted == []
    assert again.after == first.after > 0


def test_a_stale_append_removes_nothing() -> None:
    """It matches what is there, so it conflicts with nothing (Figure 2, AppendEntries RPC, rule 3)."""
    alone = Alone(1, 1, 1, 1)
    (reply,) = alone.receive("n2", append(1, (1, 1), (entries(1, 1)[1],), commit=4))
    assert alone.terms == [1, 1, 1, 1]
    assert reply.message.body == accepted(1, 2)
    assert alone.raft.state.commit_index == 2, "only what this message proved equal is committed by it"


def test_a_conflicting_entry_and_all_after_it_go() -> None:
    alone = Alone(1, 1, 2, 2)
    alone.receive("n2", append(3, (2, 1), (one_entry(3, 3),)))
    assert alone.terms == [1, 1, 3]
    assert alone.persisted[0].records[-2:] == (TruncateRecord(3), AppendRecord((one_entry(3, 3),)))
    assert alone.raft.state.outbox.durable.last_index == 2


def test_a_shorter_log_and_a_conflicting_one_are_refused_with_where_to_go_on() -> None:
    alone = Alone(1, 1, 2, 2, 2)
    (short,) = alone.receive("n2", append(4, (9, 4)))
    assert short.message.body == AppendEntriesReply(4, False, 9, 0, 6, 0)
    (conflict,) = alone.receive("n2", append(4, (4, 3)))
    assert conflict.message.body == AppendEntriesReply(4, False, 4, 2, 3, 0)


def test_a_leader_of_an_earlier_term_is_refused_with_the_current_term() -> None:
    alone = Alone(1, term=5)
    (reply,) = alone.receive("n2", append(4, (1, 1), (one_entry(2, 4),), commit=1))
    body = reply.message.body
    assert isinstance(body, AppendEntriesReply)
    assert (body.term, body.success) == (5, False)
    assert (alone.terms, alone.raft.state.commit_index, alone.raft.state.leader) == ([1], 0, None)


def test_a_leader_counts_itself_only_once_its_own_disk_has_the_entry() -> None:
    alone = Alone(size=3)
    alone.become_leader()
    assert alone.raft.followers.by_name["n2"].match_index == 0
    alone.sync()
    alone.raft.state.set_time(alone.now)
    index = alone.raft.replication.propose(b"", None)
    alone.effects = alone.node._take_effects()
    alone.receive("n2", accepted(1, index))
    assert alone.raft.state.commit_index == 1  # the no-op, which is on both
    alone.sync()
    assert alone.raft.state.commit_index == index


def test_followers_alone_can_be_the_majority() -> None:
    alone = Alone(size=3)
    alone.become_leader()
    alone.receive("n2", accepted(1, 1))
    assert alone.raft.state.commit_index == 0
    alone.receive("n3", accepted(1, 1))
    assert alone.raft.state.commit_index == 1
    assert alone.raft.state.outbox.durable.last_index == 0


# ---- Figure 8 --------------------------------------------------------------------------------------------


class CountsEarlierTerms(Replication):
    def may_commit_by_counting(self, index: int) -> bool:
        return True


def leader_of_figure_8(replication: type[Replication]) -> Alone:
    """(c): S1, back in term 4, has spread its entry of term 2 to a majority, and nothing of term 4 yet."""
    alone = Alone(
        1, 2, term=3, config=replace(NodeConfig(), max_batch_entries=1), parts=Parts(replication=replication)
    )
    alone.become_leader()
    assert alone.raft.state.current_term == 4
    alone.sync()
    for follower in ("n2", "n3"):
        alone.receive(follower, accepted(4, 2))
    return alone


def test_an_entry_of_an_earlier_term_is_not_committed_by_counting() -> None:
    alone = leader_of_figure_8(Replication)
    assert alone.raft.state.commit_index == 0
    alone.receive("n2", accepted(4, 3))
    assert alone.raft.state.commit_index == 0
    alone.receive("n3", accepted(4, 3))
    assert alone.raft.state.commit_index == 3, "an entry of its own term commits all before it (Figure 8, e)"


def test_without_that_rule_figure_8_commits_what_can_still_be_lost() -> None:
    assert leader_of_figure_8(CountsEarlierTerms).raft.state.commit_index == 2


# ---- sending ahead, and what is lost ---------------------------------------------------------------------


def leading(**settings: Any) -> Alone:
    """Leader of three; follower n2 has everything, n3 never answers."""
    alone = Alone(size=3, config=replace(NodeConfig(), **settings))
    alone.become_leader()
    alone.sync()
    alone.receive("n2", accepted(1, 1))
    return alone


def propose(alone: Alone, count: int) -> list[tuple[int, ...]]:
    """In `count` steps; the indices in each message to n2."""
    for _ in range(count):
        alone.raft.replication.propose(b"x", None)
        alone.raft.replication.flush()
    alone.effects = alone.node._take_effects()
    return to_n2(alone)


def to_n2(alone: Alone) -> list[tuple[int, ...]]:
    found = []
    for send in alone.sent:
        if send.to == "n2" and isinstance(send.message.body, AppendEntries):
            found.append(tuple(entry.index for entry in send.message.body.entries))
    return found


def test_entries_are_sent_at_once_and_ahead_of_answers_up_to_a_bound_then_together() -> None:
    alone = leading(max_in_flight=2)
    assert propose(alone, 5) == [(2,), (3,)]
    alone.receive("n2", accepted(1, 2))
    assert to_n2(alone) == [(4, 5, 6)]


def test_entries_of_one_step_travel_together() -> None:
    alone = leading(max_in_flight=2)
    for _ in range(3):
        alone.raft.replication.propose(b"x", None)
    alone.receive("n2", accepted(1, 1))
    assert to_n2(alone) == [(2, 3, 4)]
    assert alone.raft.replication._has_unsent is False


def test_a_batch_is_bounded_in_entries_and_in_bytes_but_never_empty() -> None:
    alone = leading(max_in_flight=1, max_batch_entries=3, max_batch_bytes=10)
    propose(alone, 1)
    for _ in range(4):
        alone.raft.replication.propose(b"four", None)
    alone.raft.replication.propose(b"much more than ten", None)
    alone.receive("n2", accepted(1, 2))
    assert to_n2(alone) == [(3, 4)]
    alone.receive("n2", accepted(1, 4))
    assert to_n2(alone) == [(5, 6)]
    alone.receive("n2", accepted(1, 6))
    assert to_n2(alone) == [(7,)]


def test_a_lost_message_is_noticed_by_the_next_heartbeat_and_sent_again() -> None:
    alone = leading(max_in_flight=2)
    follower = Alone(1)
    assert propose(alone, 2) == [(2,), (3,)]  # both lost
    beat = [send.message.body for send in alone.fire(HEARTBEAT_TIMER) if send.to == "n2"]
    talk(alone, follower, beat)
    assert len(follower.terms) == 3
    assert alone.raft.followers.by_name["n2"].match_index == 3


def test_lost_answers_are_made_up_for_by_the_next_heartbeat() -> None:
    alone = leading(max_in_flight=2)
    propose(alone, 4)
    follower = Alone(1, 1, 1)  # it took the two messages; its answers were lost
    beat = [send.message.body for send in alone.fire(HEARTBEAT_TIMER) if send.to == "n2"]
    talk(alone, follower, beat)
    assert alone.raft.followers.by_name["n2"].match_index == 5


def test_an_old_refusal_does_not_send_the_leader_back() -> None:
    alone = leading()
    propose(alone, 3)
    alone.receive("n2", accepted(1, 4))
    alone.receive("n2", AppendEntriesReply(1, False, 2, 0, 1, 0))
    assert alone.raft.followers.by_name["n2"].next_index == 5
    assert alone.sent == []


def test_a_refusal_of_another_term_means_nothing() -> None:
    alone = leading()
    alone.receive("n2", AppendEntriesReply(0, False, 1, 0, 1, 0))
    assert alone.raft.followers.by_name["n2"].match_index == 1
