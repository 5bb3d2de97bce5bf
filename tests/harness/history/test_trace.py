"""A trace is read whole or its gaps are named; a torn last line is the only damage that is legal."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.history import TraceEvent, read_trace


def event(seq: int, name: str = "commit") -> TraceEvent:
    return TraceEvent(
        seq=seq,
        at=seq,
        event=name,
        term=1,
        role="leader",
        commit=seq,
        applied=0,
        last=seq,  # type: ignore[arg-type] # tests name events freely
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
