"""What a gate says: passed, failed, unknown or broken.

- *broken*: the harness cannot be trusted: the canary was missed, a seed gave two results, or it could do none
  of its last runs. Whatever else it says proves nothing.
- *failed*: there is a finding that the baseline does not list, or that it lists as resolved; or, if that was
  asked for, latency or availability is worse than it was by more than the margin (comparing.py).
- *broken*, too: without such a finding, but a run could not be done, although it was tried again.
- *unknown*: too little was shown. The work was interrupted or the budget ended first, so the power that was
  stated beforehand was not reached; no known bug would have been caught with 0.99, although more runs would
  catch one; or too few runs of a cell proved something (`least_decided`). A run that proved nothing is stated
  and another seed is drawn in its place (harness/campaign/replacing.py), so it alone leaves nothing unknown.
- *passed*: none of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec

from checkers.verdict import Validity
from harness.campaign.campaign import INTERRUPTED
from harness.campaign.cells import Cell
from harness.campaign.findings.baseline import Known
from harness.campaign.findings.fingerprint import fingerprint, subject_of
from harness.campaign.findings.gathering import Finding
from harness.campaign.findings.states import CONFIDENCE
from harness.campaign.journal import Stored
from harness.campaign.summary import CampaignSummary, CellSummary, summary_of
from harness.gate.changes.touched import LeftOut
from harness.gate.comparing import Comparison
from harness.gate.known_bugs.likeness import Kinds, kinds_of, most_like
from harness.gate.known_bugs.seeded import SeededBug, SeededBugs, place_of
from harness.gate.power import Done, Power, in_figures, power_of

MORE_TIME = "give it more time with --seconds"
GateOutcome = Literal["passed", "failed", "unknown", "broken"]


class Unseen(msgspec.Struct, frozen=True):
    """A finding of the baseline that no run of the gate shows."""

    fingerprint: str
    why: str
    """What the baseline says of it."""
    answer: Literal["resolved", "too few runs", "never seen"]
    """Whether the store's campaigns show that it is gone (harness/campaign/findings/states.py), are too few
    for that, or never saw it, so that it is not known how often it comes."""

    @property
    def in_words(self) -> str:
        """The answer in one line."""
        words = {
            "resolved": f"resolved: as frequent as before, it would have been seen with p >= {CONFIDENCE}",
            "too few runs": "the runs are too few to call it resolved",
            "never seen": "no campaign of this store saw it, so how often it comes is not known",
        }
        return f"known finding {self.fingerprint} was not seen; {words[self.answer]}"


class GateResult(msgspec.Struct, frozen=True):
    """What a gate says, and why."""

    outcome: GateOutcome
    reasons: tuple[str, ...]
    """Why it did not pass; empty if it did."""
    stated: str
    """The power that was stated beforehand, in words."""
    reached: str
    """The power of what was done, in words."""
    power: Power
    findings: tuple[Finding, ...]
    """Violations of this gate's runs, those that the baseline knows included."""
    summary: CampaignSummary | None
    """Of the campaign; a cell with known violations stays invalid in it. None if nothing was to be run."""
    looks_like: tuple[str, ...] = ()
    """If it failed: the seeded bugs that the violations look like, the most likely first."""
    left_out: tuple[LeftOut, ...] = ()
    """What was not run, because the change does not reach it or the budget has no room for it."""
    unseen: tuple[Unseen, ...] = ()
    """Known findings that no run shows; those that the baseline lists as resolved left out."""
    undecided: tuple[str, ...] = ()
    """By cell, how many runs proved nothing, and how many were drawn in their place."""
    comparisons: tuple[Comparison, ...] = ()
    """Latency and availability compared with an earlier campaign, if that was asked for."""


def nothing_to_run(left_out: Sequence[LeftOut]) -> GateResult:
    """What a gate says of a change that reaches none of its cells."""
    text = "nothing that this gate runs is touched by the change"
    return GateResult("passed", (), text, text, Power((), (), ()), (), None, (), tuple(left_out))


def gate_result(
    stored: Stored,
    findings: Sequence[Finding],
    known: SeededBugs,
    all_bugs: Sequence[SeededBug] = (),
    left_out: Sequence[LeftOut] = (),
    comparisons: Sequence[Comparison] = (),
    baseline: Mapping[str, Known] = MappingProxyType({}),
    remedy: str = "",
) -> GateResult:
    """Weigh what a gate's campaign gave.

    Args:
        stored: its journal.
        findings: of the store's campaigns.
        known: the known bugs whose odds count for the power.
        all_bugs: the known bugs that a violation may look like.
        left_out: what the change does not reach.
        comparisons: with an earlier campaign, if they were asked for.
        baseline: the known findings by fingerprint.
        remedy: what would give it power, if it stated no bug.
    """
    summary = summary_of(stored)
    shown = _fingerprints(stored)
    own = tuple(one for one in findings if one.fingerprint in shown)
    power = power_of(known, [cell for cell in stored.plan.cells if not cell.is_canary], _done(stored))
    found: list[tuple[GateOutcome, list[str]]] = [
        ("broken", list(summary.reasons[:1]) if summary.outcome == "broken" else []),
        ("failed", [*_new(own), *(one.in_words for one in comparisons if one.answer == "worse")]),
        ("broken", list(_not_done(summary))),
        (
            "unknown",
            [
                *_too_little_done(summary, stored, known),
                *_powerless(power, remedy),
                *(one.in_words for one in comparisons if one.answer == "cannot tell"),
            ],
        ),
    ]
    outcome: GateOutcome = next((outcome for outcome, reasons in found if reasons), "passed")
    reasons = [reason for _, reasons in found for reason in reasons]
    return GateResult(
        outcome,
        tuple(reasons),
        power.in_words(stated=True),
        power.in_words(),
        power,
        own,
        summary,
        most_like(all_bugs, _reported(stored)) if outcome == "failed" else (),
        tuple(left_out),
        tuple(_unseen(baseline, findings, shown)),
        tuple(_undecided(summary)),
        tuple(comparisons),
    )


def _unseen(
    baseline: Mapping[str, Known], findings: Sequence[Finding], shown: frozenset[str]
) -> Iterator[Unseen]:
    states = {one.fingerprint: one.state for one in findings}
    for mark, known in baseline.items():
        if mark in shown or known.resolved:
            continue
        match states.get(mark):
            case None:
                yield Unseen(mark, known.why, "never seen")
            case "resolved":
                yield Unseen(mark, known.why, "resolved")
            case _:
                yield Unseen(mark, known.why, "too few runs")


def _is_allowed(one: Finding) -> bool:
    """Whether the baseline lists a finding, and not as one that was resolved."""
    return one.is_known and one.state != "regressed"


def _new(own: Sequence[Finding]) -> Iterator[str]:
    """What the baseline does not allow. What is seen only together with another such finding is not named."""
    against = {one.fingerprint: one for one in own if not _is_allowed(one)}
    for one in against.values():
        if one.only_with not in against:
            back = ", which the baseline lists as resolved" if one.is_known else ""
            yield f"finding {one.fingerprint}{back}: {one.checker}: {one.example.title}"


def _fingerprints(stored: Stored) -> frozenset[str]:
    """What the runs show; what a canary shows is hoped for."""
    cells = stored.plan.cells
    return frozenset(
        fingerprint(subject_of(cells[line.cell], line.outcome), violation)
        for line in stored.runs
        if not cells[line.cell].is_canary
        for violation in line.outcome.violations
    )


def _done(stored: Stored) -> Mapping[Cell, Done]:
    """By cell, how many seeds ran, and how many of them proved something."""
    runs: dict[Cell, dict[int, bool]] = {cell: {} for cell in stored.plan.cells}
    for line in stored.runs:
        runs[stored.plan.cells[line.cell]][line.seed] = line.outcome.validity is not Validity.UNKNOWN
    return {cell: Done(len(own), sum(own.values())) for cell, own in runs.items()}


def _reported(stored: Stored) -> Mapping[Cell, list[Kinds]]:
    """By cell without its seeds, which kinds of violation each run reported."""
    cells = stored.plan.cells
    reported: dict[Cell, list[Kinds]] = {place_of(cell): [] for cell in cells}
    for line in stored.runs:
        if not line.again:
            reported[place_of(cells[line.cell])].append(kinds_of(line.outcome))
    return reported


def _not_done(summary: CampaignSummary) -> Iterator[str]:
    for cell in summary.cells:
        if cell.could_not_run:
            why = next((one.why for one in summary.failed if one.cell == cell.name), "")
            yield f"{cell.could_not_run} runs could not be done: {cell.name}: {why}"


def _too_little_done(summary: CampaignSummary, stored: Stored, known: SeededBugs) -> Iterator[str]:
    if summary.ended == INTERRUPTED:
        yield "interrupted: not all runs were done"
    for cell in summary.cells:
        if cell.canary == "not all seeds ran":
            yield f"the budget ended before the canary was found: {cell.name}"
        elif cell.canary is None and cell.asked:
            yield from _too_little(cell, stored, known)


def _too_little(cell: CellSummary, stored: Stored, known: SeededBugs) -> Iterator[str]:
    if not cell.runs:
        yield f"no run was done in the {stored.plan.most_s or 0:.0f} s that were left for runs: {cell.name}"
    elif cell.runs - cell.unknown < least_decided(cell.cell, known) * min(cell.runs, cell.cell.seeds):
        yield _nothing_in_words(cell)


def _undecided(summary: CampaignSummary) -> Iterator[str]:
    return (_nothing_in_words(cell) for cell in summary.cells if cell.unknown and cell.canary is None)


def _nothing_in_words(cell: CellSummary) -> str:
    drawn = f", and {cell.in_place} were drawn in their place" if cell.in_place else ""
    return f"{cell.unknown} of {cell.runs} runs proved nothing{drawn}: {cell.name} ({cell.why_nothing})"


def least_decided(cell: Cell, known: SeededBugs) -> float:
    """How many of a cell's runs must prove something, as a share of its planned ones or of those that were
    done, if these are fewer: all of real processes; of simulated ones half of what was measured, or half of
    all where nothing was."""
    if cell.world != "sim":
        return 1.0
    measured = known.measured_as(cell)
    return 0.5 if measured is None else 0.5 * measured.decided


def _powerless(power: Power, remedy: str) -> Iterator[str]:
    missed = [bug for bug in power.bugs if not bug.is_reached]
    if power.is_none():
        known = sum(bug.found > 0 for bug in power.bugs)
        yield (
            f"too few runs to prove anything: none of {known} known bugs would have been caught with p >= "
            f"{power.target}; {remedy or MORE_TIME}"
        )
    elif missed:
        least = min(missed, key=lambda bug: bug.reached)
        yield (
            f"the stated power was not reached for {len(missed)} of {len(power.bugs)} known bugs; "
            f"{least.mutant} would be caught with {in_figures(least.reached)} instead of "
            f"{in_figures(least.stated)}: {MORE_TIME}"
        )
