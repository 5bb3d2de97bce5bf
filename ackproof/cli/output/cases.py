"""The test cases of commands whose result is not one run: files, proofs, seeds, cells and findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from checkers.verdict import Validity
from reports.ci.suite import CaseEnd, CiCase, case_of_verdict

if TYPE_CHECKING:
    from ackproof.cli.commands.judging.check import CheckedFile
    from ackproof.cli.commands.judging.verify import Verification
    from harness.campaign.again.replaying import Replayed
    from harness.campaign.findings.gathering import Finding
    from harness.campaign.summary import CampaignSummary, CellSummary
    from harness.gate.result import GateResult
    from harness.sim.cause.command import Cause
    from harness.sim.command import CampaignSummary as SeedsSummary
    from harness.sim.resimulate import Resimulated
    from harness.sim.seeds.generated import GeneratedHunt
    from harness.sim.seeds.hunting import Hunt

_ENDS: dict[Validity, CaseEnd] = {
    Validity.VALID: "passed",
    Validity.INVALID: "failure",
    Validity.UNKNOWN: "error",
}


def of_files(results: Sequence[CheckedFile]) -> Iterator[CiCase]:
    """A case for each history that `ackproof check` judged; an error for one that was refused."""
    for result in results:
        if result.verdict is None:
            why = result.refused or ""
            yield CiCase(name=result.file, end="error", mark="refused", message=why, text=why)
        else:
            yield case_of_verdict(result.verdict, name=result.file)


def of_proofs(results: Sequence[Verification]) -> Iterator[CiCase]:
    """A case for each proof that `ackproof verify` checked."""
    for number, one in enumerate(results, start=1):
        end: CaseEnd = "passed" if one.proved else "error" if one.proved is None else "failure"
        mark = {"passed": "proved", "error": "unknown", "failure": "not proved"}[end]
        message = "" if end == "passed" else one.why
        yield CiCase(name=f"proof {number}", end=end, mark=mark, message=message, output=one.why)


def of_replayed(found: Replayed) -> Iterator[CiCase]:
    """The case of a finding that was looked for again."""
    ends: dict[str, CaseEnd] = {"FIXED": "passed", "STILL FAILS": "failure"}
    end = ends.get(found.answer, "error")
    name = f"{found.fingerprint} {found.checker}: {found.kind}"
    message = "" if end == "passed" else found.title or found.why
    yield CiCase(name=name, end=end, mark=found.answer, message=message, text=found.why, output=found.why)


def of_seeds(summary: SeedsSummary, command: str) -> Iterator[CiCase]:
    """A case for all seeds of `ackproof sim --seeds` together, and one for each of the first violations."""
    ended = f"{summary.valid} valid, {summary.unknown} unknown, {summary.invalid} invalid"
    counts = f"{summary.seeds} seeds: {ended}"
    wrong = "" if summary.validity is Validity.VALID else counts
    yield CiCase(
        name="all seeds", end=_ENDS[summary.validity], mark=summary.validity, message=wrong, output=counts
    )
    for judged in summary.violations:
        checkers = ", ".join(judged.invalid)
        line = f"{command} --seed {judged.seed}"
        yield CiCase(
            name=f"seed {judged.seed}",
            end="failure",
            mark="invalid",
            message=checkers,
            text=line,
            output=line,
        )


def of_hunts(hunts: Sequence[Hunt]) -> Iterator[CiCase]:
    """A case for each seeded bug that `ackproof mutants` hunted."""
    for one in hunts:
        ended = f"seed {one.seed}, by {one.caught_by}" if one.is_caught else f"not by {one.caught_by}"
        seen = f"{ended}; {one.seeds} seeds"
        also = f"also, undeclared: {', '.join(one.undeclared)}" if one.undeclared else ""
        yield CiCase(
            name=one.mutant,
            end="passed" if one.is_as_declared else "failure",
            mark="caught" if one.is_caught else "not caught",
            message="" if one.is_as_declared else also or seen,
            text="" if one.schedule is None else f"ackproof replay {one.schedule}",
            output=seen,
            seconds=one.wall_s,
        )


def of_mutations(hunts: Sequence[GeneratedHunt]) -> Iterator[CiCase]:
    """A case for each mutation of `ackproof mutants --generated`; a survivor is no failure, but is listed."""
    for number, one in enumerate(hunts, start=1):
        mutation = one.mutation
        what = f"{mutation.function}, line {mutation.line}, {mutation.kind}"
        change = f"{mutation.before}  ->  {mutation.after}"
        survived = one.outcome == "survived"
        yield CiCase(
            name=f"{number}: {mutation.module}, {what}",
            end="skipped" if survived else "passed",
            mark=one.outcome,
            message=change if survived else "",
            output=f"{change}\n{one.outcome} after {one.seeds} seeds {', '.join(one.caught_by)}".rstrip(),
            seconds=one.wall_s,
        )


def of_resimulated(found: Resimulated) -> Iterator[CiCase]:
    """The case of a violation that was looked for in the simulated world."""
    tried = f"{found.seeds} seeds tried"
    if found.seed is None:
        why = f"none of {tried} shows it in the simulated world"
        yield CiCase(name=found.checker, end="error", mark="not shown", message=why, output=found.violation)
    else:
        text = f"seed {found.seed}: {found.summary}\nackproof replay {found.file}"
        yield CiCase(
            name=found.checker, end="failure", mark="shown", message=found.violation, text=text, output=tried
        )


def of_cause(found: Cause) -> Iterator[CiCase]:
    """The case of a violation whose cause was measured."""
    jumps = [
        f"{jump.what}: {jump.before.share:.0%} before, {jump.after.share:.0%} after" for jump in found.jumps
    ]
    yield CiCase(
        name=found.checker, end="failure", mark="invalid", message=found.violation, text="\n".join(jumps)
    )


def of_campaign(summary: CampaignSummary, findings: Sequence[Finding]) -> Iterator[CiCase]:
    """A case for each cell, and one for each finding."""
    for cell in summary.cells:
        yield _of_cell(cell, knows_findings=False)
    if summary.outcome not in ("valid", "invalid"):
        yield from _reasons(summary.reasons, "error", summary.outcome)
    yield from (_of_finding(one, fails=not one.is_expected) for one in findings)


def of_gate(result: GateResult) -> Iterator[CiCase]:
    """A case for each reason for which a gate did not pass, for each cell, and for each finding."""
    yield from _reasons(result.reasons, "failure" if result.outcome == "failed" else "error", result.outcome)
    if result.summary is not None:
        for cell in result.summary.cells:
            yield _of_cell(cell, knows_findings=True)
    for one in result.findings:
        is_new = not one.is_known or one.state == "regressed"
        # Also that of a seeded bug: what only canaries show is no finding of a gate.
        yield _of_finding(one, fails=result.outcome == "failed" and is_new)
    for left in result.left_out:
        yield CiCase(name=left.what, end="skipped", mark="left out", message=left.why)


def _of_cell(cell: CellSummary, *, knows_findings: bool) -> CiCase:
    """The case of one cell; where findings are weighed by themselves, its violations are not its failure."""
    ended = f"{cell.valid} valid, {cell.invalid} invalid, {cell.unknown} unknown"
    counts = f"{cell.runs} of {cell.asked} runs: {ended}"
    end: CaseEnd = _ENDS[cell.validity]
    if cell.canary is not None:
        end = "error" if cell.canary == "not found" else "passed"
    elif (end == "failure" and knows_findings) or (end == "error" and (knows_findings or not cell.runs)):
        end = "skipped"
    message = "" if end == "passed" else cell.why_nothing if end == "error" else counts
    mark = cell.canary or cell.validity.value
    return CiCase(
        name=cell.name, end=end, mark=mark, message=message or counts, output=counts, seconds=cell.seconds
    )


def _of_finding(one: Finding, *, fails: bool) -> CiCase:
    text = f"{one.example.title}\n{one.times} of {one.runs} runs; {one.state}\n{one.example.command}"
    return CiCase(
        name=f"{one.fingerprint} {one.checker}: {one.kind}",
        end="failure" if fails else "skipped",
        mark=one.state,
        message=one.example.title,
        text=text,
    )


def _reasons(reasons: Sequence[str], end: CaseEnd, mark: str) -> Iterator[CiCase]:
    for number, reason in enumerate(reasons, start=1):
        yield CiCase(name=f"reason {number}", end=end, mark=mark, message=reason, text=reason)
