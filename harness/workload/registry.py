"""Workload `registry`: services register, deregister and are looked up; nothing acknowledged may be lost.

A window of instances slides over an endless line of them: each is worked on by all clients for
some 160 operations and then left as it is, so that losing it later would show. Registration ids are
unique, so every read says which registration it saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.registry_suite import registry_checkers
from harness.client.registry import RegistryCodec
from harness.generator import Context, clients, delay, phases, time_limit, until_ok
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
_WEIGHTS = (("register", 40), ("lookup", 35), ("deregister", 15), ("list", 10))


def registry(nodes: Sequence[str]) -> Workload:
    """The workload for a cluster of these nodes."""
    return Workload(
        name="registry",
        codec=RegistryCodec(),
        generator=next_operation,
        final=phases(
            clients(time_limit(RECOVERY_TRIES_NS, until_ok(delay(RECOVERY_PAUSE_NS, first_write)))),
            clients(FinalReads.of(nodes, services_until)),
        ),
        checkers=registry_checkers(),
    )


def next_operation(context: Context) -> dict[str, Any]:
    """One client operation, drawn; unique in the run by `context.step`."""
    draw = context.draw
    instance = context.step // OPERATIONS_PER_SLIDE + draw.below(WINDOW, "instance")
    roll = draw.below(100, "f")
    for f, weight in _WEIGHTS:
        roll -= weight
        if roll < 0:
            break
    match f:
        case "register":
            return {"f": f, "key": instance_key(instance), "value": f"r{context.step}"}
        case "list":
            return {"f": f, "key": service_of(instance)}
    return {"f": f, "key": instance_key(instance)}


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
