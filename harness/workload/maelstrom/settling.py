"""Workloads `g-set`, `g-counter` and `pn-counter`: clients add and read; reads may lag behind.

They are Maelstrom's workloads of these names, and `broadcast`, which is a set. In the end, once all was quiet
for longer than nodes may need, every node is read: it must show everything that was acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.workloads.replicas.settled import SETTLE_S, SettledCounter, SettledSet
from harness.client.data_types import EVENTUAL_COUNTER, EVENTUAL_SET
from harness.generator import Context, GeneratorLike, phases, sleep
from harness.workload.base import Workload
from harness.workload.final_reads import on_every_node, recover
from history.units import SECOND_NS

WRITES = ("add",)
ADDS_PERCENT = 50
LARGEST_DELTA = 5
QUIET_NS = round((SETTLE_S + 1) * SECOND_NS)
"""How long nothing is asked before the final reads: longer than `settled-set` and `settled-counter` wait."""
ONLY = ("all",)
"""There is one set, or counter; it has no name on the wire."""


def g_set(nodes: Sequence[str], concurrency: int) -> Workload:
    """Numbers are added to one set, each once."""
    del concurrency  # all clients do the same
    return _workload("g-set", EVENTUAL_SET, nodes, add_element, Suite((SettledSet(),)))


def g_counter(nodes: Sequence[str], concurrency: int) -> Workload:
    """One counter grows."""
    del concurrency  # all clients do the same
    return _workload("g-counter", EVENTUAL_COUNTER, nodes, add_to_counter, Suite((SettledCounter(),)))


def pn_counter(nodes: Sequence[str], concurrency: int) -> Workload:
    """One counter grows and shrinks."""
    del concurrency  # all clients do the same
    return _workload("pn-counter", EVENTUAL_COUNTER, nodes, change_counter, Suite((SettledCounter(),)))


def _workload(
    name: str, data_type: str, nodes: Sequence[str], add: GeneratorLike, checkers: Suite
) -> Workload:
    return Workload(
        name=name,
        data_type=data_type,
        generator=mixed(add),
        final=phases(
            recover(add), sleep(QUIET_NS), on_every_node(nodes, lambda _: ONLY, ("read",), without_key)
        ),
        checkers=checkers + cluster_checkers(WRITES),
    )


def mixed(add: Any) -> Any:
    """A function that makes an addition, or a read."""

    def made(context: Context) -> dict[str, Any]:
        is_add = context.draw.below(100, "f") < ADDS_PERCENT
        return dict(add(context)) if is_add else {"f": "read"}

    return made


def add_element(context: Context) -> dict[str, Any]:
    """An addition of a number that no other operation adds."""
    return {"f": "add", "value": context.step}


def add_to_counter(context: Context) -> dict[str, Any]:
    """An addition of a drawn number, 0 or more."""
    return {"f": "add", "value": context.draw.below(LARGEST_DELTA + 1, "delta")}


def change_counter(context: Context) -> dict[str, Any]:
    """An addition of a drawn number, perhaps below 0."""
    return {"f": "add", "value": context.draw.between(-LARGEST_DELTA, LARGEST_DELTA, "delta")}


def without_key(_key: str, _step: int) -> tuple[None, None]:
    """The request of a final read."""
    return None, None
