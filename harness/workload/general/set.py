"""Workload `set`: clients add numbers to sets and read them whole; nothing that was added may be missing.

Half of the clients add and read, the others only read, as in `register`. Each number is added once only. A
set that is no longer in use stays as it is, so a number that is lost later is missing in the final reads,
which read every set from every node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.check_all import Suite
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models.set import Set
from checkers.run.suite import cluster_checkers
from checkers.watching.keys import KeyWatch
from checkers.workloads.elements.set_full import SetFull
from harness.client.data_types import SET
from harness.generator import Context
from harness.workload.base import Workload
from harness.workload.final_reads import recover_and_read
from harness.workload.general.windows import Window
from harness.workload.sharing import half_only_read

KEYS = Window("set", width=4, operations_per_slide=60)
WRITES = ("add",)
ADDS_PERCENT = 70
"""Of the operations of a client that also adds."""


def set_(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    return Workload(
        name="set",
        data_type=SET,
        generator=half_only_read(concurrency, add_or_read, read),
        final=recover_and_read(first_add, nodes, KEYS.until, kinds=("read",)),
        checkers=set_checkers(),
        watches=lambda: (KeyWatch(Set()),),
    )


def set_checkers() -> Suite:
    """The checkers of a run: one says which numbers are lost or stale, one judges all reads together."""
    return Suite((SetFull(linearizable=True), LinearizabilityOf(Set()))) + cluster_checkers(WRITES)


def add_or_read(context: Context) -> dict[str, Any]:
    """An addition to a drawn set, or a read of it; `context.step` makes the number unique."""
    if context.draw.below(100, "f") < ADDS_PERCENT:
        return {"f": "add", "key": KEYS.drawn(context), "value": context.step}
    return read(context)


def read(context: Context) -> dict[str, Any]:
    """A read of a drawn set."""
    return {"f": "read", "key": KEYS.drawn(context)}


def first_add(context: Context) -> dict[str, Any]:
    """An addition that shows that writes are acknowledged again."""
    return {"f": "add", "key": KEYS.apart(context), "value": context.step}
