"""`ackproof gate`: one command that says whether a change may be merged."""

from __future__ import annotations

import os
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

if TYPE_CHECKING:
    from harness.gate.comparing import Measure
    from harness.gate.planning import GatePlan
    from harness.gate.result import GateOutcome

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
    help="Begin no run after this many seconds.  [default: the file's, or 600]",
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
    enough runs for that. See docs/ci.md.

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
    from harness.campaign.executors import usual_executors
    from harness.campaign.findings.gathering import findings
    from harness.campaign.journal import Journal, read
    from harness.campaign.progress import CampaignProgress
    from harness.gate.comparing import compared
    from harness.gate.result import gate_result, nothing_to_run

    known = known_findings(baseline)
    margins = _margins(latency_margin, availability_margin)
    if bool(margins) is not (compare_with is not None):
        raise click.UsageError("--compare-with and a margin belong together: give both, or none")
    earlier = None if compare_with is None else read(compare_with)
    cores = jobs or os.cpu_count() or 1
    plan = _plan(file, seconds, cores, changed, with_real=real)
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
    if not as_json:
        say(f"gate: {plan.power.in_words(stated=True)}", error=True)
        if plan.remedy:
            say(f"gate: that proves nothing; {plan.remedy}", error=True)
    warn(shortages(plan.campaign))
    journal = Journal.create(store, plan.campaign)
    stored = run_campaign(journal, usual_executors(cores), CampaignProgress(quiet=as_json))
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


def _plan(
    file: Path | None, seconds: float | None, jobs: int, changed: str | None, *, with_real: bool
) -> GatePlan:
    """What the gate is to do, once it is known that all of it can be done.

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
            plan = paced_plan(
                known, budget_s=seconds or USUAL_S, jobs=jobs, with_real=with_real, change=change
            )
        else:
            plan = plan_of_matrix(checked(plan_in(file)), known, seconds, change)
        return plan if plan.campaign is None else replace(plan, campaign=checked(plan.campaign))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
