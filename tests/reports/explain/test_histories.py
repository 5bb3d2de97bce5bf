"""What is said of a history alone, without traces: who, what, when, for each kind of violation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ackproof.judging.checking import Question, judge
from checkers.explanation import Explanation
from history import Recording
from history.formats import read
from history.units import SECOND_NS
from reports.explain import explain

Event = tuple[float, int, str, str, str | None, Any]
"""Time in seconds, process, type, f, key and value."""


def explained(folder: Path, model: str, *events: Event, timed: bool = True) -> Explanation:
    """What is said of these events, judged as a model."""
    lines = []
    for time, process, type_, f, key, value in events:
        event = {"process": process, "type": type_, "f": f, "key": key, "value": value}
        lines.append(event | ({"time": round(time * SECOND_NS)} if timed else {}))
    file = folder / "history.jsonl"
    file.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    recorded = read(file, None)
    options = {"total": "100"} if model == "bank" else {}
    verdict = judge(recorded, Question(model, None, options))
    found = explain(Recording(nodes=(), history=recorded.history), [verdict], {verdict.checker})
    assert found is not None
    return found


def did(at: float, process: int, f: str, argument: Any, result: Any, key: str | None = None) -> list[Event]:
    """An operation that begins at a time and is answered 0.1 s later."""
    return [(at, process, "invoke", f, key, argument), (at + 0.1, process, "ok", f, key, result)]


STALE = (*did(1.0, 0, "write", 1, 1), *did(1.2, 0, "write", 2, 2), *did(2.2, 1, "read", None, 1))


def test_a_stale_read_says_how_long_after_which_write(tmp_path: Path) -> None:
    found = explained(tmp_path, "register", *STALE)
    assert found.headline == (
        "operation 4 (read) was answered with 1 at 2.300 s, 1 s after operation 2 (write 2) had been "
        "acknowledged at 1.300 s"
    )
    assert [line.is_wrong for line in found.story] == [False, True]


def test_a_history_without_times_claims_no_time(tmp_path: Path) -> None:
    found = explained(tmp_path, "register", *STALE, timed=False)
    assert found.headline == (
        "operation 4 (read) was answered with 1, although operation 2 (write 2) had been acknowledged"
    )
    assert all(line.time is None for line in found.story)


@pytest.mark.parametrize(
    ("model", "events", "headline"),
    [
        (
            "queue",
            [
                *did(1.0, 0, "enqueue", 1, 1),
                *did(1.2, 1, "dequeue", None, 1),
                *did(1.4, 2, "dequeue", None, 1),
            ],
            "operation 4 (dequeue) of process 2 was answered with 1 at 1.500 s, 200 ms after operation 2 "
            "(dequeue) had been answered with 1 at 1.300 s",
        ),
        (
            "set-full",
            [*did(1.0, 0, "add", 1, 1), *did(1.2, 1, "read", None, [1]), *did(1.4, 2, "read", None, [])],
            "1 was lost: operation 0 (add 1) of process 0 was acknowledged at 1.100 s; operation 2 (read) "
            "was answered with [1] at 1.300 s; operation 4 (read) was answered with nothing at 1.500 s",
        ),
        (
            "lock",
            [
                *did(1.0, 0, "acquire", None, 3, "l"),
                *did(1.2, 1, "acquire", None, 4, "l"),
                *did(1.4, 0, "release", None, None, "l"),
            ],
            "process 1 got the lock l at 1.300 s, while process 0 held it (1.100 s to 1.400 s)",
        ),
        (
            "list-append",
            [
                (1.0, 0, "invoke", "txn", None, [["append", "x", 2], ["r", "y", None]]),
                (1.1, 1, "invoke", "txn", None, [["append", "y", 1], ["r", "x", None]]),
                (1.2, 0, "ok", "txn", None, [["append", "x", 2], ["r", "y", []]]),
                (1.3, 1, "ok", "txn", None, [["append", "y", 1], ["r", "x", []]]),
                *did(
                    1.4,
                    2,
                    "txn",
                    [["r", "x", None], ["r", "y", None]],
                    [["r", "x", [2]], ["r", "y", [1]]],
                ),
            ],
            "G2-item: operation 0 saw the initial state of y and so did not observe operation 1's append of "
            "1; but operation 1 saw the initial state of x and so did not observe operation 0's append of 2 "
            "(operation 0 at 1.200 s, operation 1 at 1.300 s)",
        ),
        (
            "rw-register",
            [
                *did(1.0, 0, "txn", [["w", "x", 1]], [["w", "x", 1]]),
                *did(1.2, 1, "txn", [["r", "x", None]], [["r", "x", 7]]),
            ],
            "garbage-read: operation 2 read 7 in 'x', which no transaction ever wrote there "
            "(operation 2 at 1.300 s)",
        ),
        (
            "lease",
            [
                *did(1.0, 0, "acquire", None, 3, "l"),
                *did(1.2, 1, "acquire", None, 4, "l"),
                *did(1.4, 0, "release", None, None, "l"),
            ],
            "process 1 got the lock l at 1.300 s (operation 2), while process 0 held it since 1.100 s "
            "(operation 0)",
        ),
        (
            "causal",
            [
                *did(1.0, 0, "write", 1, 1, "x"),
                *did(1.2, 0, "write", 2, 2, "x"),
                *did(1.4, 0, "read", None, 1, "x"),
            ],
            "a read of an overwritten value: operation 0 of process 0 wrote 1 to x, then operation 2 of "
            "process 0 wrote 2 to x, then operation 4 of process 0 read 1 from x; operation 4 was answered "
            "at 1.500 s",
        ),
        (
            "watch-order",
            [
                *did(1.0, 0, "write", "a", "a"),
                *did(1.2, 0, "write", "b", "b"),
                *did(1.4, 1, "watch", None, ["b", "a"]),
            ],
            "By operation 4, the watch of process 1 was shown 'b' before 'a'; operation 4 was answered at "
            "1.500 s",
        ),
        (
            "bank",
            did(1.4, 1, "read", None, {"0": 50, "1": 55}),
            "a wrong total: operation 0 (read) was answered with 0 50, 1 55 at 1.500 s",
        ),
    ],
)
def test_each_kind_of_violation_says_who_what_and_when(
    model: str, events: list[Event], headline: str, tmp_path: Path
) -> None:
    found = explained(tmp_path, model, *events)
    assert found.headline == headline
    assert any(line.is_wrong for line in found.story)
