"""A budget that is held in wall time: what still begins, and what is given up when it is over."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from checkers.verdict import Validity
from harness.campaign import campaign
from harness.campaign.budget.in_time import RunLengths
from harness.campaign.campaign import BUDGET, DONE, run_campaign
from harness.campaign.cells import Cell, Unit
from harness.campaign.executors import Ended
from harness.campaign.journal import EndLine, Journal, RunLine, Stored
from harness.campaign.progress import CampaignProgress
from tests.harness.campaign.fakes import VALID, plan

SHORT, LONG = Cell(seeds=1000), Cell(seeds=1000, workload="cas")
REAL = Cell(world="local", nemesis=("kill",), nodes=3, time_limit_s=20, seeds=2)


class Clocked:
    """Two places that do runs on a clock of its own: each run takes what the test says."""

    def __init__(self, clock: SimpleNamespace, takes: dict[str, list[float]]) -> None:
        self._clock = clock
        self._takes = {workload: deque(seconds) for workload, seconds in takes.items()}
        self._going_on: dict[Unit, tuple[float, float]] = {}
        self.given_up: list[Unit] = []

    @property
    def has_room(self) -> bool:
        return len(self._going_on) < 2

    @property
    def is_busy(self) -> bool:
        return bool(self._going_on)

    def begin(self, key: Unit, cell: Cell, seed: int) -> None:
        takes = self._takes[cell.workload]
        seconds = takes.popleft() if len(takes) > 1 else takes[0]
        self._going_on[key] = (self._clock.now + seconds, seconds)

    def wait(self, timeout_s: float) -> list[Ended]:
        self._clock.now += timeout_s
        over = [key for key, (end, _) in self._going_on.items() if end <= self._clock.now]
        return [Ended(key, replace(VALID, took_s=self._going_on.pop(key)[1])) for key in over]

    def interrupt(self) -> list[Ended]:
        self.given_up += self._going_on
        self._going_on.clear()
        return []

    def close(self) -> None:
        assert not self._going_on


def held(
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    takes: dict[str, list[float]],
    *cells: Cell,
    **settings: Any,
) -> tuple[Stored, Clocked, float]:
    """A campaign that ends in time; what did its simulated runs, and when it ended."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(campaign, "time", SimpleNamespace(monotonic=lambda: clock.now))
    simulated, real = Clocked(clock, takes), Clocked(clock, {"registry": [35.0]})
    journal = Journal.create(store, plan(*cells, ends_in_time=True, **settings))
    stored = run_campaign(journal, lambda _: (simulated, real), CampaignProgress(quiet=True))
    return stored, simulated, clock.now


def end_of(stored: Stored) -> EndLine:
    last = stored.lines[-1]
    assert isinstance(last, EndLine)
    return last


def test_no_run_begins_that_would_not_end_in_time_and_shorter_ones_use_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = {"registry": [2.0], "cas": [9.0]}
    stored, executor, end = held(tmp_path, monkeypatch, takes, SHORT, LONG, most_s=60.0)
    assert executor.given_up == []
    assert 57.0 <= end <= 60.0
    assert end_of(stored).why == BUDGET
    last_s = max(line.elapsed_s for line in stored.runs if line.cell == 1)
    assert last_s <= 60.0
    assert any(line.cell == 0 and line.elapsed_s > last_s for line in stored.runs)


def test_a_run_that_takes_longer_than_others_is_given_up_when_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = {"registry": [2.0] * 20 + [500.0]}
    stored, executor, end = held(tmp_path, monkeypatch, takes, SHORT, most_s=60.0)
    assert len(executor.given_up) == 2
    assert end == pytest.approx(60.0, abs=campaign.WAIT_S)
    assert {line.unit for line in stored.runs}.isdisjoint(executor.given_up)
    assert len(stored.runs) == 20


def test_a_real_run_has_the_time_that_is_set_aside_for_it_whatever_simulated_runs_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = {"registry": [2.0] * 8 + [500.0]}
    stored, executor, end = held(
        tmp_path, monkeypatch, takes, SHORT, REAL, most_s=120.0, most_simulated_s=40.0
    )
    assert len(executor.given_up) == 2
    assert sum(line.cell == 1 for line in stored.runs) == 2
    assert end == pytest.approx(35.0 + 40.0 + 35.0, abs=1.0)  # a first real run, simulated ones, the second


def test_a_campaign_that_has_time_for_all_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(SHORT, seeds=4)
    stored, _, _ = held(tmp_path, monkeypatch, {"registry": [2.0]}, few, most_s=60.0)
    assert (len(stored.runs), end_of(stored).why) == (4, DONE)


def test_a_cell_without_a_run_counts_as_the_shortest_one_and_a_real_one_with_its_rest() -> None:
    lengths = RunLengths(plan(SHORT, LONG, replace(SHORT, workload="sessions"), REAL), (), 10.0)
    assert lengths.within(0.0, is_simulated=True) == {0, 1, 2}
    for cell, took_s in ((0, 2.0), (1, 9.0), (0, 3.0)):
        line = RunLine(cell, 1, replace(VALID, took_s=took_s), "", 1.0)
        assert line.outcome.validity is Validity.VALID
        lengths.add(line)
    assert lengths.within(2.4, is_simulated=True) == frozenset()
    assert lengths.within(2.5, is_simulated=True) == {0, 2}
    assert lengths.within(9.0, is_simulated=True) == {0, 1, 2}
    assert lengths.within(29.9, is_simulated=False) == frozenset()
    assert lengths.within(30.0, is_simulated=False) == {3}
    lengths.add(RunLine(3, 1, replace(VALID, took_s=50.0), "", 60.0))
    assert lengths.within(39.9, is_simulated=False) == frozenset()
    assert lengths.within(40.0, is_simulated=False) == {3}  # 20 s, and 10 and 30 in addition, on average
