"""No simulated run goes on without end, or takes all memory."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.campaign.cells import Cell
from harness.campaign.journal import CrashLine
from harness.campaign.outcomes import Outcome
from harness.campaign.performing import simulated
from harness.campaign.summary import summary_of
from harness.errors import CouldNotRun
from harness.sim.bounded import TooMuchTakenError, bounded
from harness.sim.plan.plan import SeedOptions
from harness.sim.seeds.campaign import judged_seed
from harness.sim.seeds.hunting import hunt
from tests.harness.campaign.fakes import VALID, carried_out, plan


def spin() -> None:
    while True:
        try:
            sum(range(1000))
        except Exception:  # noqa: BLE001 - as a simulated node's step does
            pytest.fail("the bound was taken for an error of the run")


def grow() -> None:
    kept = []
    while True:
        kept.append(bytearray(b"x" * (1 << 20)))
        sum(range(100_000))


def test_a_run_without_end_is_ended_although_it_catches_all_errors() -> None:
    with pytest.raises(TooMuchTakenError, match=r"it was ended after \d+ s of processor time"):  # noqa: SIM117 - both
        with bounded(0.6, 1 << 30):
            spin()
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_a_run_that_takes_too_much_memory_is_ended() -> None:
    with pytest.raises(TooMuchTakenError, match=r"it took \d+ MiB of memory"), bounded(60, 50 << 20):
        grow()


def test_a_run_within_its_bounds_is_left_alone() -> None:
    with bounded(60, 1 << 30):
        assert sum(range(1_000_000))
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("work", "most_core_s", "why"),
    [(spin, 0.6, r"after \d+ s of processor time"), (grow, 60, r"as it took \d+ MiB of memory")],
)
def test_in_another_thread_as_on_a_dask_worker_a_run_is_ended_too(
    work: Callable[[], None], most_core_s: float, why: str
) -> None:
    with ThreadPoolExecutor(1) as other:

        def within() -> None:
            with bounded(most_core_s, 50 << 20):
                work()

        def short() -> int:
            with bounded(60, 1 << 30):
                return sum(range(1_000_000))

        with pytest.raises(TooMuchTakenError, match=why):
            other.submit(within).result()
        assert other.submit(short).result()


def test_seeds_and_hunts_are_bounded_and_where_the_size_is_given_their_memory_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.sim.bounded.MOST_CORE_S", 0.0)
    monkeypatch.setattr("harness.sim.bounded.LOOK_EVERY_S", 0.01)
    with pytest.raises(CouldNotRun, match="s of processor time"):
        judged_seed((1, SeedOptions()))
    with pytest.raises(CouldNotRun, match="s of processor time"):
        hunt("forgetful", most_seeds=1)
    given = SeedOptions(nodes=3, time_limit_s=2, rate=40, nemesis=())
    assert judged_seed((1, given)).seed == 1
    monkeypatch.setattr("harness.sim.bounded.MOST_BYTES", -(1 << 40))
    monkeypatch.setattr("harness.sim.bounded.LOOK_EVERY_S", 0.2)
    longer = SeedOptions(nodes=3, time_limit_s=60, rate=40, nemesis=())  # of several looks on a fast machine
    with pytest.raises(CouldNotRun, match="MiB of memory"):
        judged_seed((1, longer))


def test_a_campaign_goes_on_after_a_seed_that_was_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.sim.bounded.MOST_CORE_S", 0.0)
    monkeypatch.setattr("harness.campaign.performing.run", lambda _plan: spin())

    def perform(cell: Cell, seed: int) -> Outcome:
        return simulated(cell, seed) if seed == 1 else VALID

    stored = carried_out(tmp_path, plan(Cell(seeds=3), retries=0), perform)
    assert [line.seed for line in stored.runs] == [0, 2]
    (crash,) = (line for line in stored.lines if isinstance(line, CrashLine))
    assert "processor time" in crash.why
    assert summary_of(stored).outcome == "could not run"


@pytest.mark.campaign
def test_an_orderly_end_does_not_wait_for_writes_without_end() -> None:
    outcome = simulated(Cell(mutant="term-jumps-on-write"), 2001)
    assert outcome.validity is Validity.INVALID
    assert outcome.core_s < 60
