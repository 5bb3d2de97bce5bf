"""--nodes and --nodes-file: how many nodes, and on which hosts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ackproof.cli.options import MOST_NODES
from harness.errors import CouldNotRun

if TYPE_CHECKING:
    from harness.hosts.inventory import HostSpec

USUAL_NODES = 5
Nodes = int | tuple[str, ...] | None
"""A number of nodes, or the hosts that were named; None if the option was not given."""


def parse_nodes(context: click.Context, option: click.Parameter, value: str | None) -> Nodes:
    """A click callback for --nodes: a number, or hosts separated by commas."""
    if value is None:
        return None
    if not value.lstrip("-").isdigit():
        words = tuple(word.strip() for word in value.split(","))
        if not all(words):
            raise click.BadParameter(f"{value!r} has an empty name in it", context, option)
        return words
    if not 1 <= int(value) <= MOST_NODES:
        raise click.BadParameter(f"{value} is not between 1 and {MOST_NODES}", context, option)
    return int(value)


def nodes_of(
    world: str, nodes: Nodes, nodes_file: Path | None
) -> tuple[tuple[str, ...], tuple[HostSpec, ...]]:
    """The names of the nodes, and the remote hosts that they run on; no hosts where nodes are not remote.

    Raises:
        click.UsageError: the options do not fit together, or the file is wrong.
    """
    if world != "ssh":
        for option, given in (
            ("--nodes-file", nodes_file is not None),
            ("--nodes", isinstance(nodes, tuple)),
        ):
            if given:
                raise click.UsageError(
                    f"{option} names remote hosts, but --world is {world}; add --world ssh"
                )
        count = nodes if isinstance(nodes, int) else USUAL_NODES
        return tuple(f"n{number}" for number in range(1, count + 1)), ()
    if isinstance(nodes, tuple) and nodes_file is not None:
        raise click.UsageError(
            "--nodes HOST,... and --nodes-file both say where the nodes are; leave one out"
        )
    inventory = inventory_of(nodes_file, nodes if isinstance(nodes, tuple) else ())
    if isinstance(nodes, int):
        if nodes > len(inventory):
            raise click.UsageError(
                f"--nodes {nodes} asks for more than the {len(inventory)} hosts of {nodes_file}"
            )
        inventory = inventory[:nodes]
    return tuple(spec.name for spec in inventory), inventory


def inventory_of(nodes_file: Path | None, named: Sequence[str] = ()) -> tuple[HostSpec, ...]:
    """The remote hosts of a nodes file, or those that --nodes names.

    Raises:
        click.UsageError: neither is given, or what is given is wrong.
    """
    if nodes_file is None and not named:
        raise click.UsageError(
            "--world ssh needs --nodes HOST,... or --nodes-file FILE, with [user@]host[:port] a line"
        )
    from harness.hosts.inventory import InventoryError, parse_inventory, read_inventory

    try:
        if nodes_file is None:
            return parse_inventory(named, "--nodes", _aliases, unit="host")
        return read_inventory(nodes_file, _aliases)
    except InventoryError as error:
        raise click.UsageError(str(error)) from error


def _aliases(config: str | None) -> Sequence[str]:
    """The aliases that an ssh_config file defines."""
    from harness.hosts.host import HostError

    try:
        from harness.hosts.ssh.ssh import aliases  # here, since only this needs paramiko
    except ImportError as error:
        raise paramiko_is_missing(error) from error
    try:
        return aliases(config)
    except HostError as error:
        raise click.UsageError(str(error)) from error


def paramiko_is_missing(error: ImportError) -> CouldNotRun:
    """The error for remote hosts where paramiko is not installed."""
    return CouldNotRun(f"remote hosts need paramiko ({error}): pip install 'ackproof[ssh]'")
