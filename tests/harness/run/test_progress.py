"""What a person sees during a run: the fault that is active now, and counts of operations."""

from __future__ import annotations

from typing import Any

import pytest

from harness.nemesis import NEMESES
from harness.nemesis.catalogue import kinds_of
from harness.run.progress import WORKING, ProgressLine, Tally
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
    assert f"{fault.begin} n1" in shown.line()
    shown.add(nemesis(fault.end, "invoke"))
    assert f"{fault.begin} n1" in shown.line(), "it is not healed before the healing has ended"
    shown.add(nemesis(fault.end, "info"))
    assert "no fault" in shown.line()


def test_the_final_heal_ends_every_fault() -> None:
    shown = tally("kill")
    shown.add(nemesis("kill", "invoke", "leader"))
    shown.add(nemesis(FINAL_HEAL, "info"))
    assert "no fault" in shown.line()


def test_operations_are_counted_by_how_they_ended_and_by_second() -> None:
    shown = tally()
    for number in range(30):
        kind: Any = ("ok", "fail", "info")[number % 3]
        shown.add(Operation(2 * number, number * SECOND_NS // 10, 0, "invoke", "read"))
        shown.add(Operation(2 * number + 1, number * SECOND_NS // 10, 0, kind, "read"))
    assert "10 ok, 10 fail, 10 info" in shown.line()
    assert "10 ops/s" in shown.line()


def test_the_time_left_counts_from_the_begin_of_the_work_and_ends_with_it() -> None:
    shown = tally()
    line = ProgressLine(shown, 30.0, quiet=True)
    assert "left" not in line.line(SECOND_NS), "how long a start takes is not known"
    shown.phase = WORKING
    assert "3.0 s, 30 s left | working" in line.line(3 * SECOND_NS)
    assert "13.0 s, 20 s left | working" in line.line(13 * SECOND_NS)
    assert ", 0 s left" in line.line(99 * SECOND_NS)
    shown.phase = "healing"
    assert "left" not in line.line(100 * SECOND_NS)
