"""What a person sees during a run: the fault that is active now, and counts of operations."""

from __future__ import annotations

from typing import Any

import pytest

from harness.nemesis import NEMESES
from harness.nemesis.catalogue import kinds_of
from harness.run.progress import HEALING, READING_BACK, WORKING, ProgressLine, Tally, Waiting
from history import NEMESIS, Operation
from history.nemesis import FINAL_HEAL, FaultKinds
from history.units import SECOND_NS


def tally(*faults: str) -> Tally:
    return Tally(FaultKinds(kinds_of(faults)))


def nemesis(f: str, type_: Any, target: str | None = None) -> Operation:
    return Operation(0, 0, NEMESIS, type_, f, None, None if target is None else {"target": target})


@pytest.mark.parametrize("name", NEMESES)
def test_every_fault_is_shown_from_its_begin_until_it_is_healed(name: str) -> None:
    fault, shown = NEMESES[name], tally(name)
    shown.add(nemesis(fault.begin, "invoke", "n1"))
    shown.add(nemesis(fault.begin, "info", "n1"))
    assert f"{fault.begin} n1" in shown.parts()
    shown.add(nemesis(fault.end, "invoke"))
    assert f"{fault.begin} n1" in shown.parts(), "it is not healed before the healing has ended"
    shown.add(nemesis(fault.end, "info"))
    assert "no fault" in shown.parts()


def test_the_final_heal_ends_every_fault() -> None:
    shown = tally("kill")
    shown.add(nemesis("kill", "invoke", "leader"))
    shown.add(nemesis(FINAL_HEAL, "info"))
    assert "no fault" in shown.parts()


def test_operations_are_counted_by_how_they_ended_and_by_second() -> None:
    shown = tally()
    for number in range(30):
        kind: Any = ("ok", "fail", "info")[number % 3]
        shown.add(Operation(2 * number, number * SECOND_NS // 10, 0, "invoke", "read"))
        shown.add(Operation(2 * number + 1, number * SECOND_NS // 10, 0, kind, "read"))
    assert "10 ok, 10 fail, 10 info" in shown.parts()
    assert "10 ops/s" in shown.parts()


def test_each_phase_says_what_it_waits_for_and_how_long_that_may_take() -> None:
    line = ProgressLine(tally(), 30.0, quiet=True)
    line.wait_for(Waiting("starting 5 nodes", 10.0, is_before_the_work=True), 0)
    assert line.line(SECOND_NS).startswith("  1.0 s | starting 5 nodes, at most 9 s left | no fault")
    line.wait_for(Waiting("waiting for a leader", 30.0, is_before_the_work=True), 2 * SECOND_NS)
    assert "waiting for a leader, at most 29 s left" in line.line(3 * SECOND_NS)
    assert "left" not in line.line(40 * SECOND_NS), "what takes longer than its bound has no time left"
    line.wait_for(Waiting(WORKING), 3 * SECOND_NS)
    assert "3.0 s | working, 30 s left" in line.line(3 * SECOND_NS)
    assert "13.0 s | working, 20 s left" in line.line(13 * SECOND_NS)
    assert "working, 0 s left" in line.line(99 * SECOND_NS)
    line.wait_for(Waiting(HEALING, 10.0), 33 * SECOND_NS)
    assert "healing, at most 8 s left" in line.line(35 * SECOND_NS)


def test_reading_back_reckons_the_time_left_from_the_reads_that_are_done() -> None:
    line, done = ProgressLine(tally(), 30.0, quiet=True), [None, 0.0, 0.25, 0.75]
    line.wait_for(Waiting(READING_BACK, 20.0, lambda: done[0]), 0)
    assert "at most 19 s left" in line.line(SECOND_NS), "the first write has this time"
    del done[:2]
    assert "about 6 s left" in line.line(2 * SECOND_NS)
    del done[0]
    assert "about 1 s left" in line.line(3 * SECOND_NS)


def test_a_line_leaves_out_the_counts_that_do_not_fit_80_columns() -> None:
    shown = tally("partition")
    shown.add(nemesis("partition", "invoke", "isolate-majority-of-the-voters"))
    shown.leader, shown.rate = "n4 leads term 123456", 12_345.0
    line = ProgressLine(shown, 3_000.0, quiet=True)
    line.wait_for(Waiting(WORKING), 0)
    text = line.line(2_000 * SECOND_NS)
    assert len(text) <= 79
    assert "working, 17 min left | partition isolate-majority-of-the-voters" in text
