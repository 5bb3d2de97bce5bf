"""`ackproof clean`: removes what runs that were killed left behind."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click
import msgspec

from ackproof.cli import options
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working


class Cleaned(msgspec.Struct, frozen=True):
    """What `ackproof clean` removed, in words."""

    removed: tuple[str, ...]
    left_elsewhere: tuple[str, ...]
    """What runs of other stores left behind, and runs of other users: it was left alone."""


@click.command()
@options.store_option("The store whose runs are cleaned up after.")
@click.option("--all", "everywhere", is_flag=True, help="Clean up after all your runs, whatever their store.")
@options.json_option()
def clean(store: Path, everywhere: bool, as_json: bool) -> NoReturn:
    """Remove what runs that were killed left behind.

    These are processes, control groups, network namespaces, mounts, and folders on remote hosts. Runs that
    still go on are left alone. Every run does the same for its own store when it starts.

    \b
        ackproof clean
        ackproof clean --store /srv/nightly
        ackproof clean --all
    """
    from harness.hosts.ledger import clean as clean_up
    from harness.hosts.ledger import left_elsewhere, of_other_users

    with Working("cleaning up", quiet=as_json) as working:
        removed = clean_up(store=None if everywhere else store, tell_share=working.tell)
    elsewhere = of_other_users() if everywhere else left_elsewhere(store)

    def show() -> None:
        for one in removed:
            say(f"removed {one}")
        if not removed:
            by = "" if everywhere else f" by runs in {store}"
            click.echo(f"nothing was left behind{by}")
        if elsewhere:
            more = f" and {len(elsewhere) - 1} more" if len(elsewhere) > 1 else ""
            why = "not yours" if everywhere else "not of this store, or not yours"
            first = f"left alone, since {why}: {elsewhere[0]}{more}"
            say(first if everywhere else f"{first}; ackproof clean --all removes what is yours")

    is_done = not any(one.problems for one in removed)
    if not is_done:
        say("ackproof: not everything could be removed", error=True)
    result = Cleaned(tuple(map(str, removed)), tuple(map(str, elsewhere)))
    finish(Exit.VALID if is_done else Exit.COULD_NOT_RUN, result, show, as_json=as_json, judges=False)
