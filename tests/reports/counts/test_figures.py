"""The run's figures, compared with counting by hand."""

from __future__ import annotations

import pytest

from history import History, NodeTrace, Operation, Recording, TraceEvent
from reports.counts.figures import key_figures, lag
from reports.counts.tables import by_operation
from reports.roles import TraceMarks
from reports.spans import Spans
from tests.reports import synthetic


def history(*rows: tuple[int, int, str, str]) -> History:
    """Rows (time, process, type, f)."""
    return History([Operation(i, t, p, kind, f) for i, (t, p, kind, f) in enumerate(rows)])  # type: ignore[arg-type]


SMALL = history(
    (0, 0, "invoke", "register"),
    (1, 1, "invoke", "lookup"),
    (2, -1, "invoke", "kill"),
    (10, 0, "ok", "register"),
    (11, 0, "invoke", "register"),
    (12, -1, "info", "kill"),
    (14, 1, "fail", "lookup"),
    (20, 1, "invoke", "register"),
    (51, 0, "ok", "register"),
    (60, 1, "info", "register"),
    (70, 2, "invoke", "deregister"),
)


def test_counts_and_latencies_are_by_f_and_the_nemesis_is_not_counted() -> None:
    rows = {row.f: row for row in by_operation(Spans.of(SMALL))}
    register = rows["register"]
    assert (register.total, register.ok, register.fail, register.info, register.pending) == (3, 2, 0, 1, 0)
    assert (register.p50, register.max) == (25.0, 40)
    assert (rows["lookup"].fail, rows["lookup"].p50) == (1, None)
    assert rows["deregister"].pending == 1
    assert rows["all"].total == 5
    assert "kill" not in rows


def test_counts_agree_with_counting_the_operations_one_by_one() -> None:
    run = synthetic.recording(3).history
    for row in by_operation(Spans.of(run)):
        invoked = [op for op in run if op.type == "invoke" and op.process >= 0 and row.f in (op.f, "all")]
        ends = [run.completion(op) for op in invoked]
        for kind in ("ok", "fail", "info"):
            assert getattr(row, kind) == sum(1 for end in ends if end is not None and end.type == kind)


def figures(recording: Recording) -> dict[str, str]:
    spans = Spans.of(recording.history)
    made = key_figures(recording, synthetic.about(), spans, spans.nemesis(), TraceMarks(recording))
    return {figure.name: figure.value for figure in made}


def test_acknowledged_writes_are_ok_completions_of_what_is_not_a_read() -> None:
    found = figures(Recording(("n1",), SMALL))
    assert found["acknowledged writes"] == "2"
    assert found["operations"] == "5"
    assert found["client processes"] == "3"


def test_without_a_trace_leader_changes_are_not_known_rather_than_none() -> None:
    assert figures(Recording(("n1",), SMALL))["leader changes"] == "not known"


def test_leader_changes_count_elections_won_after_the_first() -> None:
    def won(seq: int, term: int, role: str = "leader") -> TraceEvent:
        return TraceEvent(seq, seq, "role", term, role, 0, 0, 0, life=1)

    trace = NodeTrace("n1", (won(1, 1), won(2, 1, "follower"), won(3, 2, "candidate"), won(4, 3)))
    assert figures(Recording(("n1",), SMALL, traces={"n1": trace}))["leader changes"] == "1"
    assert figures(synthetic.recording())["leader changes"] == str(len(synthetic.LEADERS) - 1)


def test_healings_are_not_counted_among_the_faults() -> None:
    found = figures(synthetic.recording())
    assert found["faults that took effect"] == f"{len(synthetic.FAULTS)} of {len(synthetic.FAULTS) + 1}"


@pytest.mark.parametrize(
    ("bound", "exceeded"), [(100, False), (50, True), (None, False), ("soon", False), (-1, False)]
)
def test_the_lag_bound_is_the_options_and_a_hundred_ms_without_a_usable_one(
    bound: object, exceeded: bool
) -> None:
    samples = ((0, 1_000), (5, 80_000_000), (9, 3))
    found = lag(Recording((), History([]), options={"lag_bound_ms": bound}, harness_lag=samples))
    assert found is not None
    assert found.exceeded is exceeded
    assert (found.worst_ns, found.worst_at) == (80_000_000, 5)


def test_no_lag_samples_means_no_statement_about_lag() -> None:
    assert lag(Recording((), History([]))) is None
