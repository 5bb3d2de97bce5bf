"""`ackproof clean`: removes what runs that were killed left behind."""

from __future__ import annotations

import click

from ackproof.cli.printing import say


@click.command()
def clean() -> None:
    """Remove what runs that were killed left behind.

    These are processes, network namespaces, and folders on remote hosts. Runs that still go on are left
    alone. Every run does the same when it starts.
    """
    from harness.errors import CouldNotRun
    from harness.hosts.ledger import clean as clean_up

    removed = clean_up()
    for one in removed:
        say(f"removed {one}")
    if not removed:
        click.echo("nothing was left behind")
    if any(one.problems for one in removed):
        raise CouldNotRun("not everything could be removed, see above")
