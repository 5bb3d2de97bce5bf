"""The option --dask, and the cluster that it names; for commands that do much work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ackproof.cli.options import Option

if TYPE_CHECKING:
    from ackproof.judging.checking import Elsewhere
    from checkers.linearizability.answer import Budget
    from checkers.linearizability.tally import Proved
    from checkers.models.model import Model
    from harness.executors.dask_cluster import DaskCluster
    from history import History


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


def by_key_jobs_option() -> Option:
    """--jobs, for commands that judge the keys of one history in several processes."""
    return click.option(
        "--jobs",
        type=click.IntRange(1, 256),
        help="Judge the keys of one large history in this many processes. The verdict is the same.",
    )


def by_key_elsewhere(address: str | None, jobs: int | None) -> Elsewhere:
    """What judges keys on a Dask cluster, or in processes of this machine.

    Raises:
        CouldNotRun: the cluster is not there, or some of its workers are refused.
    """
    from ackproof.judging.by_key import executor_of, proved_by

    cluster = connected(address, jobs)
    processes = jobs or 1

    def judged(history: History, model: Model, budget: Budget) -> Proved:
        workers = processes if cluster is None else max(1, len(cluster.workers))
        executor = executor_of(cluster, processes, say_on_stderr)
        return proved_by(executor, history, model, budget, workers=workers, say=say_on_stderr)

    return judged


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
