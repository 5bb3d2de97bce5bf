"""What a gate states about its power follows from measured odds, and does not promise too much."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from harness.gate.known_bugs.odds import Odds
from harness.gate.planning import default_plan, plan_of_matrix, seconds_needed
from harness.gate.power import (
    LEAST_SEEDS,
    TARGET,
    Done,
    counted,
    effective,
    least_needed,
    planned_seeds,
    power_of,
)
from tests.harness.campaign.fakes import plan
from tests.harness.gate.fakes import KNOWN, OF_SESSIONS, OFTEN, REGISTRY, SELDOM, SESSIONS

REGISTRY_OF_ONE, SESSIONS_OF_ONE = replace(REGISTRY, seeds=1), replace(SESSIONS, seeds=1)
COSTS = {REGISTRY: 0.5, SESSIONS: 0.25}


@pytest.mark.parametrize(
    ("odds", "low", "high"),
    [(Odds(0, 10), 0.0, 0.3085), (Odds(10, 10), 0.6915, 1.0), (Odds(5, 20), 0.0866, 0.4910)],
)
def test_intervals_are_those_of_published_tables(odds: Odds, low: float, high: float) -> None:
    assert odds.interval == pytest.approx((low, high), abs=1e-4)


def test_an_interval_holds_the_true_rate_in_at_least_19_of_20_measurements() -> None:
    generator = random.Random(7)
    intervals = [Odds(found, 40).interval for found in range(41)]
    for rate in (0.02, 0.3, 0.9):
        measured = [sum(generator.random() < rate for _ in range(40)) for _ in range(1000)]
        held = sum(intervals[found][0] <= rate <= intervals[found][1] for found in measured)
        assert held >= 950, rate


def test_without_runs_nothing_is_caught_and_more_runs_catch_more() -> None:
    chances = [Odds(4, 40).chance_to_catch(runs) for runs in (0, 1, 10, 100, 1000)]
    assert chances[0] == 0.0
    assert chances == sorted(chances)
    assert chances[1] == pytest.approx(4.5 / 41)  # the mean of Beta(k + 1/2, n - k + 1/2)


def test_a_bug_that_was_never_found_is_not_promised() -> None:
    assert Odds(0, 40).chance_to_catch(100_000) == 0.0


def test_of_bugs_that_show_nearly_always_or_hardly_ever_the_stated_share_is_caught() -> None:
    """The figure is a probability: over all such rates, it is how often bugs really are caught."""
    generator = random.Random(3)
    stated = caught = counted_bugs = 0.0
    for _ in range(4000):
        rate = generator.betavariate(0.5, 0.5)
        odds = Odds(sum(generator.random() < rate for _ in range(10)), 10)
        if not odds.found:
            continue  # nothing is promised
        counted_bugs += 1
        stated += odds.chance_to_catch(6)
        caught += any(generator.random() < rate for _ in range(6))
    assert stated / counted_bugs == pytest.approx(caught / counted_bugs, abs=0.02)


def test_seeds_go_where_bugs_are_until_all_are_likely_caught_or_the_budget_ends() -> None:
    few = planned_seeds((OFTEN, OF_SESSIONS), COSTS, 10_000)
    assert few == {REGISTRY: LEAST_SEEDS, SESSIONS: LEAST_SEEDS}
    many = planned_seeds(KNOWN.bugs, COSTS, 10_000)
    assert many[SESSIONS] == LEAST_SEEDS
    assert SELDOM.odds.chance_to_catch(counted(many[REGISTRY])) >= TARGET
    poor = planned_seeds(KNOWN.bugs, COSTS, 10)
    assert sum(COSTS[cell] * seeds for cell, seeds in poor.items()) <= 10
    bounded = planned_seeds(KNOWN.bugs, COSTS, 100)
    assert sum(COSTS[cell] * seeds for cell, seeds in bounded.items()) <= 100
    assert LEAST_SEEDS < bounded[REGISTRY] < many[REGISTRY]


@pytest.mark.parametrize("budget_s", [0.3, 1.0, 2.0, 5.0, 20.0])
def test_a_small_budget_leaves_cells_out_rather_than_planning_what_it_cannot_pay(budget_s: float) -> None:
    seeds = planned_seeds(KNOWN.bugs, COSTS, budget_s, repeated=2)
    spent_s = sum(COSTS[cell] * (number + min(number, 2)) for cell, number in seeds.items())
    assert seeds
    assert all(seeds.values())
    assert spent_s <= budget_s or list(seeds.values()) == [1]


def test_bugs_that_show_in_no_cell_of_the_gate_are_counted_in_its_sentence() -> None:
    words = power_of(KNOWN, [replace(SESSIONS, seeds=100)]).in_words(stated=True)
    assert words == "catches each of the 1 known bug with p >= 0.99; 2 show in no cell of this gate"


def test_the_power_names_the_bugs_that_may_be_missed() -> None:
    cells = [replace(REGISTRY, seeds=100), replace(SESSIONS, seeds=100)]
    power = power_of(KNOWN, cells)
    assert power.in_words(stated=True) == "catches 2 known bugs with p >= 0.99; list-in-halves with 0.77"
    often = power_of(replace(KNOWN, bugs=(OFTEN, OF_SESSIONS)), cells, dict.fromkeys(cells, Done(100, 100)))
    assert often.in_words() == "would have caught each of the 2 known bugs with p >= 0.99"


def test_a_sentence_about_many_rare_bugs_names_the_rarest() -> None:
    rare = [replace(SELDOM, mutant=f"rare-{number}", found=number) for number in range(9)]
    words = power_of(replace(KNOWN, bugs=tuple(rare)), [REGISTRY]).in_words(stated=True)
    assert words.startswith("catches 0 known bugs with p >= 0.99; rare-1 with 0.36, rare-2 with ")
    assert words.endswith(", and 2 more; promises nothing of 1 that no measured run showed")


def test_a_matrix_with_too_few_seeds_says_how_many_would_do() -> None:
    made = plan_of_matrix(plan(REGISTRY_OF_ONE, SESSIONS_OF_ONE), KNOWN, None, None)
    assert made.remedy == (f"2 seeds of {REGISTRY.name} would catch forgetful: give its cells more seeds")
    assert plan_of_matrix(plan(replace(REGISTRY, seeds=2)), KNOWN, None, None).remedy == ""
    assert plan_of_matrix(plan(replace(REGISTRY, nodes=7, seeds=1)), KNOWN, None, None).remedy == ""
    assert least_needed(replace(KNOWN, bugs=()), [REGISTRY]) is None


@pytest.mark.parametrize("pace", [1.0, 20.0])
def test_the_seconds_that_are_said_to_be_needed_state_a_bug_and_few_less_do_not(pace: float) -> None:
    needed_s = seconds_needed(KNOWN, more_than_s=1.0, jobs=1, with_real=False, pace=pace)
    assert needed_s is not None

    def states_none(seconds: float) -> bool:
        made = default_plan(KNOWN, budget_s=seconds, jobs=1, with_real=False, pace=pace)
        return made.power.is_none(stated=True)

    assert not states_none(needed_s)
    assert states_none(needed_s / 1.1)


def test_where_not_even_a_day_would_do_no_seconds_are_said() -> None:
    assert seconds_needed(KNOWN, more_than_s=80_000.0, jobs=1, with_real=False, pace=1e9) is None


def test_runs_count_for_less_if_more_of_them_prove_nothing_than_was_measured() -> None:
    measured = KNOWN.measured_as(REGISTRY)
    assert measured is not None
    assert measured.decided == 0.75
    counts = [effective(measured, Done(100, decided)) for decided in (100, 75, 60, 0)]
    assert counts == [100, 100, 80, 0]
    assert effective(None, Done(100, 60)) == 60


def test_power_is_not_claimed_for_cells_in_which_no_bug_was_measured() -> None:
    other = replace(REGISTRY, nodes=7, seeds=1000)
    power = power_of(KNOWN, [other])
    assert power.in_words() == "power not measured: no bug with measured odds shows in these cells"
    assert power.unmeasured == (other.name,)
    assert power.elsewhere == ("forgetful", "list-in-halves", "sessions-not-in-snapshot")
