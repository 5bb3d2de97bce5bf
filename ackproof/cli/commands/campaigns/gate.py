"""`ackproof gate`: one command that says whether a change may be merged."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.campaigns import about_findings, known_findings, readable_campaigns
from ackproof.cli.gates import show_gate
from ackproof.cli.output.cases import of_gate
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.warnings import warn
from ackproof.clock import CLOCK, Clock

if TYPE_CHECKING:
    from harness.campaign.executors import Executor
    from harness.campaign.findings.baseline import Known
    from harness.gate.comparing import Measure
    from harness.gate.planning import GatePlan
    from harness.gate.result import GateOutcome

ENDING_TIMES = 2.0
"""How many times as long as its rehearsal the end of a gate may take: the gate's own runs add to it."""
EXITS: Mapping[GateOutcome, Exit] = {
    "passed": Exit.VALID,
    "failed": Exit.INVALID,
    "unknown": Exit.UNKNOWN,
    "broken": Exit.COULD_NOT_RUN,
}


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="End within this many seconds, start and result included.  [default: the file's, or 600]",
)
@options.jobs_option()
@click.option("--real/--no-real", default=True, help="End with one run on real processes.  [default: real]")
@click.option(
    "--changed",
    metavar="REV",
    help="Run only what the files that differ from this revision of git can reach.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file that lists known findings.  [default: baseline.toml, if it is there]",
)
@click.option(
    "--result",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    callback=options.to_be_written,
    help="Write the result as JSON here, too.",
)
@click.option(
    "--compare-with",
    metavar="FOLDER",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of an earlier gate or campaign, for the margins below.",
)
@click.option(
    "--latency-margin",
    type=click.FloatRange(min=0),
    help="Fail if the latency that 99 of 100 operations keep to is longer by more than this share: 0.2.",
)
@click.option(
    "--availability-margin",
    type=click.FloatRange(min=0),
    help="Fail if the longest time without an ok reply is longer by more than this share.",
)
@options.store_option("Where the gate's folder is made.")
@options.ci_options()
@options.json_option()
def gate(
    file: Path | None,
    seconds: float | None,
    jobs: int | None,
    real: bool,
    changed: str | None,
    baseline: Path | None,
    result: Path | None,
    compare_with: Path | None,
    latency_margin: float | None,
    availability_margin: float | None,
    store: Path,
    as_json: bool,
) -> NoReturn:
    """Say whether a change may be merged: no new finding, and enough was tried.

    Without FILE, the reference node is tested in the simulated world, in all cells in which a known bug
    shows, and then once on real processes. FILE describes another matrix, as for `ackproof campaign`. The
    gate says beforehand how likely it catches each known bug in its budget, and afterwards whether it did
    enough runs for that. No run begins that is not expected to end in time. See docs/ci.md.

    Exits with 0 if it passed, with 1 if there is a finding that the baseline does not list, with 2 if
    too little was shown, and with 255 if the harness itself is broken.

    \b
        ackproof gate
        ackproof gate --seconds 120 --baseline known.toml
        ackproof gate --changed origin/main
        ackproof gate gate.toml --json
    """
    from harness.campaign.budget.shortages import shortages
    from harness.campaign.campaign import run_campaign
    from harness.campaign.executors import RealRuns, simulating
    from harness.campaign.findings.gathering import findings
    from harness.campaign.journal import Journal, read
    from harness.campaign.progress import CampaignProgress
    from harness.gate.comparing import compared
    from harness.gate.planning import with_time_left
    from harness.gate.result import gate_result, nothing_to_run

    known = known_findings(baseline)
    margins = _margins(latency_margin, availability_margin)
    if bool(margins) is not (compare_with is not None):
        raise click.UsageError("--compare-with and a margin belong together: give both, or none")
    earlier = None if compare_with is None else read(compare_with)
    cores = jobs or os.cpu_count() or 1
    simulated = simulating(cores)
    plan, budget_s = _plan(file, seconds, simulated, cores, changed, with_real=real)
    if plan.campaign is None:
        nothing = nothing_to_run(plan.left_out)
        finish(
            EXITS[nothing.outcome],
            nothing,
            lambda: show_gate(nothing, store),
            as_json=as_json,
            file=result,
            judges=False,
            cases=lambda: of_gate(nothing),
        )
    ending_s, stated = _rehearsed(plan, store, known)
    if not as_json:
        say(f"gate: {stated}", error=True)
        if plan.remedy:
            say(f"gate: that proves nothing; {plan.remedy}", error=True)
    warn(shortages(plan.campaign))
    in_time = with_time_left(plan.campaign, budget_s - _elapsed_s() - ending_s)
    journal = Journal.create(store, in_time)
    stored = run_campaign(
        journal,
        lambda folder: (simulated, RealRuns(folder / "runs")),
        CampaignProgress(quiet=as_json),
    )
    found = findings(readable_campaigns(store), known)
    comparisons = () if earlier is None else compared(earlier, stored, margins)
    weighed = gate_result(
        stored, found, plan.known, plan.all_bugs, plan.left_out, comparisons, known, plan.remedy
    )
    finish(
        EXITS[weighed.outcome],
        weighed,
        lambda: show_gate(weighed, store),
        as_json=as_json,
        file=result,
        about=lambda: about_findings(weighed.findings, store, str(stored.folder)),
        cases=lambda: of_gate(weighed),
    )


def _margins(latency: float | None, availability: float | None) -> Mapping[Measure, float]:
    """The margins that were given."""
    given: dict[Measure, float | None] = {"latency": latency, "availability": availability}
    return {measure: margin for measure, margin in given.items() if margin is not None}


def _elapsed_s() -> float:
    """Seconds since the command began."""
    clock: Clock = click.get_current_context().find_root().meta[CLOCK]
    return clock.elapsed_s()


def _rehearsed(plan: GatePlan, store: Path, known: Mapping[str, Known]) -> tuple[float, str]:
    """How long the result will take after the last run, in seconds; and the power that the plan states.

    The store's campaigns are read, and a power is put into words, as at the end.
    """
    from harness.campaign.findings.gathering import findings
    from harness.campaign.journal import stored_campaigns

    begin = time.monotonic()
    findings(stored_campaigns(store, leave_out=lambda _: None), known)
    stated = plan.power.in_words(stated=True)
    return ENDING_TIMES * (time.monotonic() - begin), stated


def _plan(
    file: Path | None,
    seconds: float | None,
    simulated: Executor,
    jobs: int,
    changed: str | None,
    *,
    with_real: bool,
) -> tuple[GatePlan, float]:
    """What the gate is to do, once it is known that all of it can be done; and its budget in seconds.

    Raises:
        click.UsageError: it cannot; with all that is wrong.
    """
    from msgspec.structs import replace

    from harness.campaign.reading import plan_in
    from harness.campaign.refusals import checked
    from harness.gate.changes.touched import change_since
    from harness.gate.known_bugs.seeded import seeded_bugs
    from harness.gate.pace import paced_plan
    from harness.gate.planning import USUAL_S, plan_of_matrix

    known = seeded_bugs()
    try:
        change = None if changed is None else change_since(changed, Path.cwd())
        if file is None:
            budget_s = seconds or USUAL_S
            plan = paced_plan(
                known,
                simulated,
                budget_s=max(0.0, budget_s - _elapsed_s()),
                jobs=jobs,
                with_real=with_real,
                change=change,
            )
        else:
            wanted = checked(plan_in(file))
            budget_s = seconds or wanted.most_s or USUAL_S
            plan = plan_of_matrix(wanted, known, budget_s, change)
        whole = plan if plan.campaign is None else replace(plan, campaign=checked(plan.campaign))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return whole, budget_s
