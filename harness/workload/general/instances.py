"""Workload `instances`: clients register and deregister instances; every lookup must show the latest.

Half of the clients change instances and look them up, the others only look them up, as in `register`. Every
registration has an id of its own, so a lookup shows which one it saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from checkers.check_all import Suite
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.run.suite import cluster_checkers
from checkers.watching.keys import KeyWatch
from checkers.workloads.instance import Instance
from harness.client.data_types import INSTANCE
from harness.generator import Context
from harness.workload.base import Workload
from harness.workload.final_reads import recover_and_read
from harness.workload.general.windows import Window
from harness.workload.registry import instance_key
from harness.workload.sharing import half_only_read

WINDOW = Window("instance", width=10, operations_per_slide=20)
WRITES = ("register", "deregister")
_PERCENT: Final[Mapping[str, int]] = {"register": 45, "deregister": 25}
"""Of the operations of a client that also writes; the others are lookups."""


def instances(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    return Workload(
        name="instances",
        data_type=INSTANCE,
        generator=half_only_read(concurrency, write_or_lookup, lookup),
        final=recover_and_read(first_write, nodes, keys_until, kinds=("lookup",)),
        checkers=instances_checkers(),
        watches=lambda: (KeyWatch(Instance()),),
    )


def instances_checkers() -> Suite:
    """The checkers of a run. The final lookups are lookups, so linearizability includes durability here."""
    return Suite((LinearizabilityOf(Instance()),)) + cluster_checkers(WRITES)


def write_or_lookup(context: Context) -> dict[str, Any]:
    """A drawn operation of any kind; `context.step` makes a registration's id unique."""
    roll = context.draw.below(100, "f")
    key = instance_key(WINDOW.number(context))
    if roll < _PERCENT["register"]:
        return {"f": "register", "key": key, "value": f"r{context.step}"}
    if roll < _PERCENT["register"] + _PERCENT["deregister"]:
        return {"f": "deregister", "key": key}
    return {"f": "lookup", "key": key}


def lookup(context: Context) -> dict[str, Any]:
    """A lookup of a drawn instance."""
    return {"f": "lookup", "key": instance_key(WINDOW.number(context))}


def first_write(context: Context) -> dict[str, Any]:
    """A registration that shows that writes are acknowledged again, of an instance of its own."""
    high, low = divmod(context.step % 60_000, 250)
    return {"f": "register", "key": f"svc-try/10.1.{high}.{low + 1}:8080", "value": f"r{context.step}"}


def keys_until(step: int) -> tuple[str, ...]:
    """Every instance that the first `step` operations of a run may have used."""
    return tuple(instance_key(number) for number in range(WINDOW.count(step)))
