"""`ackproof prune`: removes old runs of a store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Steps

if TYPE_CHECKING:
    from harness.store.pruning import Pruned

_AGE = re.compile(r"(\d{1,6})([hdw])")
_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([kMGT]?)B?")
_BYTES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def _age(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """A click callback for an age: 12h, 30d, 8w."""
    found = None if value is None else _AGE.fullmatch(value)
    if value is not None and found is None:
        raise click.BadParameter(f"{value[:80]!r} is no age: give hours, days or weeks, such as 12h, 30d, 8w")
    return None if found is None else float(int(found[1]) * _SECONDS[found[2]])


def _size(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    """A click callback for a size: 500M, 20G."""
    found = None if value is None else _SIZE.fullmatch(value)
    if value is not None and found is None:
        raise click.BadParameter(f"{value[:80]!r} is no size: give bytes, or such as 500M, 20G")
    return None if found is None else int(float(found[1]) * _BYTES[found[2]])


@click.command()
@options.store_option("The store whose runs are removed.")
@click.option(
    "--older-than",
    "older_than_s",
    metavar="AGE",
    callback=_age,
    help="Remove runs that began longer ago: 12h, 30d, 8w.",
)
@click.option(
    "--most-size",
    "most_bytes",
    metavar="SIZE",
    callback=_size,
    help="Remove the oldest runs until the others together take at most this: 500M, 20G.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@options.json_option()
def prune(
    store: Path, older_than_s: float | None, most_bytes: int | None, dry_run: bool, as_json: bool
) -> NoReturn:
    """Remove old runs of a store, by age and by size.

    A run in progress is never removed, nor one that a newer version wrote, nor the run that a finding names
    as its example, nor anything that is not the folder of a run. The journals of campaigns stay, so findings
    keep their states. A removed run cannot be brought back: look first with --dry-run.

    \b
        ackproof prune --older-than 30d --dry-run
        ackproof prune --older-than 30d
        ackproof prune --most-size 20G
    """
    from harness.store.pruning import prune as prune_store  # here, since it loads the findings

    if older_than_s is None and most_bytes is None:
        raise click.UsageError("say what may go: --older-than AGE, --most-size SIZE, or both")
    with Steps("looking at runs" if dry_run else "removing runs", quiet=as_json) as steps:
        done = prune_store(
            store, older_than_s=older_than_s, most_bytes=most_bytes, only_say=dry_run, tell=steps.show
        )
    failed = [one for one in done.removed if one.problem]
    for one in failed:
        say(f"ackproof: {store / one.folder} could not be removed: {one.problem}", error=True)
    code = Exit.COULD_NOT_RUN if failed else Exit.VALID
    finish(code, done, lambda: _show(done), as_json=as_json, judges=False)


def _show(done: Pruned) -> None:
    from reports.text import size

    verb = "removed" if done.is_done else "would remove"
    for one in done.removed:
        if not one.problem:
            say(f"{verb}  {size(one.bytes):>8}  {one.folder}: {one.why}")
    for kept in done.kept:
        say(f"kept  {kept.folder}: {kept.why}")
    number = sum(not one.problem for one in done.removed)
    say(f"{verb} {number} runs, {size(done.bytes)}; {done.runs_left} runs stay, {size(done.left_bytes)}")
