"""Of the lines of the nodes a page keeps what matters: near the violation all, elsewhere the gravest."""

from __future__ import annotations

from pathlib import Path

import pytest

from history import History, NodeTrace, Recording, TraceEvent
from history.stored.trace import EventName
from history.units import MILLISECOND_NS as MS
from history.units import SECOND_NS as S
from reports.moment.lines import KEPT_BEFORE, MOST_LINES, NodeLines, node_lines
from reports.roles import TraceMarks


def event(seq: int, at: int, name: EventName, term: int = 1) -> TraceEvent:
    return TraceEvent(
        seq, at, name, term, "follower", 3, 3, 3, peer="n2", message="AppendEntries", node="n1", life=1
    )


def traced(events: list[TraceEvent], violation: int | None = None) -> NodeLines:
    recording = Recording(
        ("n1",), History([]), {"n1": NodeTrace("n1", tuple(events))}, options={"monotonic_start_ns": 0}
    )
    found = node_lines(recording, TraceMarks(recording), 60 * S, violation)
    assert found is not None
    return found


def test_what_is_grave_stays_and_the_numbers_say_where_lines_are_left_out() -> None:
    events = [event(seq, seq * MS, "send") for seq in range(1, 5_001)]
    events[2_500] = event(2_501, 2_501 * MS, "role", term=7)
    found = traced(events)
    assert found.total == 5_000
    assert len(found.lines) < 200
    assert [line.number for line in found.lines if "became follower of term 7" in line.text] == [2_501]
    numbers = [line.number for line in found.lines]
    assert numbers == sorted(set(numbers))


def test_everything_just_before_the_violation_stays() -> None:
    events = [event(seq, seq * MS, "receive") for seq in range(1, 5_001)]
    found = traced(events, violation=3_000 * MS)
    kept = {line.number for line in found.lines}
    assert set(range(3_001 - KEPT_BEFORE, 3_011)) <= kept


def test_the_number_of_lines_is_bounded_however_long_the_run_is() -> None:
    nodes = tuple(f"n{number}" for number in range(9))
    events = [event(seq, seq * MS, name) for seq in range(1, 20_000) for name in ("role", "append", "send")]
    recording = Recording(
        nodes,
        History([]),
        {node: NodeTrace(node, tuple(events)) for node in nodes},
        options={"monotonic_start_ns": 0},
    )
    found = node_lines(recording, TraceMarks(recording), 20 * S, 10 * S)
    assert found is not None
    assert len(found.lines) <= MOST_LINES
    data = found.data()
    assert len(data["t"]) == len(data["n"]) == len(data["i"]) == len(data["x"]) == len(found.lines)
    assert sum(data["t"]) == found.lines[-1].at // 1_000


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("2026-11-28T15:24:13.500Z n1 INFO ready", 1.5),
        ('{"level":"warn","ts":"2026-11-28T15:24:12.250000Z","msg":"ready"}', 0.25),
        ("2026-11-28 16:24:14,125 [myid:1] - INFO ready", 2.125),
        ("[7] 2026/11/28 16:24:13.000001 [INF] ready", 1.000001),
        ("2026-11-28T17:24:13+02:00 ready", 1.0),
    ],
)
def test_lines_of_real_systems_are_placed_by_their_time(line: str, at: float, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text(
        f"no time yet\n{line}\n  a second line of it\n2026-13-99T99:99:99Z no date\n", encoding="utf-8"
    )
    recording = Recording(
        ("n1",), History([]), logs={"n1": log}, options={"started_at": "2026-11-28 16:24:12 +0100"}
    )
    found = node_lines(recording, TraceMarks(recording), 60 * S, None)
    assert found is not None
    assert [one.at for one in found.lines] == [round(at * S)] * len(found.lines)
    assert "ready" in found.lines[0].text
    assert "24:1" not in found.lines[0].text


def test_a_run_without_traces_and_timed_logs_has_no_lines(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("started\n", encoding="utf-8")
    recording = Recording(("n1", "n2"), History([]), logs={"n1": log, "n2": tmp_path / "gone"})
    assert node_lines(recording, TraceMarks(recording), S, None) is None
