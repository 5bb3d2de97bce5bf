"""What no honest member sends is refused, changes nothing, and stands in the trace."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.limits import LARGEST_TERM
from node_impl.core.events import LARGEST, Entry, Trace, TruncateRecord, Undecodable
from node_impl.core.raft.messages import (
    AppendEntries,
    Envelope,
    InstallSnapshot,
    Message,
    PreVote,
    RaftMessage,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from node_impl.core.raft.nonsense import MOST_SNAPSHOT_BYTES, MOST_TERMS_AHEAD
from tests.node_impl.core.raft.driving import Alone, accepted, append, entries

FAR = 3 + MOST_TERMS_AHEAD + 1
FORGED: dict[str, tuple[RaftMessage, str]] = {
    "a vote of a far term": (RequestVote(FAR, 9, 3), f"its term {FAR} is {FAR - 3} ahead"),
    "a pre-vote of a far term": (PreVote(FAR, 9, 3), "more than elections"),
    "a heartbeat of a far term": (append(FAR, (3, 3)), "more than elections"),
    "a vote's answer of a far term": (RequestVoteReply(FAR, True), "more than elections"),
    "a hand-over of a far term": (TimeoutNow(FAR), "more than elections"),
    "entries with a gap": (append(3, (3, 3), (Entry(5, 3, "noop"),)), "entry 5 stands where entry 4 should"),
    "entries whose terms fall": (
        append(3, (3, 3), (Entry(4, 2, "noop"),)),
        "entry 4 is of term 2, and the one before it of term 3",
    ),
    "entries after the leader's term": (append(3, (3, 3), (Entry(4, 7, "noop"),)), "after the leader's own"),
    "a candidate whose log is of the future": (RequestVote(4, 9, 5), "after its own term 4"),
    "a snapshot without end": (
        InstallSnapshot(3, 9, "ab" * 16, MOST_SNAPSHOT_BYTES + 1, 0, b""),
        "are the most",
    ),
    "a chunk beyond its snapshot": (InstallSnapshot(3, 9, "ab" * 16, 5, 4, b"12"), "ends at byte 6 of 5"),
}


def refusals(alone: Alone) -> list[Trace]:
    return [e for e in alone.effects if isinstance(e, Trace) and e.event == "refuse"]


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_message_is_refused_and_changes_nothing(what: str) -> None:
    message, why = FORGED[what]
    alone = Alone(1, 1, 3)
    before = alone.node.status()
    assert alone.receive("n2", message) == []
    assert alone.persisted == []
    assert alone.node.status() == before
    (line,) = refusals(alone)
    assert line.peer == "n2"
    assert why in (line.why or "")
    assert alone.receive("n3", append(4, (3, 3), (Entry(4, 4, "noop"),)))[0].message.body == accepted(4, 4)


def test_a_term_as_far_ahead_as_elections_may_bring_it_is_believed() -> None:
    alone = Alone(1, 1, 3)
    alone.receive("n2", append(FAR - 1, (3, 3)))
    assert alone.raft.state.current_term == FAR - 1


def test_a_follower_that_claims_more_than_the_leader_has_is_refused() -> None:
    alone = Alone(1, 1)
    alone.become_leader()
    term = alone.raft.state.current_term
    alone.receive("n2", accepted(term, LARGEST))
    assert len(refusals(alone)) == 1
    assert alone.raft.followers.by_name["n2"].match_index == 0
    alone.receive("n2", accepted(term, 3))
    assert alone.raft.followers.by_name["n2"].match_index == 3


def test_committed_entries_are_never_cut() -> None:
    alone = Alone(1, 1, 1)
    alone.receive("n2", append(1, (3, 1), commit=2))
    alone.receive("n3", append(2, (0, 0), (Entry(1, 2, "noop"), Entry(2, 2, "noop"))))
    assert alone.sent == []
    assert alone.terms == [1, 1, 1]
    assert not any(isinstance(record, TruncateRecord) for p in alone.persisted for record in p.records)
    (line,) = refusals(alone)
    assert (line.peer, line.index, line.commit) == ("n3", 1, 2)
    alone.receive("n3", append(2, (2, 1), (Entry(3, 2, "noop"),)))
    assert alone.terms == [1, 1, 2], "what is not committed may still be cut"


def test_what_cannot_be_decoded_stands_in_the_trace() -> None:
    alone = Alone(1)
    alone.effects = alone.node.step(alone.now, Undecodable("n2", "a message of 3 bytes"))
    (line,) = refusals(alone)
    assert (line.peer, line.why) == ("n2", "a message of 3 bytes")


@pytest.mark.parametrize("number", [-1, LARGEST + 1, (1 << 64) - 1])
@pytest.mark.parametrize("field", ["term", "prev_log_index", "prev_log_term", "leader_commit", "read_round"])
def test_a_number_beyond_its_bounds_is_no_message(field: str, number: int) -> None:
    """Built without its constraints, as a forger would."""
    honest: Message = AppendEntries(1, 2, 3, (), 4, 5)
    values = [getattr(honest, name) for name in honest.__struct_fields__]
    values[honest.__struct_fields__.index(field)] = number
    forged = msgspec.msgpack.encode(["n2:1:1", "n2", ["append?", *values]])
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(forged, type=Envelope)


def test_traces_hold_every_number_that_a_node_takes() -> None:
    assert LARGEST == LARGEST_TERM


NUMBERS = st.one_of(st.integers(0, 6), st.integers(0, LARGEST))
ENTRIES = st.lists(st.builds(Entry, NUMBERS, NUMBERS, st.just("noop")), max_size=4).map(tuple)
HOSTILE: st.SearchStrategy[RaftMessage] = st.one_of(
    st.builds(AppendEntries, NUMBERS, NUMBERS, NUMBERS, ENTRIES, NUMBERS, NUMBERS),
    st.builds(RequestVote, NUMBERS, NUMBERS, NUMBERS, st.booleans()),
    st.builds(
        InstallSnapshot, NUMBERS, NUMBERS, st.text(max_size=4), NUMBERS, NUMBERS, st.binary(max_size=9)
    ),
    st.builds(accepted, NUMBERS, NUMBERS, NUMBERS),
)


@given(st.lists(st.tuples(st.sampled_from(["n2", "n3"]), HOSTILE), max_size=12), st.booleans())
def test_no_sequence_of_forged_messages_ends_a_node_or_cuts_what_is_committed(
    forged: list[tuple[str, RaftMessage]], leads: bool
) -> None:
    alone = Alone(1, 1, 2)
    if leads:
        alone.become_leader()
    for sender, message in forged:
        committed = entries_up_to(alone, alone.raft.state.commit_index)
        alone.receive(sender, message)
        assert entries_up_to(alone, len(committed)) == committed


def entries_up_to(alone: Alone, index: int) -> list[int]:
    """The terms of the first entries; those behind a snapshot do not count."""
    log = alone.raft.state.log
    return [log.term_at(one) for one in range(1, index + 1) if log.base_index == 0]


def test_the_helper_sees_entries() -> None:
    assert entries_up_to(Alone(*(entry.term for entry in entries(1, 2))), 2) == [1, 2]
