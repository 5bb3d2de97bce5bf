"""`ackproof clean`: removes what runs that were killed left behind."""

from __future__ import annotations

from pathlib import Path

import click

from ackproof.cli import options
from ackproof.cli.printing import say


@click.command()
@options.store_option("The store whose runs are cleaned up after.")
@click.option("--all", "everywhere", is_flag=True, help="Clean up after all your runs, whatever their store.")
def clean(store: Path, everywhere: bool) -> None:
    """Remove what runs that were killed left behind.

    These are processes, control groups, network namespaces, mounts, and folders on remote hosts. Runs that
    still go on are left alone. Every run does the same for its own store when it starts.
    """
    from harness.errors import CouldNotRun
    from harness.hosts.ledger import clean as clean_up
    from harness.hosts.ledger import left_elsewhere

    removed = clean_up(store=None if everywhere else store)
    for one in removed:
        say(f"removed {one}")
    elsewhere = [] if everywhere else left_elsewhere(store)
    if not removed:
        click.echo("nothing was left behind" if everywhere else f"nothing was left behind by runs in {store}")
    if elsewhere:
        more = f" and {len(elsewhere) - 1} more" if len(elsewhere) > 1 else ""
        say(f"left alone, since not of this store: {elsewhere[0]}{more}; ackproof clean --all removes that")
    if any(one.problems for one in removed):
        raise CouldNotRun("not everything could be removed, see above")
