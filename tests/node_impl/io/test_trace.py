from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history import TraceEntry, TraceEvent, read_trace
from node_impl.core.events import Trace
from node_impl.io.trace import TraceWriter


def event(name: str, **fields: Any) -> Trace:
    return Trace(0, 0, name, term=3, role="leader", commit=1, applied=1, last=2, **fields)


def test_what_is_written_is_what_the_harness_reads(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    writer.add(event("restart", vote=None), at=5)
    writer.add(event("append", entries=((2, 3, "ab" * 8, "op1"), (3, 3, "cd" * 8, None))), at=6)
    writer.add(event("synced", index=2, vote="n1"), at=7)
    writer.add(event("configuration", members=("n1", "n2")), at=8)
    writer.add(event("send", peer="n2", message="append?", message_id="n1:1:7"), at=9)
    writer.close()
    trace = read_trace(tmp_path, "n1")
    assert trace.gaps == ()
    restart, append, synced, configuration, send = trace.events
    assert [e.seq for e in trace.events] == [1, 2, 3, 4, 5]
    assert restart == TraceEvent(1, 5, "restart", 3, "leader", 1, 1, 2, node="n1", life=1)
    assert append.entries == (TraceEntry(2, 3, "ab" * 8, "op1"), TraceEntry(3, 3, "cd" * 8))
    assert (synced.index, synced.vote) == (2, "n1")
    assert configuration.members == ("n1", "n2")
    assert (send.peer, send.message, send.message_id) == ("n2", "append?", "n1:1:7")


def test_null_and_empty_fields_are_left_out_yet_zero_is_not(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    writer.add(event("synced", vote=None, entries=(), members=(), index=0), at=1)
    writer.close()
    line = (tmp_path / "0001.jsonl").read_bytes()
    assert line.endswith(b'"index":0}\n')
    assert b"vote" not in line
    assert b"entries" not in line
    assert b"members" not in line


def test_nothing_is_in_the_file_before_flush_and_all_is_after(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    for at in range(3):
        writer.add(event("commit"), at)
    assert (tmp_path / "0001.jsonl").stat().st_size == 0
    writer.flush()
    assert len(read_trace(tmp_path, "n1").events) == 3


def test_every_life_takes_the_next_free_number(tmp_path: Path) -> None:
    assert [TraceWriter(tmp_path / "new").life for _ in range(3)] == [1, 2, 3]
    (tmp_path / "new" / "0011.jsonl").touch()
    (tmp_path / "new" / "2notes.jsonl").touch()
    assert TraceWriter(tmp_path / "new").life == 12


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    writer.add(event("commit"), 1)
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer._file = full.fileno()
        with pytest.raises(OSError, match="No space left"):
            writer.flush()


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.booleans()), max_size=20))
def test_lines_stay_in_order_however_they_are_flushed(
    tmp_path_factory: pytest.TempPathFactory, adds: list[tuple[int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("trace")
    writer = TraceWriter(folder)
    for at, flush in adds:
        writer.add(event("commit"), at)
        if flush:
            writer.flush()
    writer.close()
    trace = read_trace(folder, "n1")
    assert [e.at for e in trace.events] == [at for at, _ in adds]
    assert trace.gaps == ()
