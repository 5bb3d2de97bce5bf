"""The time left is reckoned from parts of known length, at the speed that the parts so far had."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.run.time_limits import reckoning as module
from harness.run.time_limits.costs import COSTS, REPORT, Amount, parts_of_judging
from harness.run.time_limits.reckoning import BytesRead, Part, Reckoning
from history.stored.trace import KEPT_BYTES


class _Machine:
    """Its clock, and how much of the time the process had a processor."""

    def __init__(self) -> None:
        self.now_s = self.used_s = 0.0

    def work(self, used_s: float, waited_s: float = 0.0) -> None:
        """Let time go by."""
        self.now_s += used_s + waited_s
        self.used_s += used_s


@pytest.fixture
def machine() -> _Machine:
    """The machine of a reckoning."""
    return _Machine()


def reckoning(machine: _Machine, *parts: Part) -> Reckoning:
    """The reckoning of these parts, of which the first one has begun."""
    made = Reckoning(lambda: machine.now_s, lambda: machine.used_s)
    assert made.left_s() is None
    made.plan(parts)
    made.begin(parts[0].name)
    return made


def test_before_anything_is_over_the_stated_lengths_count(machine: _Machine) -> None:
    assert reckoning(machine, Part("a", 1.0), Part("b", 2.0)).left_s() == pytest.approx(3.0)


def test_what_is_over_says_how_slow_the_machine_is(machine: _Machine) -> None:
    work = reckoning(machine, Part("a", 1.0), Part("b", 2.0), Part("c", 4.0))
    machine.work(3.0)
    work.begin("b")
    assert work.left_s() == pytest.approx(18.0)
    machine.work(3.0)
    assert work.left_s() == pytest.approx(15.0)
    machine.work(3.0)
    work.begin("c")
    assert work.left_s() == pytest.approx(12.0)


def test_a_busy_machine_is_reckoned_with_from_the_first_part_on(machine: _Machine) -> None:
    work = reckoning(machine, Part("a", 1.0), Part("b", 2.0))
    machine.work(0.5, waited_s=1.5)
    assert work.left_s() == pytest.approx(4 * 2.5)


def test_the_bytes_that_were_read_count_within_a_part(machine: _Machine) -> None:
    work = Reckoning(lambda: machine.now_s, lambda: machine.used_s)
    work.plan([Part("reading", 1.0), Part("judging", 3.0)])
    work.begin("reading", lambda: 0.75)
    machine.work(0.1)
    assert work.left_s() == pytest.approx(0.25 + 3.0)


def test_one_part_that_took_unusually_long_does_not_count_for_all(machine: _Machine) -> None:
    work = reckoning(machine, Part("a", 1.0), Part("search", 0.3), Part("b", 1.0), Part("c", 1.0))
    for name, used_s in (("search", 1.0), ("b", 30.0), ("c", 1.0)):
        machine.work(used_s)
        work.begin(name)
    assert work.left_s() == pytest.approx(1.0)


def test_a_part_that_takes_far_longer_than_reckoned_leaves_the_time_unknown(machine: _Machine) -> None:
    work = reckoning(machine, Part("a", 1.0), Part("b", 1.0), Part("c", 1.0))
    machine.work(1.0)
    work.begin("b")
    machine.work(2.0)
    assert work.left_s() == pytest.approx(1.0), "b is late, and c is to come"
    machine.work(0.4)
    assert work.left_s() is None


def test_what_is_to_come_may_change_and_a_part_that_was_not_planned_takes_no_time(machine: _Machine) -> None:
    work = reckoning(machine, Part("a", 1.0), Part("b", 1.0))
    machine.work(2.0)
    work.plan([Part("d", 5.0)])
    work.begin("other")
    assert work.left_s() == pytest.approx(10.0)


def test_a_trace_that_stays_on_disk_costs_more_for_each_event() -> None:
    held, streamed = (Amount.of_bytes([size], 0) for size in (KEPT_BYTES, KEPT_BYTES + 180))
    assert held.streamed == streamed.events == 0
    assert streamed.seconds(COSTS["conformance"]) > 2 * held.seconds(COSTS["conformance"])


def test_the_parts_of_judging_end_with_the_report_and_explain_only_what_is_not_valid() -> None:
    amount = Amount(50_000, 0, 7_000)
    valid, invalid = (
        list(parts_of_judging(amount, ["conformance", "stats"], is_read=False, is_valid=is_valid))
        for is_valid in (True, False)
    )
    assert [part.name for part in valid] == ["reading", "conformance", "stats", "explaining", REPORT]
    assert valid[3].expected_s == 0 < invalid[3].expected_s


def test_bytes_that_this_process_reads_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(4 << 20))
    read = BytesRead(8 << 20)
    begin = read()
    file.read_bytes()
    after = read()
    if begin is None or after is None:
        pytest.skip("this system does not count what a process reads")  # only Linux has /proc/self/io
    assert 0.45 < after - begin < 0.6
    monkeypatch.setattr(module, "_read_so_far", lambda: None)
    assert BytesRead(1)() is None
