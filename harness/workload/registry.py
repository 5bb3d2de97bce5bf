"""Workload `registry`: instances register, change, deregister and are looked up; nothing may be lost.

Half the clients do all kinds of operations, the other half only reads: a client whose write hangs at a
deposed leader cannot ask it anything, and what such a leader still answers is what we want to see.

A window of instances slides over an endless line of them: each is worked on by all clients for
some 160 operations and then left as it is, so that losing it later would show. Every registration and every
update writes an id of its own, so every read says which of them it saw. Nearly half of the updates find no
instance that they could change, and say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from checkers.registry.suite import registry_checkers
from harness.client.codecs.registry import RegistryCodec
from harness.generator import Context, clients, delay, phases, reserve, time_limit, until_ok
from harness.workload.base import Workload
from harness.workload.final_reads import FinalReads

WINDOW = 20
"""Instances worked on at a time."""
OPERATIONS_PER_SLIDE = 8
"""After this many operations the window moves on by one instance."""
INSTANCES_PER_SERVICE = 16
RECOVERY_TRIES_NS = 20_000_000_000
"""How long a first write is tried for after healing, before reading back all the same."""
RECOVERY_PAUSE_NS = 50_000_000
_MIXED = {"register": 50, "update": 12, "deregister": 23, "lookup": 10, "list": 5}
_READS = {"lookup": 65, "list": 20, "stale-lookup": 10, "stale-list": 5}
"""Stale reads ask a node for its own state: judged by what they promise, which is not to be recent."""


def registry(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for a cluster of these nodes and so many clients."""
    return Workload(
        name="registry",
        codec=RegistryCodec(),
        generator=reserve((math.ceil(concurrency / 2), mixed_operation), default=read_operation),
        final=phases(
            clients(time_limit(RECOVERY_TRIES_NS, until_ok(delay(RECOVERY_PAUSE_NS, first_write)))),
            clients(FinalReads.of(nodes, services_until)),
        ),
        checkers=registry_checkers(),
    )


def mixed_operation(context: Context) -> dict[str, Any]:
    """One client operation of any kind, drawn."""
    return _operation(context, _MIXED)


def read_operation(context: Context) -> dict[str, Any]:
    """One client operation that changes nothing, drawn."""
    return _operation(context, _READS)


def _operation(context: Context, percent: Mapping[str, int]) -> dict[str, Any]:
    """An operation on a drawn instance of the window; its registration id is unique by `context.step`."""
    draw = context.draw
    instance = context.step // OPERATIONS_PER_SLIDE + draw.below(WINDOW, "instance")
    f = _drawn_f(draw.below(100, "f"), percent)
    match f:
        case "register" | "update":
            return {"f": f, "key": instance_key(instance), "value": f"r{context.step}"}
        case "list" | "stale-list":
            return {"f": f, "key": service_of(instance)}
    return {"f": f, "key": instance_key(instance)}


def _drawn_f(roll: int, percent: Mapping[str, int]) -> str:
    """The f that a roll below 100 falls on."""
    for f, share in percent.items():
        roll -= share
        if roll < 0:
            return f
    raise ValueError(f"the shares {percent} do not add up to 100")


def first_write(context: Context) -> dict[str, Any]:
    """A registration that shows that writes are acknowledged again; its service is read back as any other."""
    return {"f": "register", "key": instance_key(0), "value": f"r{context.step}"}


def service_of(instance: int) -> str:
    """The service of the instance of that number."""
    return f"svc-{instance // INSTANCES_PER_SERVICE}"


def instance_key(instance: int) -> str:
    """The key of the instance of that number, unique for up to 65,000 of them."""
    high, low = divmod(instance, 250)
    return f"{service_of(instance)}/10.0.{high}.{low + 1}:8080"


def services_until(step: int) -> tuple[str, ...]:
    """Every service that a run which made `step` operations may have touched."""
    last = (step // OPERATIONS_PER_SLIDE + WINDOW) // INSTANCES_PER_SERVICE
    return tuple(f"svc-{number}" for number in range(last + 1))
