"""`ackproof mutants`: shows that the checkers catch each of the seeded bugs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.dask import connected, dask_option, say_on_stderr
from ackproof.cli.ending import finish


@click.command()
@click.argument(
    "names", metavar="[NAME]...", nargs=-1, callback=options.known("mutant", options.mutant_names)
)
@click.option("--list", "is_list", is_flag=True, help="List the bugs and what each does wrong; run nothing.")
@click.option(
    "--seeds",
    default=2000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Give up on a bug that none of this many seeds exposes.",
)
@options.jobs_option()
@dask_option()
@click.option("--shrink/--no-shrink", default=True, help="Shrink each failure.  [default: shrink]")
@options.store_option("The shrunk schedules are put into its folder mutants/.")
@options.json_option()
def mutants(
    names: tuple[str, ...],
    is_list: bool,
    seeds: int,
    jobs: int | None,
    dask: str | None,
    shrink: bool,
    store: Path,
    as_json: bool,
) -> NoReturn:
    """Show that the checkers catch each of the seeded bugs.

    A mutant is the reference node with one broken rule. Each mutant is run in the simulated world with the
    seeds 0, 1, 2, ... until the checker of the broken rule finds a violation, which is then shrunk. NAME is a
    mutant; without a NAME, all are run.

    The exit code is 1 if a mutant was not caught by the checker of its rule, or was reported by a checker
    that has no reason to.

    \b
        ackproof mutants                            all of them, in some minutes
        ackproof mutants forgetful vote-twice       these two
        ackproof mutants --list                     which mutants there are
        ackproof run --mutant forgetful             one of them in real processes
    """
    from harness.executors.on_dask import OnDask
    from harness.mutants.catalogue import MUTANTS  # here, since these load the node and the simulator
    from harness.sim.seeds import hunting, mutant_table

    chosen = tuple(dict.fromkeys(names)) or tuple(MUTANTS)
    if is_list:
        finish(
            "valid",
            [MUTANTS[name].described() for name in chosen],
            lambda: mutant_table.show_list(chosen),
            as_json=as_json,
            judges=False,
        )
    folder = store / "mutants" if shrink else None
    cluster = connected(dask, jobs)
    if cluster is None:
        cores = min(jobs or os.cpu_count() or 1, len(chosen))
        executor = hunting.hunt_executor(cores, most_seeds=seeds, is_shrunk=shrink)
    else:
        perform = hunting.hunting(most_seeds=seeds, is_shrunk=shrink)
        executor = OnDask(perform, cluster, say_on_stderr, hunting.LONGEST_HUNT_S)
    found = mutant_table.hunts(chosen, executor, folder, quiet=as_json)
    outcome = "valid" if all(hunt.is_as_declared for hunt in found) else "invalid"
    finish(outcome, found, lambda: mutant_table.show(found, folder), as_json=as_json)
