"""Passed, failed, unknown or broken: what a gate makes of its runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from ackproof.cli.commands.campaigns.gate import EXITS
from ackproof.cli.output.exits import Exit
from harness.campaign.cells import Cell, canary
from harness.campaign.executors import Perform
from harness.campaign.findings.baseline import Known
from harness.campaign.outcomes import Outcome
from harness.errors import CouldNotRun
from tests.harness.campaign.fakes import INVALID, UNKNOWN, VALID, fake
from tests.harness.gate.fakes import KNOWN, SELDOM, gated


def valid(_cell: Cell, _seed: int) -> Outcome:
    return VALID


def test_without_a_finding_and_with_its_power_a_gate_passes(tmp_path: Path) -> None:
    found = gated(tmp_path, valid, Cell(seeds=40))
    assert (found.outcome, found.reasons) == ("passed", ())
    rest = "list-in-halves with {}; 1 show in no cell of this gate"
    assert found.stated == f"catches 1 known bug with p >= 0.99; {rest.format(0.54)}"
    assert found.reached == f"would have caught 1 known bug with p >= 0.99; {rest.format(0.64)}"


def test_a_finding_that_nobody_knows_fails_it_and_is_one_line_to_paste(tmp_path: Path) -> None:
    found = gated(tmp_path, fake, Cell(seeds=40))
    (finding,) = found.findings
    assert found.outcome == "failed"
    assert found.reasons == (f"finding {finding.fingerprint}: durability: registration r1 was lost",)
    assert finding.example.command == "ackproof sim --seed 5 --workload registry"


def test_a_known_finding_passes_and_is_still_listed_as_invalid(tmp_path: Path) -> None:
    (finding,) = gated(tmp_path / "first", fake, Cell(seeds=40)).findings
    known = {finding.fingerprint: Known(finding.fingerprint, "issue 12")}
    found = gated(tmp_path / "second", fake, Cell(seeds=40), baseline=known)
    assert (found.outcome, found.summary and found.summary.outcome) == ("passed", "invalid")
    assert found.findings[0].is_known
    assert found.summary is not None
    assert found.summary.cells[0].invalid == 1


def test_what_was_resolved_and_is_back_fails_it(tmp_path: Path) -> None:
    (finding,) = gated(tmp_path / "first", fake, Cell(seeds=40)).findings
    known = {finding.fingerprint: Known(finding.fingerprint, resolved=True)}
    found = gated(tmp_path / "second", fake, Cell(seeds=40), baseline=known)
    assert found.outcome == "failed"
    assert "which the baseline lists as resolved" in found.reasons[0]


@pytest.mark.parametrize(("runs", "answer"), [(40, "too few runs"), (4000, "resolved")])
def test_a_known_finding_that_is_not_seen_is_called_resolved_only_with_enough_runs(
    runs: int, answer: str, tmp_path: Path
) -> None:
    (finding,) = gated(tmp_path, fake, Cell(seeds=40)).findings
    never = "0123456789"
    known = {mark: Known(mark) for mark in (finding.fingerprint, never)}
    gone = Known("00000000ff", resolved=True)
    found = gated(tmp_path, valid, Cell(seeds=runs), baseline={**known, gone.fingerprint: gone})
    assert found.outcome == "passed"
    assert {one.fingerprint: one.answer for one in found.unseen} == {
        finding.fingerprint: answer,
        never: "never seen",
    }


def test_a_finding_of_another_campaign_in_the_store_does_not_fail_it(tmp_path: Path) -> None:
    gated(tmp_path, fake, Cell(seeds=40))
    assert gated(tmp_path, valid, Cell(seeds=40)).outcome == "passed"


def test_a_budget_that_ends_too_early_is_unknown(tmp_path: Path) -> None:
    found = gated(tmp_path, valid, Cell(seeds=40), most_runs=20)
    assert found.outcome == "unknown"
    assert found.reasons == (
        "the stated power was not reached for 1 of 2 known bugs; list-in-halves would be caught with 0.45 "
        "instead of 0.54: give it more time with --seconds",
    )


def nothing_before(seed: int) -> Perform:
    """Runs of which those of the first seeds prove nothing."""
    return lambda _cell, own: UNKNOWN if own < seed else VALID


def test_as_many_runs_may_prove_nothing_as_were_measured_and_some_to_spare(tmp_path: Path) -> None:
    assert gated(tmp_path / "some", nothing_before(19), Cell(seeds=40)).outcome == "passed"
    found = gated(tmp_path / "many", nothing_before(20), Cell(seeds=40))
    assert found.outcome == "unknown"
    assert found.reasons[0].startswith("the stated power was not reached for 1 of 2 known bugs")


@pytest.mark.parametrize(
    ("cell", "most"), [(Cell(seeds=40, nodes=7), 20), (Cell(seeds=3, world="local"), 0)], ids=["sim", "local"]
)
def test_where_nothing_was_measured_half_the_simulated_runs_must_prove_something_and_all_real_ones(
    cell: Cell, most: int, tmp_path: Path
) -> None:
    assert gated(tmp_path / "some", nothing_before(most), cell).outcome == "passed"
    found = gated(tmp_path / "many", nothing_before(most + 1), cell)
    assert found.outcome == "unknown"
    assert found.reasons[0].startswith(f"{most + 1} of {cell.seeds} runs proved nothing: {cell.name}")


def test_another_seed_is_drawn_in_place_of_one_that_proved_nothing_and_that_is_stated(
    tmp_path: Path,
) -> None:
    real = Cell(seeds=1, world="local")
    found = gated(tmp_path / "second", nothing_before(1), real, replaces_undecided=True)
    assert found.outcome == "passed"
    assert found.undecided == (
        f"1 of 2 runs proved nothing, and 1 were drawn in their place: {real.name} (seed 0: )",
    )
    found = gated(tmp_path / "none", nothing_before(1000), real, replaces_undecided=True)
    assert (found.outcome, found.summary and found.summary.runs) == ("unknown", 3)
    assert found.reasons[0].startswith("3 of 3 runs proved nothing, and 2 were drawn in their place")


def test_with_seeds_in_place_of_undecided_ones_the_power_is_reached(tmp_path: Path) -> None:
    assert gated(tmp_path / "without", nothing_before(20), Cell(seeds=40)).outcome == "unknown"
    found = gated(tmp_path / "with", nothing_before(20), Cell(seeds=40), replaces_undecided=True)
    assert (found.outcome, found.reasons) == ("passed", ())


@pytest.mark.parametrize("nodes", [None, 7])
def test_a_cell_without_a_run_is_unknown_whether_its_power_is_measured_or_not(
    nodes: int | None, tmp_path: Path
) -> None:
    found = gated(tmp_path, valid, Cell(seeds=40, nodes=nodes), most_s=0.0)
    assert found.outcome == "unknown"
    assert found.reasons[0].startswith("no run was done in the 0 s that were left for runs")


def test_a_system_whose_bugs_are_not_measured_passes_and_says_so(tmp_path: Path) -> None:
    found = gated(tmp_path, valid, Cell(nodes=7, seeds=3))
    assert (found.outcome, found.reached) == (
        "passed",
        "power not measured: no bug with measured odds shows in these cells",
    )


@pytest.mark.parametrize(("seeds", "outcome"), [(1, "unknown"), (2, "passed")])
def test_a_gate_that_would_have_caught_no_bug_is_never_green(
    seeds: int, outcome: str, tmp_path: Path
) -> None:
    found = gated(tmp_path, valid, Cell(seeds=seeds), remedy="2 seeds would do")
    assert found.outcome == outcome
    assert found.power.is_none() is (outcome == "unknown")
    assert found.reasons[:1] == (
        (
            "too few runs to prove anything: none of 2 known bugs would have been caught with p >= 0.99; "
            "2 seeds would do",
        )
        if outcome == "unknown"
        else ()
    )


def test_bugs_that_no_measured_run_showed_make_no_gate_unknown(tmp_path: Path) -> None:
    """No number of runs would state them, so they count as not measured."""
    unseen = replace(KNOWN, bugs=(replace(SELDOM, found=0),))
    found = gated(tmp_path, valid, Cell(seeds=1), known=unseen)
    assert (found.outcome, found.reached) == (
        "passed",
        "power not measured: no measured run showed one of the 1 bugs of these cells",
    )


def test_a_canary_that_is_missed_breaks_it_even_with_findings(tmp_path: Path) -> None:
    def perform(cell: Cell, seed: int) -> Outcome:
        return VALID if cell.is_canary else fake(cell, seed)

    found = gated(tmp_path, perform, canary("forgetful", 4), Cell(seeds=40))
    assert (found.outcome, len(found.reasons)) == ("broken", 2)


def test_an_unstable_seed_breaks_it(tmp_path: Path) -> None:
    digits = iter(range(100))
    found = gated(
        tmp_path,
        lambda cell, seed: Outcome(VALID.validity, digest=str(next(digits))),
        Cell(seeds=40),
        stability=1,
    )
    assert found.outcome == "broken"


def test_runs_that_cannot_be_done_break_it_and_never_leave_it_unknown(tmp_path: Path) -> None:
    def perform(_cell: Cell, seed: int) -> Outcome:
        if seed == 3:
            raise CouldNotRun("no room")
        return UNKNOWN if seed > 20 else VALID

    found = gated(tmp_path, perform, Cell(seeds=40))
    assert found.outcome == "broken"
    assert found.reasons[0].startswith("1 runs could not be done: sim, reference-node, registry")
    assert "no room" in found.reasons[0]


def test_a_violation_counts_although_another_run_could_not_be_done(tmp_path: Path) -> None:
    def perform(_cell: Cell, seed: int) -> Outcome:
        if seed == 3:
            raise CouldNotRun("no room")
        return INVALID

    assert gated(tmp_path, perform, Cell(seeds=40)).outcome == "failed"


def test_what_a_canary_shows_is_hoped_for_and_no_finding(tmp_path: Path) -> None:
    def perform(cell: Cell, _seed: int) -> Outcome:
        return INVALID if cell.is_canary else VALID

    found = gated(tmp_path, perform, canary("acknowledge-early", 4), Cell(seeds=40))
    assert (found.outcome, found.findings) == ("passed", ())


def test_every_outcome_has_its_exit_code_and_a_broken_harness_is_never_unknown() -> None:
    assert EXITS == {
        "passed": Exit.VALID,
        "failed": Exit.INVALID,
        "unknown": Exit.UNKNOWN,
        "broken": Exit.COULD_NOT_RUN,
    }
