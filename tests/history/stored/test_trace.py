"""A trace is read whole or its gaps are named; a torn last line is the only damage that is legal."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history import TraceEvent, read_trace


def event(seq: int, name: Any = "commit") -> TraceEvent:
    return TraceEvent(
        seq=seq,
        at=seq,
        event=name,
        term=1,
        role="leader",
        commit=seq,
        applied=0,
        last=seq,
    )


def life(folder: Path, number: int, events: list[TraceEvent], tail: bytes = b"") -> None:
    folder.mkdir(exist_ok=True)
    body = b"".join(msgspec.json.encode(e) + b"\n" for e in events)
    (folder / f"{number:04}.jsonl").write_bytes(body + tail)


def test_lives_are_read_in_order_and_named(tmp_path: Path) -> None:
    life(tmp_path, 2, [event(1, "restart")])
    life(tmp_path, 1, [event(1, "restart"), event(2)])
    trace = read_trace(tmp_path, "n1")
    assert trace.gaps == ()
    assert [(e.node, e.life, e.seq) for e in trace.events] == [("n1", 1, 1), ("n1", 1, 2), ("n1", 2, 1)]
    assert [number for number, _ in trace.lives()] == [1, 2]


def test_a_torn_last_line_of_any_life_is_legal(tmp_path: Path) -> None:
    life(tmp_path, 1, [event(1)], tail=b'{"seq":2,"at":')
    life(tmp_path, 2, [event(1)])
    assert read_trace(tmp_path, "n1").gaps == ()


@pytest.mark.parametrize(
    ("events", "tail", "gap"),
    [
        ([event(1), event(3)], b"", "seq 3 follows 1"),
        ([event(2)], b"", "seq 2 follows 0"),
        ([event(1)], b"garbage\n", "line 2"),
        ([event(1)], b'{"seq":2,"vote":"\x80"}\n', "line 2"),
    ],
)
def test_any_other_damage_is_a_gap(tmp_path: Path, events: list[TraceEvent], tail: bytes, gap: str) -> None:
    life(tmp_path, 1, events, tail)
    trace = read_trace(tmp_path, "n1")
    assert len(trace.gaps) == 1
    assert gap in trace.gaps[0]


def test_a_missing_life_or_trace_is_a_gap(tmp_path: Path) -> None:
    life(tmp_path / "a", 2, [event(1)])
    assert "life 1 is missing" in read_trace(tmp_path / "a", "n1").gaps[0]
    assert "no trace" in read_trace(tmp_path / "b", "n1").gaps[0]


def test_a_file_that_is_no_life_is_passed_over(tmp_path: Path) -> None:
    life(tmp_path, 1, [event(1)])
    (tmp_path / "2notes.jsonl").write_text("notes")
    assert read_trace(tmp_path, "n1").gaps == ()


@given(
    lives=st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=3)), min_size=1, max_size=3),
    chunk=st.integers(1, 300),
    damage=st.integers(0, 400),
    byte=st.sampled_from(b'\n{}",:x\xff1'),
)
def test_a_trace_read_in_small_chunks_is_the_trace_read_whole(
    lives: list[tuple[int, bytes]], chunk: int, damage: int, byte: int
) -> None:
    """Wherever a chunk ends, and whatever one byte of it has become."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number, (events, tail) in enumerate(lives, start=1):
            life(folder, number, [event(seq) for seq in range(1, events + 1)], tail)
        first = bytearray((folder / "0001.jsonl").read_bytes())
        if damage < len(first):
            first[damage] = byte
            (folder / "0001.jsonl").write_bytes(first)
        whole = read_trace(folder, "n1")
        assert isinstance(whole.events, tuple)
        stored = read_trace(folder, "n1", kept_bytes=-1, chunk_bytes=chunk)
        assert not isinstance(stored.events, tuple)
        assert tuple(stored.events) == tuple(stored.events) == whole.events
        assert stored.gaps == whole.gaps
        assert len(stored.events) == len(whole.events)
        if whole.events:
            assert stored.events[-1] == whole.events[-1]
            assert tuple(stored.events[1:5]) == whole.events[1:5]
            assert tuple(stored.events[::-2]) == whole.events[::-2]


# ---- what is missing --------------------------------------------------------------------------------------


def sent(seq: int, message_id: str) -> TraceEvent:
    return msgspec.structs.replace(event(seq, "send"), message_id=message_id)


def test_a_life_whose_end_was_not_seen_may_lack_its_last_lines(tmp_path: Path) -> None:
    life(tmp_path, 1, [event(1, "restart"), event(2)])
    life(tmp_path, 2, [event(1, "restart"), event(2, "stop")])
    life(tmp_path, 3, [event(1, "restart"), event(2), event(3)])
    trace = read_trace(tmp_path, "n1", ended={1})
    assert trace.gaps == (
        "n1: the trace of life 3 may lack lines after seq 3, as the end of that life was not seen",
    )
    assert trace.cut == {3}
    assert [trace.is_whole(number) for number in (1, 2, 3)] == [True, True, False]
    assert [trace.is_whole_between(*lives) for lives in ((0, 1), (1, 2), (2, 3), (3, 4))] == [
        True,
        True,
        True,
        False,
    ]
    assert read_trace(tmp_path, "n1").gaps == ()


def test_a_last_life_that_left_no_file_is_a_gap(tmp_path: Path) -> None:
    life(tmp_path, 1, [event(1, "restart")])
    trace = read_trace(tmp_path, "n1", last_life=3)
    assert "life 3, its last one, is missing" in trace.gaps[0]
    assert trace.cut == {3}


def test_the_file_of_another_life_or_node_counts_for_nothing(tmp_path: Path) -> None:
    life(tmp_path, 1, [event(1, "restart"), sent(2, "n1:2:1")])
    life(tmp_path, 2, [event(1, "restart"), sent(2, "n2:2:1")])
    life(tmp_path, 3, [event(1, "restart"), sent(2, "n1:3:1")])
    life(tmp_path, 4, [event(1, "restart"), event(2, "stop")])
    trace = read_trace(tmp_path, "n1", ended=())
    assert {found.life for found in trace.events} == {3}
    assert trace.cut == {1, 2, 3, 4}
    assert len(trace.gaps) == 4


def test_a_copy_of_a_life_is_no_life(tmp_path: Path) -> None:
    life(tmp_path, 1, [event(1, "restart"), event(2)])
    life(tmp_path, 2, [event(1, "restart"), event(2)])
    assert "0002.jsonl is a copy of 0001.jsonl" in read_trace(tmp_path, "n1", ended=()).gaps[0]
    assert read_trace(tmp_path, "n1", ended={1, 2}).gaps == ()


@pytest.mark.parametrize(
    ("field", "number", "what"),
    [
        ("last", 2**63 - 1, "last"),
        ("last", 10**8, "a log of 100000000 entries, of which the traces could hold"),
        ("commit", 2**40, "commit"),
        ("index", -1, "index"),
        ("at", 2**63, "at"),
        ("term", 1.5, "term"),
    ],
)
def test_a_number_out_of_its_bounds_is_a_gap(tmp_path: Path, field: str, number: float, what: str) -> None:
    life(tmp_path, 1, [event(1, "restart")])
    line = {**msgspec.to_builtins(event(2)), field: number}
    path = tmp_path / "0001.jsonl"
    path.write_bytes(path.read_bytes() + msgspec.json.encode(line) + b"\n")
    trace = read_trace(tmp_path, "n1")
    assert len(trace.events) == 1
    assert what in trace.gaps[0]
