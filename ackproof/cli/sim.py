"""`ackproof sim`: the same test in a simulated world. Thin; harness/sim/command.py does the work.

The simulator runs the node's own code, which the rest of the harness meets only as a process: so it is
loaded where it is used, as a mutant is (harness/mutants/catalogue.py).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click
import msgspec

from ackproof.cli.mutants import known_mutant
from checkers.verdict import Validity
from harness.errors import unknown_name
from harness.nemesis import nemesis_of
from harness.run.judging import judge
from harness.workload import WORKLOADS
from reports.terminal import show

EXIT = {Validity.VALID: 0, Validity.INVALID: 1, Validity.UNKNOWN: 2}


def _faults(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    faults = tuple(dict.fromkeys(fault.strip() for fault in value.split(",") if fault.strip()))
    if faults in ((), ("none",)):
        return ()
    try:
        nemesis_of(faults, "sim")
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return faults


def _workload(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if value not in WORKLOADS:
        raise click.BadParameter(unknown_name("workload", value, WORKLOADS))
    return value


@click.command()
@click.option("--seed", type=click.IntRange(min=0), help="One run, into a folder of its own, with a report.")
@click.option("--seeds", type=click.IntRange(min=1), help="So many runs on all cores.  [default: 100]")
@click.option(
    "--start", default=0, show_default=True, type=click.IntRange(min=0), help="The first of --seeds."
)
@click.option("--nodes", type=click.IntRange(1, 99), help="How many nodes.  [default: drawn]")
@click.option("--concurrency", type=click.IntRange(1, 1000), help="How many clients.  [default: drawn]")
@click.option(
    "--rate", type=click.IntRange(min=1), help="Client operations a simulated second.  [default: drawn]"
)
@click.option(
    "--time-limit", type=click.IntRange(min=1), help="Simulated seconds of work and faults.  [default: drawn]"
)
@click.option(
    "--nemesis",
    metavar="FAULT,...",
    callback=_faults,
    help="Faults as `ackproof run` takes them, or none.  [default: drawn]",
)
@click.option(
    "--workload",
    default="registry",
    show_default=True,
    metavar="NAME",
    callback=_workload,
    help="What the clients do.",
)
@click.option("--lease", is_flag=True, help="Nodes serve reads under a leader's lease.")
@click.option("--mutant", metavar="NAME", callback=known_mutant, help="Nodes with this seeded bug.")
@click.option(
    "--store",
    default=Path("store"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the folder of --seed, or the results of --seeds, are put.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Of --seeds: keep outcomes here, and go on from what is here.  [default: in the store]",
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes.  [default: one a core]")
@click.option(
    "--shrink",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Of --seed, if it fails: write the smallest schedule that still does, and a picture beside it.",
)
@click.option("--stop-at-first", is_flag=True, help="Of --seeds: end at the first violation.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON, and nothing else.")
def sim(
    seed: int | None,
    seeds: int | None,
    start: int,
    nodes: int | None,
    concurrency: int | None,
    rate: int | None,
    time_limit: int | None,
    nemesis: tuple[str, ...] | None,
    workload: str,
    lease: bool,
    mutant: str | None,
    store: Path,
    results: Path | None,
    shrink: Path | None,
    jobs: int | None,
    stop_at_first: bool,
    as_json: bool,
) -> NoReturn:
    """Run the test in a simulated world: in one process, in virtual time, all of it from a seed.

    What an option leaves open, each seed draws for itself: the cluster's size, the faults of network,
    disks and clocks, how bad they are. The same seed gives the same run, to the byte, anywhere.

    \b
        ackproof sim --seed 7                       one run, with a report
        ackproof sim --seeds 1000                   many, on all cores
        ackproof sim --seeds 200 --mutant forgetful --stop-at-first
        ackproof sim --seed 5 --mutant acknowledge-early --shrink small.json
        ackproof replay small.json                  the same again, in a folder with a report
    """
    if seed is not None and seeds is not None:
        raise click.UsageError("--seed is one run and --seeds are many; give one of them")
    from harness.sim import command  # here, since only this needs the simulator
    from harness.sim.plan.swarm import Wishes

    wishes = Wishes(nodes, concurrency, rate, time_limit, nemesis, workload, mutant, lease)
    if shrink is not None:
        if seed is None:
            raise click.UsageError("--shrink needs the --seed that fails")
        shrunk = command.shrunk(seed, wishes, shrink, quiet=as_json)
        if as_json:
            click.echo(msgspec.json.encode(shrunk))
        raise SystemExit(EXIT[Validity.INVALID])
    if seed is not None:
        folder = command.one(seed, wishes, store, sys.argv)
        judged = judge(folder)
        if as_json:
            click.echo(msgspec.json.encode(judged))
        else:
            show(judged.verdicts, folder.report_html)
        raise SystemExit(EXIT[judged.validity])
    chosen = range(start, start + (seeds or 100))
    file = results or store / f"sim-{workload}-{mutant or 'correct'}.jsonl"
    found = command.many(chosen, wishes, file, jobs=jobs, quiet=as_json, stop_at_first=stop_at_first)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        again = f"ackproof sim --workload {workload}{f' --mutant {mutant}' if mutant else ''}"
        command.show(found, file, again)
    raise SystemExit(EXIT[found.validity])


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--store",
    default=Path("store"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the run's folder is made.",
)
@click.option(
    "--world",
    default="sim",
    show_default=True,
    type=click.Choice(["sim", "local"]),
    help="Where to play it: exactly, in the simulated world; or as best it can, on local processes.",
)
@click.option(
    "--base-port",
    type=click.IntRange(1024, 65000),
    help="Of --world local: first of the ports that nodes listen on.  [default: free ones]",
)
@click.option("--anyway", is_flag=True, help="Also if the code has changed since FILE was written.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON, and nothing else.")
def replay(
    file: Path, store: Path, world: str, base_port: int | None, anyway: bool, as_json: bool
) -> NoReturn:
    """Play a schedule again: exactly, in the simulated world, or as best it can on local processes.

    FILE was written by `ackproof sim --shrink`, or by `ackproof explore --out`, whose steps are shown one by
    one. If the code is another than it was then, this says what differs and plays nothing.
    """
    if base_port is not None and world != "local":
        raise click.UsageError("--base-port is for --world local: simulated nodes listen on no port")
    from harness.sim import command  # here, since only this needs the simulator
    from harness.sim.explore.path import is_way

    if is_way(file):
        if world != "sim":
            raise click.UsageError(
                f"{file} is a way that `ackproof explore` found: no real process can be told to take its "
                "steps. --world local is for files of `ackproof sim --shrink`"
            )
        _walk(file, anyway, as_json)
    if world == "local":
        _on_processes(file, store, base_port, anyway, as_json)
    folder, warning = command.replayed(file, store, sys.argv, anyway=anyway)
    if warning is not None:
        click.echo(f"ackproof: {warning}", err=True)
    judged = judge(folder)
    if as_json:
        click.echo(msgspec.json.encode(judged))
    else:
        show(judged.verdicts, folder.report_html)
    raise SystemExit(EXIT[judged.validity])


def _walk(file: Path, anyway: bool, as_json: bool) -> NoReturn:
    """Show the way that an exploration found."""
    from harness.sim.explore import command

    walked = command.replayed(file, anyway=anyway)
    if as_json:
        click.echo(msgspec.json.encode({"story": walked.story, "violation": walked.violation}))
    else:
        command.show_walk(walked)
    raise SystemExit(EXIT[Validity.INVALID if walked.violation else Validity.VALID])


def _on_processes(file: Path, store: Path, base_port: int | None, anyway: bool, as_json: bool) -> NoReturn:
    """Play a schedule on local processes; the exit code is of their run."""
    from harness.sim import command

    folder, simulated, warning = command.replayed_on_processes(
        file, store, sys.argv, anyway=anyway, base_port=base_port, quiet=as_json
    )
    if warning is not None:
        click.echo(f"ackproof: {warning}", err=True)
    judged = judge(folder)
    if as_json:
        click.echo(msgspec.json.encode(judged))
    else:
        show(judged.verdicts, folder.report_html)
        click.echo(f"in the simulated world: {simulated}")
        click.echo(f"on local processes:     {judged.validity.value}")
    raise SystemExit(EXIT[judged.validity])
