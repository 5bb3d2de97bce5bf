"""`ackproof mutants`: shows that the checkers catch each of the seeded bugs."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.commands.simulating.sim import about_simulated
from ackproof.cli.dask import connected, dask_option, say_on_stderr
from ackproof.cli.output.cases import of_hunts, of_mutations
from ackproof.cli.output.ending import finish
from ackproof.cli.output.for_ci import wanted


@click.command()
@click.argument(
    "names",
    metavar="[NAME]...",
    nargs=-1,
    callback=options.known("mutant", options.mutant_names),
    shell_complete=options.completing(options.mutant_names),
)
@click.option("--list", "is_list", is_flag=True, help="List the bugs and what each does wrong; run nothing.")
@click.option(
    "--seeds",
    default=2000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Give up on a bug that none of this many seeds exposes.",
)
@click.option(
    "--generated", is_flag=True, help="Hunt mechanical mutations of the node's core instead, and score them."
)
@click.option(
    "--sample",
    default=60,
    show_default=True,
    type=click.IntRange(min=1),
    help="With --generated: how many mutations are drawn.",
)
@click.option(
    "--draw", default=0, show_default=True, type=int, help="With --generated: the seed that draws them."
)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=options.to_be_written,
    help="With --generated: the file of results, which the same command continues.  "
    "[default: mutations.jsonl in the store]",
)
@options.jobs_option()
@dask_option()
@click.option("--shrink/--no-shrink", default=True, help="Shrink each failure.  [default: shrink]")
@options.store_option("The shrunk schedules are put into its folder mutants/.")
@options.ci_options()
@options.json_option()
def mutants(
    names: tuple[str, ...],
    is_list: bool,
    seeds: int,
    jobs: int | None,
    dask: str | None,
    generated: bool,
    sample: int,
    draw: int,
    results: Path | None,
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

    With --generated, conditions, numbers and statements of the node's core are changed mechanically, one at a
    time; a sample of these is drawn, and hunted with the first seeds. The table gives the share that was
    caught by module, and the list below it the survivors.

    \b
        ackproof mutants --generated --sample 60 --seeds 24
    """
    if generated:
        _generated(sample, draw, seeds, jobs, results or store / "mutations.jsonl", as_json=as_json)
    from harness.executors.on_dask import OnDask
    from harness.mutants.catalogue import MUTANTS  # here, since these load the node and the simulator
    from harness.sim.seeds import hunting, mutant_table

    chosen = tuple(dict.fromkeys(names)) or tuple(MUTANTS)
    if is_list:
        if wanted():
            raise click.UsageError("--list runs nothing, so there is no result for a CI server")
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
    again = (shlex.join(["ackproof", "replay", one.schedule]) for one in found if one.schedule is not None)
    finish(
        outcome,
        found,
        lambda: mutant_table.show(found, folder),
        as_json=as_json,
        about=lambda: about_simulated(next_=tuple(again)[:1]),
        cases=lambda: of_hunts(found),
    )


def _generated(
    size: int, draw: int, seeds: int, jobs: int | None, results: Path, *, as_json: bool
) -> NoReturn:
    """Draw mutations of the node's core, hunt them and print the score."""
    from harness.mutants.generated.mutations import every_mutation
    from harness.sim.seeds import generated, generated_table

    every = every_mutation()
    chosen = generated.sample(every, size, draw)
    cores = min(jobs or os.cpu_count() or 1, len(chosen))
    kept = generated.MutationResults(results, seeds)
    found = generated.hunt_mutations(
        chosen,
        generated.executor(cores, most_seeds=seeds),
        kept,
        lambda hunt: None if as_json else generated_table.show_one(hunt, len(kept.done), len(chosen)),
    )
    finish(
        "valid",
        found,
        lambda: generated_table.show(found, len(every)),
        as_json=as_json,
        about=about_simulated,
        judges=False,
        cases=lambda: of_mutations(found),
    )
