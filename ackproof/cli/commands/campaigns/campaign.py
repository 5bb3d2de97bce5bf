"""`ackproof campaign`: many runs of many tests, kept as they end; and the joining of shards."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, Unpack

import click

from ackproof.cli import options
from ackproof.cli.campaigns import (
    EXITS,
    about_findings,
    go_on_line,
    known_findings,
    readable_campaigns,
    show_campaign,
)
from ackproof.cli.dask import connected, dask_option, say_on_stderr
from ackproof.cli.output.cases import of_campaign
from ackproof.cli.output.ending import finish
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working
from ackproof.cli.output.warnings import warn

if TYPE_CHECKING:
    from harness.campaign.again.shrinking import Task
    from harness.campaign.cells import CampaignPlan
    from harness.campaign.findings.baseline import Known
    from harness.campaign.findings.gathering import Finding
    from harness.campaign.journal import Stored

MOST_SHARDS = 100_000
MOST_REAL_JOBS = 16
_OPTION_OF = {"time_limit_s": "time_limit", "system_options": "system_option"}
"""The names of options that differ from their keys."""


class MatrixOptions(TypedDict):
    """The options that describe a campaign without a file, by the keys of the file."""

    system: tuple[str, ...]
    core: tuple[str, ...]
    workload: tuple[str, ...]
    nemesis: tuple[str, ...]
    nodes: tuple[int | str, ...]
    world: tuple[str, ...]
    mutant: tuple[str, ...]
    lease: tuple[str, ...]
    concurrency: tuple[int | str, ...]
    rate: tuple[int | str, ...]
    time_limit_s: tuple[int | str, ...]
    fault_seconds: str | None
    minimum_acknowledged: int | None
    system_options: dict[str, str]
    nodes_file: str | None
    script: tuple[str, ...]
    canary: str | None
    canary_seeds: int | None
    name: str | None
    seeds: int | None
    first_seed: int | None
    retries: int | None
    stability: int | None
    simulated_seconds: float | None


class _NumberOrDrawn(click.IntRange):
    """A whole number; or `drawn`, for what each seed chooses itself."""

    name = "number|drawn"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click's, but `drawn` stays as it is."""
        return value if value == "drawn" else super().convert(value, param, ctx)


class _RunUnlessNamed(click.Group):
    """`ackproof campaign FILE` and `ackproof campaign --option` mean `ackproof campaign run ...`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, with `run` in front where no command is named."""
        first = args[0] if args else ""
        is_help = first in ctx.help_option_names
        is_file = first.endswith(".toml") or Path(first).is_file()
        if first and not is_help and first not in self.commands and (is_file or first.startswith("-")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


def _shard(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """A click callback for PART/PARTS."""
    if value is None:
        return None
    part, slash, parts = value.partition("/")
    if slash and part.isascii() and part.isdigit() and parts.isascii() and parts.isdigit():
        found = (int(part), int(parts))
        if 1 <= found[0] <= found[1] <= MOST_SHARDS:
            return found
    raise click.BadParameter(f"{value!r} is not PART/PARTS, counted from 1: 3/16", context, option)


def _many(*names: str, **settings: Any) -> options.Option:
    return click.option(*names, multiple=True, **settings)


MATRIX = options.group(
    _many(
        "--system",
        metavar="NAME",
        shell_complete=options.completing(options.system_names),
        help="A system, as for `ackproof run`.  [default: reference-node]",
    ),
    _many(
        "--core",
        metavar="COMMAND",
        help="In the world sim: nodes of this core, in place of a system (docs/lockstep.md). With --resume: "
        "the campaign's cores.",
    ),
    _many(
        "--workload",
        metavar="NAME",
        shell_complete=options.completing(options.workload_names),
        help="A workload.  [default: registry, or of a core the first that fits]",
    ),
    _many(
        "--nemesis",
        metavar="FAULT,...",
        shell_complete=options.completing(options.fault_names, by_commas=True),
        help="A set of faults, as for `ackproof run`; `none`, or `drawn` for what the seed chooses.  "
        "[default: drawn]",
    ),
    _many("--nodes", type=_NumberOrDrawn(1, options.MOST_NODES), help="How many nodes.  [default: drawn]"),
    _many(
        "--world",
        type=click.Choice(["sim", "local", "netns", "ssh"]),
        help="Where nodes run.  [default: sim]",
    ),
    click.option(
        "--nodes-file", metavar="FILE", help="The remote hosts of the world ssh, as for `ackproof run`."
    ),
    _many(
        "--script",
        metavar="NAME",
        help="A script of scripts/found that does the steps of a run, in place of a workload and faults.",
    ),
    _many(
        "--mutant",
        metavar="NAME",
        shell_complete=options.completing(options.mutant_names),
        help="A seeded bug of the reference node, or `none`.",
    ),
    _many(
        "--lease",
        type=click.Choice(["true", "false"]),
        help="Of the reference node: whether a leader answers reads under a lease.  [default: false]",
    ),
    _many(
        "--concurrency",
        type=_NumberOrDrawn(1, options.MOST_CLIENTS),
        help="How many clients.  [default: drawn]",
    ),
    _many(
        "--rate",
        type=_NumberOrDrawn(min=1),
        help="Client operations a second, of all clients together.  [default: drawn]",
    ),
    _many(
        "--time-limit",
        "time_limit_s",
        type=_NumberOrDrawn(min=1),
        help="Seconds of work and faults a run.  [default: drawn]",
    ),
    click.option(
        "--fault-seconds", metavar="SECONDS|LOW-HIGH", help="Of real runs: how long each fault lasts."
    ),
    click.option(
        "--minimum-acknowledged",
        type=click.IntRange(min=1),
        help="Of real runs: with fewer acknowledged writes, a run proves nothing.  [default: 100]",
    ),
    click.option(
        "--system-option",
        "system_options",
        multiple=True,
        metavar="NAME=VALUE",
        callback=options.system_options,
        help="What the system alone understands, as for `ackproof run`; may be given often.",
    ),
    click.option(
        "--canary",
        metavar="MUTANT",
        shell_complete=options.completing(options.mutant_names),
        help="A seeded bug that must be found in its first seeds.",
    ),
    click.option("--canary-seeds", type=click.IntRange(min=1), help="How many these are.  [default: 20]"),
    click.option("--name", metavar="NAME", help="The campaign's name, for its folder.  [default: campaign]"),
    click.option("--seeds", type=click.IntRange(min=1), help="How many seeds of each cell.  [default: 20]"),
    click.option("--first-seed", type=click.IntRange(min=0), help="The first seed.  [default: 0]"),
    click.option(
        "--retries",
        type=click.IntRange(0, 100),
        help="How often a run that the harness itself could not do is tried again.  [default: 2]",
    ),
    click.option(
        "--stability",
        type=click.IntRange(min=0),
        help="How many seeds of each simulated cell run twice, to be compared.  [default: 1]",
    ),
    click.option(
        "--simulated-seconds",
        type=click.FloatRange(min=0),
        help="Begin no simulated run after this many seconds, those of real runs left out.",
    ),
)

BUDGET = options.group(
    click.option(
        "--seconds",
        type=click.FloatRange(min=0, min_open=True),
        help="Begin no run after this many seconds of work; with --resume, of further work.",
    ),
    click.option("--runs", type=click.IntRange(min=1), help="Do at most this many runs."),
    click.option("--stop-at-first", is_flag=True, help="Stop at the first violation that is no canary's."),
    click.option(
        "--shard",
        metavar="PART/PARTS",
        callback=_shard,
        help="Do only one of several parts, such as 3/16; `ackproof campaign merge` joins them.",
    ),
)


@click.group(cls=_RunUnlessNamed)
def campaign() -> None:
    """Run many tests under many seeds, and keep every result.

    `ackproof campaign FILE.toml` is short for `ackproof campaign run FILE.toml`.

    \b
        ackproof campaign nightly.toml
        ackproof campaign --workload registry --workload cas --canary forgetful
        ackproof campaign run --resume store/campaign-2026-11-28T134200-nightly
        ackproof campaign merge shard-1/campaign-* shard-2/campaign-*
        ackproof findings
    """


@campaign.command(name="run")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@MATRIX
@BUDGET
@options.jobs_option()
@click.option(
    "--real-jobs",
    type=click.IntRange(1, MOST_REAL_JOBS),
    default=1,
    show_default=True,
    help="How many runs of real processes are done at the same time. With more than one, their latencies and "
    "times without an answer also show what the others do.",
)
@dask_option()
@click.option(
    "--shrink/--no-shrink",
    default=True,
    help="Make one small example of each simulated finding, in at most a minute.  [default: shrink]",
)
@click.option(
    "--resume",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Go on with a campaign that was interrupted or killed, or whose budget ended (with --seconds).",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file that lists known findings.  [default: baseline.toml, if it is there]",
)
@options.store_option("Where the campaign's folder is made.")
@options.ci_options()
@options.json_option()
def run(
    file: Path | None,
    seconds: float | None,
    runs: int | None,
    stop_at_first: bool,
    shard: tuple[int, int] | None,
    jobs: int | None,
    real_jobs: int,
    dask: str | None,
    shrink: bool,
    resume: Path | None,
    baseline: Path | None,
    store: Path,
    as_json: bool,
    **matrix: Unpack[MatrixOptions],
) -> NoReturn:
    """Run every combination of the values given, or of a file, under many seeds.

    Options of the matrix may be given several times. Each result is kept as it comes: after Ctrl-C or a kill,
    --resume goes on. A run that the harness itself could not do is tried again, a violation never. Simulated
    runs use all cores; real ones come after them, one at a time unless --real-jobs says more. See
    docs/campaigns.md.

    Exits with 0, 1 or 2 as a run does, by the worst cell; with 255 if the canary was not found, if a seed
    gave two results, or if runs could not be done.

    \b
        ackproof campaign run nightly.toml
        ackproof campaign run --workload register --nodes 3 --seeds 50
        ackproof campaign run --resume store/campaign-2026-11-28T134200-nightly
        ackproof findings                    what it found, with lines to paste
    """
    from harness.campaign.budget.shortages import shortages
    from harness.campaign.campaign import BUDGET, run_campaign
    from harness.campaign.executors import dask_executors, usual_executors
    from harness.campaign.findings.known_first import with_known
    from harness.campaign.journal import Journal
    from harness.campaign.progress import CampaignProgress

    known = known_findings(baseline)
    if resume is not None:
        others = [name for name in _given(matrix) if name != "core"]
        if file is not None or others or shard:
            raise click.UsageError(
                "--resume goes on with the campaign's own plan; give no file, and of the matrix only --core"
            )
        if runs is not None or stop_at_first:
            raise click.UsageError(
                "--resume goes on with the campaign's own plan; of its budget, only --seconds may be given, "
                "for further work"
            )
        cluster = connected(dask, jobs)
        journal = Journal.resume(resume, [options.core_of_text(text) for text in matrix["core"]])
        if seconds is not None:
            journal.bound(seconds)
        elif journal.ended_with == BUDGET and not journal.has_time:
            journal.close()
            raise click.UsageError(
                f"the budget of {resume} is used up; give --seconds, how many seconds it may go on"
            )
        _refuse_at_once(journal.stored.plan, real_jobs)
        store = journal.folder.parent
    else:
        plan = _plan(file, matrix, seconds, runs, stop_at_first, shard)
        if dask is not None and all(cell.world != "sim" for cell in plan.cells):
            raise click.UsageError("--dask does simulated runs, and this campaign has none; leave it out")
        _refuse_at_once(plan, real_jobs)
        cluster = connected(dask, jobs)
        if shard is None:  # shards of one campaign do the same plan, whatever else their stores hold
            plan = with_known(plan, readable_campaigns(store))
        warn(shortages(plan, real_jobs))
        journal = Journal.create(store, plan)
    progress = CampaignProgress(quiet=as_json)
    cores = jobs or os.cpu_count() or 1
    executors = (
        dask_executors(cluster, say_on_stderr, real_jobs) if cluster else usual_executors(cores, real_jobs)
    )
    stored = run_campaign(journal, executors, progress, real_jobs)
    _finish(stored, store, known, shrink=shrink, as_json=as_json)


@campaign.command(name="merge")
@click.argument(
    "folders",
    metavar="FOLDER...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file that lists known findings.  [default: baseline.toml, if it is there]",
)
@options.store_option("Where the folder of all results together is made.")
@options.ci_options()
@options.json_option()
def merge(folders: tuple[Path, ...], baseline: Path | None, store: Path, as_json: bool) -> NoReturn:
    """Join the results of shards into one campaign, each result once.

    The folders must hold shards of one campaign, done by the same code with the same Python.

    \b
        ackproof campaign run nightly.toml --shard 1/2 --store shard-1
        ackproof campaign run nightly.toml --shard 2/2 --store shard-2
        ackproof campaign merge shard-1/campaign-* shard-2/campaign-*
    """
    from harness.campaign.merging import merged

    known = known_findings(baseline)
    with Working("joining shards", quiet=as_json) as working:
        joined = merged(folders, store, working.tell)
    _finish(joined, store, known, shrink=False, as_json=as_json)


def _given(matrix: MatrixOptions) -> dict[str, Any]:
    """The options of the matrix that were given."""
    return {name: value for name, value in matrix.items() if value not in (None, (), {})}


def _plan(
    file: Path | None,
    matrix: MatrixOptions,
    seconds: float | None,
    runs: int | None,
    stop_at_first: bool,
    shard: tuple[int, int] | None,
) -> CampaignPlan:
    """The plan of a file or of options, once it is known that all of it can be run.

    Raises:
        click.UsageError: it cannot; with all that is wrong.
    """
    from msgspec.structs import replace

    from harness.campaign.cells import USUAL_CANARY_SEEDS
    from harness.campaign.reading import CampaignKeys, CanaryKeys, CellKeys, plan_in, plan_of_keys
    from harness.campaign.refusals import checked

    given = _given(matrix)
    if file is not None and given:
        names = ", ".join(f"--{_OPTION_OF.get(name, name).replace('_', '-')}" for name in given)
        raise click.UsageError(f"{file} describes the campaign; leave {names} out, or the file")
    try:
        if file is not None:
            plan = plan_in(file)
        else:
            canary_seeds = given.pop("canary_seeds", USUAL_CANARY_SEEDS)
            whole = {name: given.pop(name) for name in CampaignKeys.__struct_fields__ if name in given}
            if "canary" in whole:
                whole["canary"] = CanaryKeys(mutant=whole["canary"], seeds=canary_seeds)
            elif matrix["canary_seeds"] is not None:
                raise click.UsageError("--canary-seeds belongs to a canary: give --canary, or leave it out")
            if "lease" in given:
                given["lease"] = tuple(value == "true" for value in given["lease"])
            plan = plan_of_keys(CampaignKeys(cells=(CellKeys(**given),), **whole))
        bounded = replace(
            plan,
            most_s=plan.most_s if seconds is None else seconds,
            most_runs=plan.most_runs if runs is None else runs,
            stop_at_first=plan.stop_at_first or stop_at_first,
            shard=shard,
        )
        return checked(bounded)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _refuse_at_once(plan: CampaignPlan, real_jobs: int) -> None:
    """Refuse several runs at the same time on remote hosts, which have one run at a time."""
    if real_jobs > 1 and any(cell.world == "ssh" for cell in plan.cells):
        raise click.UsageError("--real-jobs is for this machine; remote hosts have one run at a time")


def _finish(
    stored: Stored, store: Path, known: Mapping[str, Known], *, shrink: bool, as_json: bool
) -> NoReturn:
    """Print what a campaign found, and exit by it."""
    from ackproof.campaigning import CampaignResult
    from harness.campaign.campaign import INTERRUPTED
    from harness.campaign.findings.gathering import findings
    from harness.campaign.summary import summary_of

    summary = summary_of(stored)

    def found_here() -> list[Finding]:
        found = findings(readable_campaigns(store), known)
        return [one for one in found if one.last_campaign == stored.folder.name]

    found = found_here()
    if shrink and summary.ended != INTERRUPTED and _shrink(stored, store, found, quiet=as_json):
        found = found_here()
    result = CampaignResult(summary, tuple(found))
    finish(
        EXITS[summary.outcome],
        result,
        lambda: show_campaign(summary, found, store),
        as_json=as_json,
        about=lambda: about_findings(found, store, summary.folder, go_on_line(summary)),
        cases=lambda: of_campaign(summary, found),
    )


def _shrink(stored: Stored, store: Path, found: Sequence[Finding], *, quiet: bool) -> bool:
    """Make small examples of a campaign's findings; whether there are new ones."""
    from harness.campaign.again.shrinking import ALL_S, shrunk_all, tasks

    todo = tasks(readable_campaigns(store), found, stored)
    with Working("making small examples", quiet=quiet, most_s=ALL_S) as working:

        def begin(task: Task) -> None:
            if not quiet:
                text = f"making a small example of finding {task.fingerprint} ..."
                working.above(lambda: say(text, error=True))

        return bool(shrunk_all(todo, begin))
