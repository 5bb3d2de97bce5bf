"""The workloads by name: one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.errors import unknown_name
from harness.workload.base import Workload
from harness.workload.ephemeral import ephemeral
from harness.workload.general.cas import cas
from harness.workload.general.instances import instances
from harness.workload.general.lifetimes import brief_instances, renewed_instances
from harness.workload.general.lock import lock
from harness.workload.general.queue import fifo_queue, queue
from harness.workload.general.register import register
from harness.workload.general.same_state import same_state
from harness.workload.general.set import set_
from harness.workload.general.stale_instances import stale_instances
from harness.workload.general.transactions import append, txn
from harness.workload.general.watch import watch
from harness.workload.membership import membership
from harness.workload.registry import registry
from harness.workload.sessions import sessions

WORKLOADS: dict[str, Callable[[Sequence[str], int], Workload]] = {
    "registry": registry,
    "sessions": sessions,
    "ephemeral": ephemeral,
    "membership": membership,
    "register": register,
    "cas": cas,
    "set": set_,
    "same-state": same_state,
    "queue": queue,
    "fifo-queue": fifo_queue,
    "lock": lock,
    "append": append,
    "txn": txn,
    "watch": watch,
    "instances": instances,
    "stale-instances": stale_instances,
    "brief-instances": brief_instances,
    "renewed-instances": renewed_instances,
}
"""By name, the function that makes the workload for the names of the nodes and the number of clients."""


def workload(name: str, nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload of that name, for these nodes and this number of clients.

    Raises:
        ValueError: there is none; the message names the nearest one, and all.
    """
    if name not in WORKLOADS:
        raise ValueError(unknown_name("workload", name, WORKLOADS))
    return WORKLOADS[name](nodes, concurrency)
