"""Workload `registry`: clients register, update, deregister and look up instances; nothing may be lost.

Half of the clients do operations of all kinds, the others only read. A client whose write hangs at a deposed
leader cannot send a read to it, and the reads that such a leader still answers are the interesting ones.

The clients work on a window of instances that moves on: each instance is in the window for some 160
operations and is then left as it is, so its loss would show at the end. Every registration and every update
writes an id of its own, so a read shows which of them it saw. Nearly half of the updates find no instance to
change, and their replies say so. Which instances of the window are chosen is drawn for each stretch of
operations: all alike, a few hot ones, many, or such as live shortly (`STRETCHES`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from checkers.models.registry import RegistryEntry
from checkers.registry.suite import registry_checkers
from checkers.watching.indices import IndexWatch
from checkers.watching.keys import KeyWatch
from harness.client.data_types import REGISTRY
from harness.generator import Context, Draw, Generator, GeneratorLike, limit
from harness.workload.base import Workload
from harness.workload.final_reads import recover_and_read
from harness.workload.sharing import half_only_read

WINDOW = 20
"""How many instances are worked on at a time."""
OPERATIONS_PER_SLIDE = 8
"""After this many operations the window moves on by one instance."""
INSTANCES_PER_SERVICE = 16
MANY = 2 * WINDOW
"""How many instances are worked on in a stretch of many."""
STRETCH = 60
"""After this many operations of all kinds, or reads, another kind of stretch is drawn."""
_MIXED = {"register": 50, "update": 12, "deregister": 23, "lookup": 10, "list": 5}
_BRIEF = {"register": 42, "update": 4, "deregister": 42, "lookup": 8, "list": 4}
_READS = {"lookup": 65, "list": 20, "stale-lookup": 10, "stale-list": 5}
"""A stale read returns a node's own state, however old; checkers judge it by what it promises."""


def _even(first: int, draw: Draw) -> int:
    return first + draw.below(WINDOW, "instance")


def _many(first: int, draw: Draw) -> int:
    return first + draw.below(MANY, "instance")


def _hot(first: int, draw: Draw) -> int:
    """The k-th of some instances, from 1, is chosen with a share of 1/k (Zipf's law). The hottest stays so
    while the window moves on by its own width."""
    roll = draw.below(_ZIPF[-1], "instance")
    return first // WINDOW * WINDOW + next(place for place, bound in enumerate(_ZIPF) if roll < bound)


_ZIPF = tuple(accumulate(5040 // place for place in range(1, WINDOW + 1)))
"""The k-th number minus the one before it is a share of 1/k, in whole numbers."""

Choose = Callable[[int, Draw], int]
"""A function from the first instance of the window to a drawn one."""
STRETCHES: Sequence[tuple[Choose, Mapping[str, int]]] = (
    *((_even, _MIXED),) * 4,
    *((_hot, _MIXED),) * 2,
    (_many, _MIXED),
    (_hot, _BRIEF),
)
"""Each is equally likely: how its operations choose an instance, and the shares of kinds of operations."""


def registry(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    return Workload(
        name="registry",
        data_type=REGISTRY,
        generator=half_only_read(concurrency, mixed_stretch, read_stretch),
        final=recover_and_read(first_write, nodes, services_until, each_kind=each_kind()),
        checkers=registry_checkers(),
        watches=lambda: (KeyWatch(RegistryEntry()), IndexWatch()),
    )


def mixed_stretch(context: Context) -> Generator:
    """Some operations of all kinds, which choose their instances in a drawn way."""
    choose, percent = context.draw.choose(STRETCHES, "stretch")
    return limit(STRETCH, partial(_operation, percent=percent, choose=choose))


def read_stretch(context: Context) -> Generator:
    """Some operations that change nothing, which choose their instances in a drawn way."""
    choose, _ = context.draw.choose(STRETCHES, "stretch")
    return limit(STRETCH, partial(_operation, percent=_READS, choose=choose))


def mixed_operation(context: Context) -> dict[str, Any]:
    """A drawn operation of any kind, on any instance of the window."""
    return _operation(context, _MIXED)


def read_operation(context: Context) -> dict[str, Any]:
    """A drawn operation that changes nothing, on any instance of the window."""
    return _operation(context, _READS)


def each_kind() -> tuple[GeneratorLike, ...]:
    """One operation of each kind, on the first instance."""
    key = instance_key(0)
    reads = [{"f": f, "key": service_of(0) if f.endswith("list") else key} for f in _READS]
    return (_first_update, *reads, {"f": "deregister", "key": key}, first_write)


def _first_update(context: Context) -> dict[str, Any]:
    return {"f": "update", "key": instance_key(0), "value": f"r{context.step}"}


def _operation(context: Context, percent: Mapping[str, int], choose: Choose = _even) -> dict[str, Any]:
    """An operation on a drawn instance of the window; `context.step` makes its registration id unique."""
    draw = context.draw
    instance = choose(context.step // OPERATIONS_PER_SLIDE, draw)
    f = _drawn_f(draw.below(100, "f"), percent)
    match f:
        case "register" | "update":
            return {"f": f, "key": instance_key(instance), "value": f"r{context.step}"}
        case "list" | "stale-list":
            return {"f": f, "key": service_of(instance)}
    return {"f": f, "key": instance_key(instance)}


def _drawn_f(roll: int, percent: Mapping[str, int]) -> str:
    """The operation that a roll below 100 falls on."""
    for f, share in percent.items():
        roll -= share
        if roll < 0:
            return f
    raise ValueError(f"the shares {percent} do not add up to 100")


def first_write(context: Context) -> dict[str, Any]:
    """A registration that shows that writes are acknowledged again; it is read back like any other."""
    return {"f": "register", "key": instance_key(0), "value": f"r{context.step}"}


def service_of(instance: int) -> str:
    """The service of the instance of that number."""
    return f"svc-{instance // INSTANCES_PER_SERVICE}"


def instance_key(instance: int) -> str:
    """The key of the instance of that number, unique for up to 65,000 of them."""
    high, low = divmod(instance, 250)
    return f"{service_of(instance)}/10.0.{high}.{low + 1}:8080"


def services_until(step: int) -> tuple[str, ...]:
    """Every service that the first `step` operations of a run may have used."""
    last = (step // OPERATIONS_PER_SLIDE + MANY) // INSTANCES_PER_SERVICE
    return tuple(f"svc-{number}" for number in range(last + 1))
