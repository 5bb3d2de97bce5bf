"""`ackproof gate`: one command that says whether a change may be merged."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.campaigns import known_findings
from ackproof.cli.ending import finish
from ackproof.cli.exits import Exit
from ackproof.cli.gates import show_gate
from ackproof.cli.printing import say

if TYPE_CHECKING:
    from harness.campaign.cells import CampaignPlan
    from harness.gate.known_bugs.seeded import SeededBugs
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
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file that lists known findings.  [default: baseline.toml, if it is there]",
)
@options.store_option("Where the gate's folder is made.")
@options.json_option()
def gate(
    file: Path | None,
    seconds: float | None,
    jobs: int | None,
    real: bool,
    baseline: Path | None,
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
        ackproof gate gate.toml --json
    """
    from harness.campaign.campaign import run_campaign
    from harness.campaign.executors import usual_executors
    from harness.campaign.findings.gathering import findings
    from harness.campaign.journal import Journal, stored_campaigns
    from harness.campaign.progress import CampaignProgress
    from harness.gate.known_bugs.seeded import seeded_bugs
    from harness.gate.power import power_of
    from harness.gate.result import gate_result

    known = known_findings(baseline)
    seeded = seeded_bugs()
    cores = jobs or os.cpu_count() or 1
    plan = _plan(file, seeded, seconds, cores, with_real=real)
    power = power_of([cell for cell in plan.cells if not cell.is_canary], seeded.bugs)
    if not as_json:
        say(f"gate: {power.in_words(stated=True)}", error=True)
    journal = Journal.create(store, plan)
    stored = run_campaign(journal, usual_executors(cores), CampaignProgress(quiet=as_json))
    result = gate_result(stored, findings(stored_campaigns(store), known), seeded.bugs)
    finish(EXITS[result.outcome], result, lambda: show_gate(result, store), as_json=as_json)


def _plan(
    file: Path | None, seeded: SeededBugs, seconds: float | None, jobs: int, *, with_real: bool
) -> CampaignPlan:
    """The campaign of the gate, once it is known that all of it can be run.

    Raises:
        click.UsageError: it cannot; with all that is wrong.
    """
    from msgspec.structs import replace

    from harness.campaign.reading import plan_in
    from harness.campaign.refusals import checked
    from harness.gate.planning import USUAL_S, default_plan, with_canaries

    try:
        if file is None:
            plan = default_plan(
                seeded, seeded.bugs, budget_s=seconds or USUAL_S, jobs=jobs, with_real=with_real
            )
        else:
            given = plan_in(file)
            plan = replace(with_canaries(given, seeded), most_s=seconds or given.most_s or USUAL_S)
        return checked(plan)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
