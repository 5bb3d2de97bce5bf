"""`ackproof sim`: runs the test in virtual time, from one seed or from many."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypedDict, Unpack

import click

from ackproof.cli import options
from ackproof.cli.dask import connected, dask_option, say_on_stderr
from ackproof.cli.output.cases import of_seeds
from ackproof.cli.output.ending import finish, judge_and_finish
from ackproof.cli.output.progress import Steps, Working

if TYPE_CHECKING:
    from ackproof.results import About
    from harness.sim.lockstep.protocol import ForeignCore
    from harness.sim.plan.plan import SeedOptions
    from harness.sim.seeds.campaign import SeedExecutor

USUAL_SEEDS = 100
LEAST_NODES = 3
"""The smallest cluster that a seed draws (harness/sim/plan/swarm.py)."""


class PlanOptions(TypedDict):
    """The options that fix a part of each seed's plan, by the names of these parts."""

    nodes: int | None
    concurrency: int | None
    rate: int | None
    time_limit_s: int | None
    nemesis: tuple[str, ...] | None
    workload: str
    lease: bool
    mutant: str | None
    core: ForeignCore | None


def _faults(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """A click callback for faults that the simulated world can have; `all` for each that a correct system
    survives. The nodes that targets may name are those of the smallest cluster that a seed draws."""
    from harness.nemesis import ALL, all_survivable, nemesis_of
    from harness.sim.mechanisms.catalogue import SIM

    faults = options.fault_list(context, option, value)
    if not faults:
        return faults
    nodes, core = context.params.get("nodes") or LEAST_NODES, context.params.get("core")
    if core is not None:
        from harness.sim.plan.for_core import impossible_for_core

        for impossible in impossible_for_core([fault for fault in faults if fault != ALL], core):
            raise click.BadParameter(impossible)
    if ALL in faults:
        named = tuple(fault for fault in faults if fault != ALL)
        faults = tuple(dict.fromkeys((*all_survivable(SIM, nodes), *named)))
    try:
        nemesis_of(faults, SIM, tuple(f"n{number}" for number in range(1, nodes + 1)))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return faults


def _workload(context: click.Context, option: click.Parameter, value: str) -> str:
    """A click callback for a workload whose data type the simulated nodes have."""
    core = context.params.get("core")
    if core is not None:
        return _workload_of_core(context, option, value, core)
    from harness.systems import client_for
    from harness.systems.reference_node import ReferenceNode
    from harness.workload import workload

    try:
        client_for(ReferenceNode(), workload(value, ("n1",), 1))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


def _workload_of_core(context: click.Context, option: click.Parameter, value: str, core: ForeignCore) -> str:
    from click.core import ParameterSource

    from harness.systems.catalogue import why_unfit, workloads_of
    from harness.workload import workload

    fitting = workloads_of(core.data_types)
    if not fitting:
        has = ", ".join(core.data_types) or "none"
        raise click.UsageError(f"no workload fits the core's data types, which are {has} (docs/workloads.md)")
    if context.get_parameter_source("workload") is not ParameterSource.COMMANDLINE:
        return fitting[0]
    try:
        workload(value, ("n1",), 1)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error
    unfit = why_unfit(value, core.data_types)
    if unfit is not None:
        raise click.BadParameter(unfit, context, option)
    return value


PLAN = options.group(
    options.core_option("Run nodes of this core instead of the reference node"),
    click.option(
        "--nodes",
        type=click.IntRange(1, options.MOST_NODES),
        is_eager=True,
        help="How many nodes.  [default: chosen by the seed]",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(1, options.MOST_CLIENTS),
        help="How many clients.  [default: chosen by the seed]",
    ),
    click.option(
        "--rate",
        type=click.IntRange(min=1),
        help="Client operations per simulated second, of all clients together.  "
        "[default: chosen by the seed]",
    ),
    click.option(
        "--time-limit",
        "time_limit_s",
        type=click.IntRange(min=1),
        help="Simulated seconds of work and faults.  [default: chosen by the seed]",
    ),
    click.option(
        "--nemesis",
        metavar="FAULT,...",
        callback=_faults,
        shell_complete=options.completing(options.fault_names, by_commas=True),
        help="Faults as for `ackproof run`, or none.  [default: chosen by the seed]",
    ),
    options.workload_option(_workload),
    options.lease_option(),
    options.mutant_option("Run nodes with this seeded bug"),
)


@click.command()
@click.option("--seed", type=click.IntRange(min=0), help="Run this seed, into a folder with a report.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help=f"Run this many seeds, on all cores.  [default: {USUAL_SEEDS}]",
)
@click.option(
    "--start", default=0, show_default=True, type=click.IntRange(min=0), help="With --seeds: the first seed."
)
@PLAN
@options.store_option("Where the folder of --seed, or the results of --seeds, are put.")
@click.option(
    "--results",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=options.to_be_written,
    help="With --seeds: keep each seed's result in this file, and skip the seeds that it holds already.  "
    "[default: a file in the store]",
)
@options.jobs_option()
@dask_option()
@click.option(
    "--shrink",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=options.to_be_written,
    help="With --seed, if it fails: write the smallest schedule that still fails, and a picture next to it.",
)
@click.option("--stop-at-first", is_flag=True, help="With --seeds: stop at the first violation.")
@options.ci_options()
@options.json_option()
def sim(
    seed: int | None,
    seeds: int | None,
    start: int,
    store: Path,
    results: Path | None,
    shrink: Path | None,
    jobs: int | None,
    dask: str | None,
    stop_at_first: bool,
    as_json: bool,
    **plan: Unpack[PlanOptions],
) -> NoReturn:
    """Run the test in virtual time, from one seed or from many.

    The whole cluster runs in one process, with simulated network, disks and clocks. Whatever the options
    leave open, the seed decides: the size of the cluster, the faults, how bad they are. The same seed gives
    the same run, byte for byte, on any machine.

    \b
        ackproof sim --seed 7                 one run, with a report
        ackproof sim --seeds 1000             many runs, on all cores
        ackproof sim --seeds 200 --mutant forgetful --stop-at-first
        ackproof sim --seed 5 --mutant acknowledge-early --shrink small.json
        ackproof replay small.json            the same failure, with a report
        ackproof sim --core './my-core'       nodes of your own, in any language
    """
    if seed is not None and seeds is not None:
        raise click.UsageError("--seed is one run and --seeds are many; give one of them")
    if shrink is not None and seed is None:
        raise click.UsageError("--shrink needs the --seed that fails")
    if dask is not None and seed is not None:
        raise click.UsageError("--dask is for many seeds; give --seeds, or leave it out")
    if plan["core"] is not None and (plan["mutant"] or plan["lease"]):
        raise click.UsageError("--mutant and --lease are for the reference node, and --core names another")
    from harness.sim import command  # here, since these load the simulator
    from harness.sim.plan.plan import SeedOptions
    from reports.ci.suite import cases_of_verdicts

    seed_options = SeedOptions(**plan)
    if seed is None:
        chosen = range(start, start + (seeds or USUAL_SEEDS))
        what = "core" if seed_options.core is not None else seed_options.mutant or "correct"
        file = results or store / f"sim-{seed_options.workload}-{what}.jsonl"
        _campaign(chosen, seed_options, file, _executor(jobs, dask), stop_at_first, as_json)
    if shrink is None:
        watched = command.Watched(seed, seed_options)
        with Working(f"simulating seed {seed}", quiet=as_json, share=watched.share, is_about=True):
            folder = watched.run(store, sys.argv)
        judge_and_finish(folder, as_json=as_json)
    with Steps("shrinking by runs", quiet=as_json, in_logs=False, at_most=True) as steps:
        shrunk = command.shrunk(seed, seed_options, shrink, quiet=as_json, show=steps.show)
    again = (command.replay_command(shrink, seed_options),)
    finish(
        "invalid",
        shrunk,
        lambda: None,
        as_json=as_json,
        about=lambda: about_simulated(seed, again, seed_options.core),
        cases=lambda: cases_of_verdicts([shrunk.verdict]),
    )


def _executor(jobs: int | None, dask: str | None) -> SeedExecutor:
    """What runs seeds: this process, several, or a Dask cluster."""
    from harness.executors.on_dask import OnDask
    from harness.sim.seeds.campaign import judged_seed, seed_executor

    cluster = connected(dask, jobs)
    return (
        seed_executor(jobs or os.cpu_count() or 1)
        if cluster is None
        else OnDask(judged_seed, cluster, say_on_stderr)
    )


def _campaign(
    seeds: range,
    seed_options: SeedOptions,
    file: Path,
    executor: SeedExecutor,
    stop_at_first: bool,
    as_json: bool,
) -> NoReturn:
    """Run many seeds; the exit code is that of the worst."""
    from harness.sim import command

    found = command.many(seeds, seed_options, file, executor, quiet=as_json, stop_at_first=stop_at_first)
    again = shlex.join(["ackproof", "sim", *arguments_of(seed_options)])
    firsts = tuple(f"{again} --seed {judged.seed}" for judged in found.violations[:1])
    finish(
        found.validity,
        found,
        lambda: command.show(found, file, again),
        as_json=as_json,
        about=lambda: about_simulated(next_=firsts, core=seed_options.core),
        cases=lambda: of_seeds(found, again),
    )


def arguments_of(options_: SeedOptions) -> list[str]:
    """The options of `ackproof sim` that fix the same for a seed."""
    words = ["--workload", options_.workload]
    given = {
        "--nodes": options_.nodes,
        "--concurrency": options_.concurrency,
        "--rate": options_.rate,
        "--time-limit": options_.time_limit_s,
        "--nemesis": None if options_.nemesis is None else ",".join(options_.nemesis) or "none",
        "--mutant": options_.mutant,
        "--core": None if options_.core is None else shlex.join(options_.core.command),
    }
    for name, value in given.items():
        words += [] if value is None else [name, str(value)]
    return [*words, *(["--lease"] if options_.lease else [])]


def about_simulated(
    seed: int | None = None, next_: tuple[str, ...] = (), core: ForeignCore | None = None
) -> About:
    """What --json says of seeds of the reference node, or of a core of others."""
    from ackproof.results import About
    from harness.sim.plan.for_core import LOCKSTEP
    from harness.systems import REFERENCE_NODE

    return About(system=REFERENCE_NODE if core is None else LOCKSTEP, seed=seed, next=next_)
