"""The file of known bugs: complete, of today's declarations, and what its script would write again."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from harness.campaign.campaign import run_campaign
from harness.campaign.cells import DRAWN, CampaignPlan, Cell
from harness.campaign.journal import Journal
from harness.campaign.outcomes import Outcome, Violation
from harness.campaign.performing import simulated
from harness.campaign.progress import CampaignProgress
from harness.gate.known_bugs.measuring import ENOUGH_FOUND, adding_plan, measuring_plan, written
from harness.gate.known_bugs.seeded import SeededBug, SeededBugs, cell_of, seeded_bugs
from harness.gate.planning import (
    NO_ROOM,
    NO_ROOM_FOR_REAL,
    REAL,
    REAL_S,
    STABILITY,
    default_plan,
    with_canaries,
)
from harness.gate.power import power_of
from harness.mutants.catalogue import MUTANTS
from tests.harness.campaign.fakes import UNKNOWN, VALID, carried_out, in_process, resumed

OF_ITS_CHECKER = Outcome(VALID.validity.INVALID, (Violation("one-vote-a-term", "a kind", "a title"),))
OF_ANOTHER = Outcome(VALID.validity.INVALID, (Violation("conformance", "a kind", "a title"),))


def test_every_seeded_bug_has_odds_for_the_workload_and_the_faults_that_it_declares() -> None:
    assert [bug.mutant for bug in seeded_bugs().bugs] == list(MUTANTS), "scripts/odds.py"


def test_what_a_bug_shows_names_no_folder_of_a_machine() -> None:
    kinds = [kind for bug in seeded_bugs().bugs for kind in bug.shows]
    assert len(kinds) > 500
    assert [kind for kind in kinds if '"/' in kind] == []


def test_a_bug_that_was_measured_with_other_faults_does_not_count() -> None:
    bug = seeded_bugs().bugs[0]
    assert bug.is_current
    assert not msgspec.structs.replace(bug, nemesis="kill").is_current
    assert not msgspec.structs.replace(bug, workload="cas").is_current
    assert not msgspec.structs.replace(bug, mutant="gone").is_current


def test_the_odds_count_what_the_bug_s_own_checker_found_and_what_correct_nodes_left_open(
    tmp_path: Path,
) -> None:
    gives = [OF_ITS_CHECKER, VALID, OF_ANOTHER, UNKNOWN]

    def perform(cell: Cell, seed: int) -> Outcome:
        if cell.mutant:
            return gives[seed - 10]
        mark = (UNKNOWN if seed == 0 else VALID).validity
        return Outcome(mark, core_s=0.2 * (seed + 1))

    plan = measuring_plan(("vote-twice", "lease-without-clock-bound"), seeds=4, first_seed=10)
    text = written(carried_out(tmp_path, plan, perform), "scripts/odds.py")
    found = msgspec.convert(tomllib.loads(text), SeededBugs)
    bug, other = found.bugs
    assert (bug.found, bug.runs, bug.nemesis) == (1, 4, DRAWN)
    assert other.cell == cell_of("lease-without-clock-bound")
    assert [(cell.runs, cell.undecided, cell.decided, cell.seconds) for cell in found.cells] == [
        (4, 1, 0.75, 0.5)
    ] * 2
    assert found.cells[0].first_seconds == (0.2, 0.4, 0.6, 0.8)


def test_a_bug_that_was_found_often_enough_gets_no_more_runs(tmp_path: Path) -> None:
    plan = measuring_plan(("vote-twice",), seeds=40, first_seed=0)
    stored = carried_out(tmp_path, plan, lambda cell, _seed: OF_ITS_CHECKER if cell.mutant else VALID)
    assert [sum(line.cell == number for line in stored.runs) for number in (0, 1)] == [40, ENOUGH_FOUND]


def test_measuring_stops_after_some_seconds_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    plan = measuring_plan(("vote-twice",), seeds=4, first_seed=0)
    journal = Journal.create(tmp_path, plan)
    journal.bound(0.0)
    stopped = run_campaign(journal, in_process(lambda _cell, _seed: VALID), CampaignProgress(quiet=True))
    assert stopped.runs == ()
    assert len(resumed(stopped.folder).runs) == 8


def test_what_is_not_measured_now_stays_as_it_was_with_its_date(tmp_path: Path) -> None:
    first = measuring_plan(("vote-twice", "forgetful", "expire-by-own-clock"), seeds=2, first_seed=0)
    text = written(carried_out(tmp_path, first, lambda _cell, _seed: VALID), "first")
    before = msgspec.convert(tomllib.loads(text), SeededBugs)
    old = msgspec.structs.replace(before, bugs=tuple(replace(bug, began_at="") for bug in before.bugs))
    now = carried_out(
        tmp_path, measuring_plan(("forgetful",), seeds=1, first_seed=0), lambda _cell, _seed: UNKNOWN
    )
    found = msgspec.convert(tomllib.loads(written(now, "now", old)), SeededBugs)
    assert [(bug.mutant, bug.runs) for bug in found.bugs] == [
        (name, 1 if name == "forgetful" else 2)
        for name in MUTANTS
        if name in {one.mutant for one in old.bugs}
    ]
    assert {bug.began_at for bug in found.bugs if bug.runs == 2} == {before.measured.began_at}
    assert [(cell.workload, cell.runs) for cell in found.cells] == [("registry", 1), ("ephemeral", 2)]


def with_odds(**odds: tuple[int, int]) -> SeededBugs:
    """A file of these bugs, each with how often it was found in how many runs, from seed 1000 on."""
    known = seeded_bugs()
    bugs = [
        replace(bug, found=odds[bug.mutant][0], runs=odds[bug.mutant][1], last_seed=1007, shows={})
        for bug in known.bugs
        if bug.mutant in odds
    ]
    return replace(known, bugs=tuple(bugs))


def test_runs_are_added_where_the_interval_is_the_widest_until_there_are_enough() -> None:
    odds = {"forgetful": (4, 8), "kernel-trusted": (0, 8), "never-fsync": (8, 8), "vote-twice": (0, 8)}
    plan = adding_plan(with_odds(**odds), seeds=10, first_seed=2000)
    order = [(plan.cells[number].mutant, seed) for number, seed in plan.known]
    assert [bug for bug, _ in order[:2]] == ["forgetful"] * 2  # 10 runs by then
    assert sorted(order[2:]) == [
        (bug, seed) for bug in ("kernel-trusted", "vote-twice") for seed in (2000, 2001)
    ]
    plan = adding_plan(with_odds(**odds), seeds=40, first_seed=2000)
    assert Counter(plan.cells[number].mutant for number, _ in plan.known) == {
        "forgetful": 7,  # half of 15 are 8
        "kernel-trusted": 32,
        "vote-twice": 32,
    }


def test_added_runs_count_together_with_those_of_the_file_and_no_seed_twice(tmp_path: Path) -> None:
    before = with_odds(**{"vote-twice": (1, 8), "forgetful": (8, 8)})
    plan = replace(adding_plan(before, seeds=40, first_seed=1008), most_runs=3)
    stored = carried_out(tmp_path, plan, lambda cell, _seed: OF_ITS_CHECKER if cell.mutant else VALID)
    text = written(stored, "scripts/odds.py", before, is_added=True)
    found = msgspec.convert(tomllib.loads(text), SeededBugs)
    assert {bug.mutant: (bug.found, bug.runs, bug.last_seed) for bug in found.bugs} == {
        "vote-twice": (4, 11, 1010),
        "forgetful": (8, 8, 1007),
    }
    assert found.next_seed == 1011
    assert {cell.cell: cell.runs for cell in found.cells} == {
        cell.cell: cell.runs for cell in before.cells if cell.cell == cell_of("vote-twice")
    }
    with pytest.raises(ValueError, match=r"vote-twice: seeds from 1008 on may be in the file"):
        written(stored, "scripts/odds.py", found, is_added=True)


def test_a_bug_without_a_run_is_not_written_as_one_that_is_never_found(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(measuring_plan(("vote-twice", "forgetful"), 4, 0), most_runs=2)
    stored = carried_out(tmp_path, plan, lambda _cell, _seed: VALID)
    with pytest.raises(ValueError, match=r"no run of .* mutant forgetful is done yet"):
        written(stored, "scripts/odds.py")


def test_the_cost_of_a_run_is_measured() -> None:
    assert simulated(Cell(nodes=3, time_limit_s=2), 0).core_s > 0.0


@pytest.mark.parametrize("seconds", [60.0, 600.0])
def test_the_default_gate_has_a_canary_and_seeds_for_each_cell_and_keeps_to_its_budget(
    seconds: float,
) -> None:
    known = seeded_bugs()
    plan = default_plan(known, budget_s=seconds, jobs=2, with_real=True).campaign
    assert plan is not None
    cells = [cell for cell in plan.cells if not cell.is_canary and cell.world == "sim"]
    workloads = {bug.workload for bug in known.bugs}
    assert (
        {cell.workload for cell in plan.cells if cell.is_canary} == workloads == {c.workload for c in cells}
    )
    assert (plan.cells[-1].world == "local") is (seconds == 600.0)
    assert plan.most_s == seconds
    assert plan.most_simulated_s == (seconds if seconds == 60.0 else seconds - REAL_S)
    expected_s = sum(cell.seeds * known.seconds_to_decide(cell) for cell in cells) / 2
    assert expected_s <= seconds
    assert plan.replaces_undecided
    elsewhere = power_of(known, cells).elsewhere
    assert not elsewhere or seconds == 60.0
    assert not any(bug.found for bug in known.bugs if bug.mutant in elsewhere)


def test_a_gate_that_has_time_for_some_runs_alone_states_what_these_catch() -> None:
    """At a pace at which it can do some runs of two cells in its budget; it had stated 140 of them."""
    known = seeded_bugs()
    made = default_plan(known, budget_s=120.0, jobs=2, with_real=False, pace=16.0)
    assert made.campaign is not None
    cells = [cell for cell in made.campaign.cells if not cell.is_canary]
    repeated = sum(min(cell.seeds, STABILITY) * known.seconds_to_decide(cell) for cell in cells)
    expected_s = 16.0 * (sum(cell.seeds * known.seconds_to_decide(cell) for cell in cells) + repeated) / 2
    assert expected_s <= 60.0
    assert sum(one.why == NO_ROOM for one in made.left_out) + len(cells) == len({b.cell for b in known.bugs})
    assert made.power.elsewhere
    assert len(made.power.bugs) + len(made.power.elsewhere) == len(known.bugs)
    assert f"{len(made.power.elsewhere)} show in no cell of this gate" in made.power.in_words(stated=True)


@pytest.mark.parametrize(("with_real", "seconds", "said"), [(True, 299, 1), (True, 300, 0), (False, 299, 0)])
def test_a_gate_says_that_its_budget_leaves_no_run_on_real_processes(
    with_real: bool, seconds: int, said: int
) -> None:
    made = default_plan(seeded_bugs(), budget_s=float(seconds), jobs=2, with_real=with_real)
    assert made.campaign is not None
    assert [one.what for one in made.left_out if one.why == NO_ROOM_FOR_REAL] == [REAL.name] * said
    assert (REAL in made.campaign.cells) is (with_real and not said)


def test_of_bugs_that_show_as_often_the_canary_is_the_one_whose_runs_are_cheap() -> None:
    bugs = [
        SeededBug(mutant=name, workload="ephemeral", found=7, runs=7, dearest=dearest)
        for name, dearest in (
            ("expire-by-own-clock", 23.7),
            ("silence-forgiven", None),
            ("beats-not-counted", 0.4),
        )
    ]
    rare = SeededBug(mutant="revival-forgotten", workload="ephemeral", found=1, runs=7, dearest=0.1)
    known = replace(seeded_bugs(), bugs=(*bugs, rare))
    plan = with_canaries(CampaignPlan(cells=(Cell(workload="ephemeral"),)), known)
    assert [cell.mutant for cell in plan.cells if cell.is_canary] == ["beats-not-counted"]
    without = replace(known, bugs=(bugs[0], bugs[1]))
    plan = with_canaries(CampaignPlan(cells=(Cell(workload="ephemeral"),)), without)
    assert [cell.mutant for cell in plan.cells if cell.is_canary] == ["silence-forgiven"]
