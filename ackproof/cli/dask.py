"""The option --dask, and the cluster that it names; for commands that do much work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ackproof.cli.options import Option

if TYPE_CHECKING:
    from harness.executors.dask_cluster import DaskCluster


def dask_option(what: str = "Do simulated runs") -> Option:
    """--dask.

    Args:
        what: what the workers do, as the beginning of a sentence.
    """
    return click.option(
        "--dask",
        metavar="ADDRESS",
        callback=_address,
        help=f"{what} on the workers of this Dask scheduler, tcp://HOST:PORT on this machine or "
        "tls://HOST:PORT, or of a `local` one with --jobs workers.",
    )


def connected(address: str | None, jobs: int | None) -> DaskCluster | None:
    """The cluster of this address, whose workers all have our code; None without an address.

    Raises:
        CouldNotRun: it is not there, or some of its workers are refused.
    """
    if address is None:
        return None
    if jobs is not None and address != "local":
        raise click.UsageError(f"--jobs is for this machine, and {address} has the workers that it has")
    from harness.executors.dask_cluster import DaskCluster
    from harness.sim.schedule.version import identity

    return DaskCluster(address, identity, jobs=jobs or os.cpu_count() or 1)


def say_on_stderr(text: str) -> None:
    """Say on standard error what happens to the cluster."""
    click.echo(text, err=True)


def _address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A click callback for the address of a scheduler."""
    if value is None:
        return None
    from harness.executors.dask_address import checked_address

    try:
        return checked_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error
