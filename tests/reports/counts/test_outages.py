"""Times without an ok reply: counted by hand, and the longest is what the checker `availability` measures."""

from __future__ import annotations

from checkers.run.availability import Availability
from history import History, Operation, Recording
from history.units import MILLISECOND_NS as MS
from history.units import SECOND_NS as S
from reports.counts.outages import WITHOUT_FAULT, outages
from reports.faults import FaultPeriod, fault_periods
from reports.spans import Spans, end_of_run
from tests.reports import synthetic


def operations(*rows: tuple[int, int, str, str, str]) -> Recording:
    """From (begin, end, outcome, kind, node), in milliseconds."""
    made = []
    for process, (begin, end, outcome, f, node) in enumerate(rows):
        made.append((begin, Operation(-1, begin * MS, process, "invoke", f, "k", node=node)))
        made.append((end, Operation(-1, end * MS, process, outcome, f, "k", node=node)))  # type: ignore[arg-type]
    in_order = sorted(made, key=lambda one: one[0])
    history = History(
        [
            Operation(index, one.time, one.process, one.type, one.f, one.key, node=one.node)
            for index, (_, one) in enumerate(in_order)
        ]
    )
    return Recording(("n1", "n2"), history)


RUN = operations(
    (0, 10, "ok", "read", "n1"),
    (20, 30, "fail", "read", "n1"),
    (40, 300, "info", "write", "n2"),
    (500, 510, "ok", "read", "n2"),
    (560, 570, "fail", "read", "n1"),
    (575, 580, "ok", "read", "n2"),
    (900, 2000, "ok", "write", "n1"),
)


def test_a_time_lasts_from_one_ok_reply_to_the_next_and_names_what_waited() -> None:
    found = outages(RUN, Spans.of(RUN.history), [])
    assert found is not None
    [one] = found.listed
    assert (one.begin, one.end, one.waiting, one.first) == (10 * MS, 510 * MS, 2, 2)
    assert one.faults == ()
    rows = {row.name: (row.times, row.longest // MS) for row in found.by_part}
    assert rows == {"all nodes": (1, 500), "writes": (1, 1960), "n1": (1, 1990), "n2": (1, 470)}
    assert [(row.name, row.times) for row in found.by_fault] == [(WITHOUT_FAULT, 1)]


def test_a_time_counts_for_each_fault_that_was_present() -> None:
    periods = [
        FaultPeriod(kind, begin * MS, end * MS, 0, (), kind, healed=True)
        for kind, begin, end in (("kill", 0, 20), ("pause", 400, 900), ("clock", 510, 600))
    ]
    found = outages(RUN, Spans.of(RUN.history), periods)
    assert found is not None
    assert [(row.name, row.times, row.longest) for row in found.by_fault] == [
        ("kill", 1, 500 * MS),
        ("pause", 1, 500 * MS),
    ]
    assert found.listed[0].faults == ("kill", "pause")


def test_the_longest_is_the_one_that_the_checker_measures() -> None:
    recording = synthetic.recording()
    spans = Spans.of(recording.history)
    end = end_of_run(recording.history)
    found = outages(recording, spans, fault_periods(spans.nemesis(), end, recording.fault_kinds))
    assert found is not None
    measured = Availability().check(recording).measures
    assert found.by_part[0].longest == round(measured["overall"]["longest_unavailable_s"] * S)
    assert {row.name: row.longest for row in found.by_part[2:]} == {
        node: round(figures["longest_unavailable_s"] * S) for node, figures in measured["by_node"].items()
    }
    assert sum(row.times for row in found.by_part[:1]) == len(found.listed) + found.hidden


def test_a_run_without_a_request_has_no_such_time() -> None:
    nothing = Recording(("n1",), History([]))
    assert outages(nothing, Spans.of(nothing.history), []) is None
