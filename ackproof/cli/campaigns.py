"""How campaigns and findings are shown to people; for `ackproof campaign` and `ackproof findings`."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from harness.errors import CouldNotRun

if TYPE_CHECKING:
    from ackproof.cli.output.progress import Working
    from ackproof.results import About
    from harness.campaign.again.replaying import ReplayAnswer, Replayed
    from harness.campaign.bisect.bisecting import Bisected, BisectOutcome, TriedCommit
    from harness.campaign.findings.baseline import Known
    from harness.campaign.findings.gathering import Finding
    from harness.campaign.journal import Stored
    from harness.campaign.summary import CampaignOutcome, CampaignSummary, CellSummary

STORE = Path("store")
"""The store if no other is named (options.store_option)."""
BASELINE = Path("baseline.toml")
"""The baseline that is read if it is there and no other is named."""
LEFT_OUT = "ackproof.left_out"
"""Where a command keeps which campaigns it named as left out."""
EXITS: Mapping[CampaignOutcome, Exit] = {
    "valid": Exit.VALID,
    "invalid": Exit.INVALID,
    "unknown": Exit.UNKNOWN,
    "could not run": Exit.COULD_NOT_RUN,
    "broken": Exit.COULD_NOT_RUN,
}

OF_BISECTIONS: Mapping[BisectOutcome, Exit] = {
    "found": Exit.VALID,
    "range": Exit.UNKNOWN,
    "cannot tell": Exit.UNKNOWN,
}
OF_REPLAYS: Mapping[ReplayAnswer, Exit] = {
    "FIXED": Exit.VALID,
    "STILL FAILS": Exit.INVALID,
    "CANNOT TELL": Exit.UNKNOWN,
}


def known_findings(path: Path | None) -> Mapping[str, Known]:
    """The baseline of this path, or the one in the current folder; empty if there is none.

    Raises:
        click.UsageError: it cannot be read.
    """
    from harness.campaign.findings.baseline import read_baseline

    if path is None and not BASELINE.exists():
        return {}
    try:
        return read_baseline(path or BASELINE)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def readable_campaigns(store: Path, working: Working | None = None) -> list[Stored]:
    """The campaigns of a store; a line on standard error names each that cannot be read, once a command.

    Raises:
        CouldNotRun: there are campaigns, and none of them can be read.
    """
    from harness.campaign.journal import stored_campaigns

    problems: list[CouldNotRun] = []
    found = stored_campaigns(store, working.tell if working else lambda _: None, problems.append)
    if problems and not found:
        raise problems[0]
    said: set[str] = click.get_current_context().find_root().meta.setdefault(LEFT_OUT, set())
    lines = [line for problem in problems if (line := f"left out: {problem}") not in said]
    said |= {*lines}

    def show() -> None:
        for line in lines:
            say(line, error=True)

    working.above(show) if working else show()
    return found


def show_campaign(summary: CampaignSummary, found: Sequence[Finding], store: Path) -> None:
    """Print a campaign's outcome: why, by cell, and its findings."""
    ended = summary.ended or "it was ended by a kill, or goes on"
    say(f"{summary.outcome}: {summary.runs} of {summary.asked} runs in {summary.elapsed_s:.0f} s; {ended}")
    for reason in summary.reasons:
        say(f"  {reason}")
    say("")
    say("  runs  valid  invalid  unknown  could not  proved nothing  cell")
    for cell in summary.cells:
        say(_row(cell))
    _show_trust(summary)
    for one in summary.failed[:5]:
        say(f"could not run seed {one.seed} of {one.cell}: {one.why}")
    if found:
        say("")
        show_findings(found, store)
    say(f"every run: {summary.folder}/campaign.jsonl")
    if (following := go_on_line(summary)) is not None:
        say(f"go on:     {following}")


def go_on_line(summary: CampaignSummary) -> str | None:
    """The line that goes on with a campaign whose runs are not all done; None if there is nothing to do."""
    from harness.campaign.summary import MERGED

    cores = dict.fromkeys(cell.cell.core_option for cell in summary.cells)
    line = ["ackproof", "campaign", "run", "--resume", summary.folder, *itertools.chain(*cores)]
    if summary.more_needed_s is not None:
        return shlex.join([*line, "--seconds", str(summary.more_needed_s)])
    is_unfinished = summary.ended in ("", "interrupted", MERGED) and summary.runs < summary.asked
    return shlex.join(line) if is_unfinished else None


def _row(cell: CellSummary) -> str:
    numbers = (
        f"{cell.runs:6} {cell.valid:6} {cell.invalid:8} {cell.unknown:8} {cell.could_not_run:10} "
        f"{cell.proved_nothing:14.0%}"
    )
    found = f": {cell.canary}" if cell.canary else ""
    seed = f" at seed {cell.found_at}" if cell.found_at is not None else ""
    return f"{numbers}  {cell.name}{found}{seed}"


def _show_trust(summary: CampaignSummary) -> None:
    """Print what shows that the harness itself works."""
    if summary.figures.behaviours:
        say(f"new:       {summary.figures.in_words}")
    if summary.figures.compared:
        compared, differing = summary.figures.compared, summary.figures.differing
        say(f"stability: {compared} seeds ran twice, {differing} of them gave two results")
    elif any(cell.cell.world == "sim" and cell.canary is None for cell in summary.cells):
        say("stability: no seed ran twice, so nothing here shows that a seed gives one result")
    if not any(cell.canary for cell in summary.cells):
        say("no canary: nothing here shows that this campaign would have found a bug; add one with --canary")


def show_findings(found: Sequence[Finding], store: Path) -> None:
    """Print findings, what to look at first on top; each ends with the line that looks for it again.

    What is seen only together with another finding is one line below that one.
    """
    for one in found:
        known = f"; known: {one.why or 'in the baseline'}" if one.is_known else ""
        what = f"{one.state.upper()} {one.fingerprint} {one.checker}: {one.kind}"
        if one.only_with is not None:
            say(f"    only with {one.only_with}: {what}; {one.times} of {one.runs} runs{known}")
            continue
        say(what)
        say(f"  {one.example.title}")
        seen = f"first seen {one.first_seen}, last {one.last_seen}; campaigns: {one.campaigns}"
        say(f"  {one.subject.in_words}; {one.times} of {one.runs} runs; {seen}{known}")
        if one.brought_in is not None:
            commit = one.brought_in
            say(f"  brought in by {commit.id[:12]} of {commit.date}: {commit.subject}")
        if one.example.folder:
            say(f"  {_evidence_in(one.example.folder, one.checker)}")
        if one.shrunk is not None:
            again, cause = (
                shlex.join(["ackproof", command, one.shrunk.file, *_core_option(one)])
                for command in ("replay", "cause")
            )
            say(f"  shrunk to {one.shrunk.lines} lines: {again}")
            say(f"  what brought it about: {one.shrunk.cause or cause}")
        say(f"  {_again(one.checker)}: {one.example.command}")
        say(f"  {replay_line(one, store)}")


def replay_line(finding: Finding, store: Path) -> str:
    """The line that says whether a finding is still there."""
    where = [] if store == STORE else ["--store", str(store)]
    return shlex.join(["ackproof", "replay", finding.fingerprint, *where, *_core_option(finding)])


def _core_option(finding: Finding) -> list[str]:
    """The option with which commands run the core that shows a finding; none for another system."""
    return ["--core", finding.example.core] if finding.example.core else []


def _is_script(checker: str) -> bool:
    """Whether a script showed a finding, which makes no report."""
    from harness.campaign.scripts.catalogue import CHECKER

    return checker == CHECKER


def _evidence_in(folder: str, checker: str) -> str:
    """Where the evidence of a real run is."""
    from harness.campaign.scripts.catalogue import OUTPUT

    return f"what it printed: {folder}/{OUTPUT}" if _is_script(checker) else f"report: {folder}/report.html"


def _again(checker: str) -> str:
    return "the example again" if _is_script(checker) else "the example again, with a report"


def about_findings(
    found: Sequence[Finding], store: Path, folder: str | None = None, following: str | None = None
) -> About:
    """What --json says of findings; its lines to paste ask whether each of them is still there, and the last
    one, if it is given, goes on with the work."""
    from ackproof.results import About

    firsts = [one for one in found if one.only_with is None and one.state != "resolved"]
    lines = [replay_line(one, store) for one in firsts]
    return About(folder=folder, next=(*lines, *(() if following is None else (following,))))


def about_replayed(found: Replayed) -> About:
    """What --json says of a finding that was looked for again."""
    from ackproof.results import About

    again = () if found.answer == "FIXED" else (shlex.join(["ackproof", *found.arguments]),)
    report = f"{found.folder}/report.html" if found.folder and not _is_script(found.checker) else None
    return About(seed=found.seed, folder=found.folder or None, report=report, next=again)


def show_replayed(found: Replayed) -> None:
    """Print whether a finding is still there: why, what was compared, and the line that runs it again."""
    say(f"{found.answer} {found.fingerprint} {found.checker}: {found.kind}")
    if found.title:
        say(f"  {found.title}")
    say(f"  {found.why}")
    say(f"  compared: {found.compared}")
    if found.answer == "FIXED":
        say(f"  {found.missed} such runs show with {found.confidence:.0%} that it no longer comes as often")
    if found.folder:
        say(f"  {_evidence_in(found.folder, found.checker)}")
    say(f"  {shlex.join(['ackproof', *found.arguments])}")


def show_tried(one: TriedCommit) -> None:
    """Print one commit that a bisection tried, on standard error."""
    say(f"{one.judgement:>7}  {one.commit.short}  {one.commit.subject}: {one.why}", error=True)


def show_bisected(found: Bisected) -> None:
    """Print which commit brought in a finding, or which are left, and how sure that is."""
    say(f"{found.outcome.upper()} {found.fingerprint} {found.checker}: {found.kind}")
    say(f"  {found.why}")
    for commit in found.left:
        say(f"  {commit.id}  {commit.date}  {commit.subject}")
    runs = "a run showed it with each commit that is called bad"
    say(f"  {len(found.tried)} commits tried of {found.commits + 1}; {runs}")
    if found.left:
        say(f"  wrong with at most {found.error:.0%}, from the commits that are called good")
