"""`ackproof resimulate`: looks for a real run's violation in the simulated world."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.commands.simulating.sim import about_simulated
from ackproof.cli.output.cases import of_resimulated
from ackproof.cli.output.ending import finish
from ackproof.cli.output.progress import Working

USUAL_SEEDS = 100
USUAL_SECONDS = 300.0


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@options.store_option("Where the folders of runs on real processes are made.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=USUAL_SEEDS,
    show_default=True,
    help="Try at most this many.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=USUAL_SECONDS,
    show_default=True,
    help="Begin no simulated run after this many seconds.",
)
@click.option("--checker", help="Whose violation to look for.  [default: the root cause's]")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=options.to_be_written,
    default=Path("resimulated.json"),
    show_default=True,
    help="Where the smallest schedule goes.",
)
@click.option(
    "--real",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Then replay the schedule this many times on local processes, and say how often it shows there.",
)
@options.ci_options()
@options.json_option()
def resimulate(
    run: Path,
    store: Path,
    seeds: int,
    seconds: float,
    checker: str | None,
    out: Path,
    real: int,
    as_json: bool,
) -> NoReturn:
    """Look for a real run's violation in the simulated world, where it can be repeated.

    RUN is the folder of a failing run of the reference node. Its operations and faults are done again at the
    same times; how long messages and writes take is drawn, under seeds 0, 1, ... The first seed that shows
    the violation is shrunk to a schedule, which `ackproof replay` and `ackproof cause` take.

    The exit code is 1 if a seed shows it, and 2 if none does.

    \b
        ackproof resimulate store/latest
        ackproof resimulate store/latest --seeds 1000 --real 10
    """
    from harness.run.folder import RunFolder
    from harness.sim import resimulate as room

    began_s = time.monotonic()
    with Working(
        f"trying seeds for at most {seconds:.0f} s",
        quiet=as_json,
        share=lambda: min((time.monotonic() - began_s) / seconds, 1.0),
    ) as working:
        found = room.resimulate(
            RunFolder(run),
            seeds=seeds,
            seconds=seconds,
            file=out,
            checker=checker,
            real_runs=real,
            store=store,
            quiet=as_json,
            before_real=working.end,
        )
    outcome = "violation" if found.seed is not None else "unknown"
    again = () if found.file is None else (shlex.join(["ackproof", "replay", found.file]),)
    finish(
        outcome,
        found,
        lambda: room.show(found),
        as_json=as_json,
        about=lambda: about_simulated(found.seed, again),
        cases=lambda: of_resimulated(found),
    )
