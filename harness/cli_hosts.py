"""The commands about hosts: which there are, what they can do, and removing what runs left on them."""

from __future__ import annotations

from pathlib import Path

import click

from harness.control.inventory import HostSpec, InventoryError, read_inventory


def inventory_of(hosts: str, nodes_file: Path | None) -> tuple[HostSpec, ...]:
    """The remote hosts that options name; none, if the hosts are not remote.

    Raises:
        click.UsageError: the options do not fit together, or the file is wrong.
    """
    if hosts != "ssh":
        if nodes_file is not None:
            raise click.UsageError(
                f"--nodes-file names remote hosts, but --hosts is {hosts}; add --hosts ssh"
            )
        return ()
    if nodes_file is None:
        raise click.UsageError("--hosts ssh needs --nodes-file FILE, with [user@]host[:port] a line")
    try:
        return read_inventory(nodes_file)
    except InventoryError as error:
        raise click.UsageError(str(error)) from error
