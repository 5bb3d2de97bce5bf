"""The workloads by name: one line each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from harness.errors import unknown_name
from harness.workload.base import Workload
from harness.workload.ephemeral import ephemeral
from harness.workload.general.cas import cas
from harness.workload.general.expiring_instances import expiring_instances
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
from harness.workload.maelstrom.kafka import kafka
from harness.workload.maelstrom.key_value import lin_kv
from harness.workload.maelstrom.settling import g_counter, g_set, pn_counter
from harness.workload.maelstrom.single_requests import echo, unique_ids
from harness.workload.membership import membership
from harness.workload.registry import registry
from harness.workload.sessions import sessions
from harness.workload.subscriptions import subscriptions

WORKLOADS: dict[str, Callable[[Sequence[str], int], Workload]] = {
    "registry": registry,
    "sessions": sessions,
    "ephemeral": ephemeral,
    "membership": membership,
    "subscriptions": subscriptions,
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
    "expiring-instances": expiring_instances,
    "lin-kv": lin_kv,
    "g-set": g_set,
    "g-counter": g_counter,
    "pn-counter": pn_counter,
    "unique-ids": unique_ids,
    "echo": echo,
    "kafka": kafka,
}
"""By name, the function that makes the workload for the names of the nodes and the number of clients."""
_OWN = frozenset(WORKLOADS)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
"""As folders may be named (harness/run/test.py); a test holds them equal."""


def add_workload(make: Callable[[Sequence[str], int], Workload]) -> None:
    """Make a workload of one's own known by its name, in this process: for tests that Python code runs.

    Args:
        make: makes it for the names of the nodes and the number of clients. Its name is that of the workload
            that it makes; adding it once more replaces it.

    Raises:
        ValueError: Ackproof has a workload of that name, or no folder can be named so.
    """
    name = make(("n1",), 1).name
    if name in _OWN:
        raise ValueError(f"Ackproof has a workload {name!r}; give yours another name")
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"a workload cannot be named {name[:80]!r}, as folders are named by it")
    WORKLOADS[name] = make


def workload(name: str, nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload of that name, for these nodes and this number of clients.

    Raises:
        ValueError: there is none; the message names the nearest one, and all.
    """
    if name not in WORKLOADS:
        raise ValueError(unknown_name("workload", name, WORKLOADS))
    return WORKLOADS[name](nodes, concurrency)
