"""Workloads `brief-instances` and `renewed-instances`: `stale-instances` with other lifetimes.

`brief-instances`: many instances are registered and deregistered within a second, by any client on any node.
So a node is asked to change what it may not have heard of yet.

`renewed-instances`: many instances are registered, and registered again with another id some seconds later;
no client deregisters. So what the registry itself changes of an instance meanwhile, such as its health, meets
a registration of a client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from checkers.workloads.replicas.stale_instances import LATE_BOUND_S
from harness.client.data_types import STALE_INSTANCE
from harness.generator import Context
from harness.workload.base import Workload
from harness.workload.final_reads import on_every_node
from harness.workload.general.stale_instances import settled_lookups, stale_instances_checkers
from harness.workload.general.windows import Window
from harness.workload.registry import instance_key

BRIEF = Window("instance", width=2, operations_per_slide=4)
RENEWED = Window("instance", width=160, operations_per_slide=2)
_BRIEF_PERCENT: Final[Mapping[str, int]] = {"register": 48, "deregister": 48}
_RENEWED_PERCENT: Final[Mapping[str, int]] = {"register": 90}
"""Of all operations; the others are lookups."""


def brief_instances(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes; all clients do the same."""
    del concurrency
    return _workload("brief-instances", nodes, BRIEF, _BRIEF_PERCENT)


def renewed_instances(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes; all clients do the same."""
    del concurrency
    return _workload("renewed-instances", nodes, RENEWED, _RENEWED_PERCENT)


def _workload(name: str, nodes: Sequence[str], window: Window, percent: Mapping[str, int]) -> Workload:
    def keys_until(step: int) -> tuple[str, ...]:
        return tuple(instance_key(number) for number in range(window.count(step)))

    lookups = on_every_node(nodes, keys_until, ("lookup",))
    return Workload(
        name=name,
        data_type=STALE_INSTANCE,
        generator=partial(drawn_operation, window, percent),
        final=settled_lookups(lookups, LATE_BOUND_S),
        final_within=partial(settled_lookups, lookups),
        checkers=stale_instances_checkers(),
    )


def drawn_operation(window: Window, percent: Mapping[str, int], context: Context) -> dict[str, Any]:
    """A drawn operation on a drawn instance; `context.step` makes a registration's id unique."""
    roll = context.draw.below(100, "f")
    key = instance_key(window.number(context))
    if roll < percent["register"]:
        return {"f": "register", "key": key, "value": f"r{context.step}"}
    if roll < percent["register"] + percent.get("deregister", 0):
        return {"f": "deregister", "key": key}
    return {"f": "lookup", "key": key}
