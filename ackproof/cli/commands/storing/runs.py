"""`ackproof runs`: lists the runs of a store."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Steps
from ackproof.cli.output.stored import row_of
from harness.store.choice import VERDICTS, Choice, chosen

USUAL_ROWS = 50
"""Rows that people see if they do not ask for more."""

CHOICE = options.group(
    click.option("--system", metavar="NAME", help="Runs of this system; * stands for any text."),
    click.option("--workload", metavar="NAME", help="Runs of this workload; * stands for any text."),
    click.option("--fault", metavar="FAULT", help="Runs with this fault: partition, or kill:leader."),
    click.option(
        "--verdict",
        "verdicts",
        type=click.Choice(VERDICTS),
        multiple=True,
        help="Runs that ended so; may be given several times.",
    ),
    click.option(
        "--since",
        metavar="TIME",
        callback=options.moment,
        help="Runs that began then or later: 2026-11-28, 2026-11-28T13:42, or how long ago: 24h, 7d.",
    ),
    click.option(
        "--until",
        metavar="TIME",
        callback=options.moment,
        help="Runs that began then or earlier.",
    ),
    click.option("--commit", metavar="DIGITS", help="Runs at the git commit that begins with these digits."),
    click.option(
        "--search", "text", default="", metavar="TEXT", help="Runs that hold this text in one of their facts."
    ),
)


@click.command()
@options.store_option("The store whose runs are listed.")
@CHOICE
@click.option(
    "--most",
    type=click.IntRange(min=0),
    help=f"List this many runs at most; 0 for all.  [default: {USUAL_ROWS}; with --json all]",
)
@options.json_option()
def runs(store: Path, most: int | None, as_json: bool, **choice: object) -> NoReturn:
    """List the runs of a store, the newest first.

    Each line has when the run began (UTC), how it ended, what was run, and its folder. Listed are the
    folders of runs, of simulated runs and of recordings, those of campaigns included; docs/runs.md says
    more. Exits with 0 however the runs ended.

    \b
        ackproof runs
        ackproof runs --verdict invalid --since 7d
        ackproof runs --system etcd --fault partition --json
        ackproof analyze store/latest        one of them, judged again
    """
    from harness.store.index import entries  # here, since it loads what reads a run's results

    with Steps("reading runs", quiet=as_json) as steps:
        listed = entries(store, steps.show)
    found = chosen(listed, Choice(**choice))  # type: ignore[arg-type]  # click has checked them
    number = (len(found) if as_json else USUAL_ROWS) if most is None else most or len(found)

    def show() -> None:
        for entry in found[:number]:
            say(row_of(entry))
        if len(found) > number:
            say(f"and {len(found) - number:,} more: --most 0 lists all")
        if not found:
            say(f"none of the {len(listed):,} runs in {store} is so" if listed else f"no run in {store}")

    finish(Exit.VALID, found[:number], show, as_json=as_json, judges=False)
