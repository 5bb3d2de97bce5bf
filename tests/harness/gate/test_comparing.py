"""Latency and availability are called worse only if they are, and seldom by chance."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.campaign.cells import Cell
from harness.campaign.executors import Perform
from harness.gate.comparing import LEAST_RUNS, LEVEL, compared, comparison
from harness.gate.result import gate_result
from tests.harness.campaign.fakes import VALID, carried_out, plan
from tests.harness.gate.fakes import KNOWN


def sample(generator: random.Random, runs: int, times: float = 1.0, spread: float = 0.3) -> list[float]:
    """Figures of runs, as latencies are: positive, with a long tail."""
    return [times * generator.lognormvariate(0.0, spread) for _ in range(runs)]


@pytest.mark.parametrize("runs", [5, 8, 12])
@pytest.mark.parametrize("spread", [0.05, 1.0])
def test_of_equal_systems_hardly_any_is_called_worse(runs: int, spread: float) -> None:
    """Without any margin, so that the level alone must hold; two-sided, so half of the rest is `worse`."""
    generator = random.Random(11)
    worse = 0
    for _ in range(1000):
        earlier, new = sample(generator, runs, spread=spread), sample(generator, runs, spread=spread)
        worse += comparison("latency", "cell", earlier, new, 0.0).answer == "worse"
    assert worse / 1000 <= (1 - LEVEL) / 2 + 0.006


def test_with_a_margin_equal_systems_are_never_called_worse_by_chance() -> None:
    generator = random.Random(12)
    answers = [
        comparison("latency", "cell", sample(generator, 10), sample(generator, 10), 0.5).answer
        for _ in range(1000)
    ]
    assert answers.count("worse") == 0


def test_twice_the_latency_is_called_worse_and_equal_ones_are_called_not_worse() -> None:
    generator = random.Random(13)
    twice = [
        comparison("latency", "cell", sample(generator, 16), sample(generator, 16, 2.0), 0.2).answer
        for _ in range(100)
    ]
    equal = [
        comparison("latency", "cell", sample(generator, 30), sample(generator, 30), 0.5).answer
        for _ in range(100)
    ]
    assert twice.count("worse") >= 95
    assert equal.count("not worse") >= 95


def test_the_interval_holds_the_true_factor_as_often_as_its_level_says() -> None:
    generator = random.Random(14)
    held = 0
    for _ in range(1000):
        found = comparison("latency", "cell", sample(generator, 8), sample(generator, 8, 1.3), 0.0)
        assert found.interval is not None
        held += found.interval[0] <= 1.3 <= found.interval[1]
    assert held >= LEVEL * 1000 - 8


@pytest.mark.parametrize(("earlier", "new"), [(LEAST_RUNS - 1, 50), (50, LEAST_RUNS - 1), (0, 0)])
def test_too_few_runs_cannot_tell(earlier: int, new: int) -> None:
    found = comparison("latency", "cell", [1.0] * earlier, [9.0] * new, 0.1)
    assert (found.answer, found.interval) == ("cannot tell", None)
    assert found.in_words.startswith(
        f"latency: cannot tell, as there are only {earlier} earlier runs and {new} new"
    )


def slow(times: float) -> Perform:
    """Valid runs whose latency is a multiple of the usual one, and differs by seed."""
    return lambda cell, seed: replace(VALID, latency_ms=times * (10 + seed % 7), unavailable_s=0.0)


@pytest.mark.parametrize(("times", "outcome"), [(1.0, "passed"), (3.0, "failed"), (1.5, "unknown")])
def test_a_gate_fails_if_it_is_worse_and_is_unknown_if_it_cannot_tell(
    times: float, outcome: str, tmp_path: Path
) -> None:
    cell = Cell(nodes=7, seeds=20)
    earlier = carried_out(tmp_path / "earlier", plan(cell), slow(1.0))
    new = carried_out(tmp_path / "new", plan(replace(cell, seeds=15)), slow(times))
    comparisons = compared(earlier, new, {"latency": 0.5, "availability": 0.5})
    assert [one.runs for one in comparisons] == [(20, 15)] * 2
    assert comparisons[1].answer == "not worse"
    found = gate_result(new, (), KNOWN, comparisons=comparisons)
    assert found.outcome == outcome
    assert all(reason.startswith("latency: ") for reason in found.reasons)


def test_only_cells_that_both_have_are_compared(tmp_path: Path) -> None:
    earlier = carried_out(tmp_path / "earlier", plan(Cell(nodes=5, seeds=6)), slow(1.0))
    new = carried_out(tmp_path / "new", plan(Cell(nodes=7, seeds=6)), slow(9.0))
    assert compared(earlier, new, {"latency": 0.5}) == ()
