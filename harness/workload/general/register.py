"""Workload `register`: clients write values and read them; every read must show what is there at some moment.

Half of the clients write and read, the others only read. A client whose write hangs at a deposed leader
cannot send a read to it, and the reads that such a leader still answers are the interesting ones. Every value
is written once only, so a read shows which write it saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.check_all import Suite
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models.register import ReadWriteRegister
from checkers.run.suite import cluster_checkers
from checkers.watching.keys import KeyWatch
from harness.client.data_types import REGISTER
from harness.generator import Context
from harness.workload.base import Workload
from harness.workload.final_reads import recover_and_read
from harness.workload.general.windows import Window
from harness.workload.sharing import half_only_read

KEYS = Window("register", width=6, operations_per_slide=40)
WRITES = ("write",)
WRITES_PERCENT = 60
"""Of the operations of a client that also writes."""


def register(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    return Workload(
        name="register",
        data_type=REGISTER,
        generator=half_only_read(concurrency, write_or_read, read),
        final=recover_and_read(first_write, nodes, KEYS.until, kinds=("read",)),
        checkers=register_checkers(),
        watches=lambda: (KeyWatch(ReadWriteRegister()),),
    )


def register_checkers() -> Suite:
    """The checkers of a run. The final reads are reads, so linearizability includes durability here."""
    return Suite((LinearizabilityOf(ReadWriteRegister()),)) + cluster_checkers(WRITES)


def write_or_read(context: Context) -> dict[str, Any]:
    """A write or a read of a drawn key; `context.step` makes the value unique."""
    if context.draw.below(100, "f") < WRITES_PERCENT:
        return {"f": "write", "key": KEYS.drawn(context), "value": value_of(context.step)}
    return read(context)


def read(context: Context) -> dict[str, Any]:
    """A read of a drawn key."""
    return {"f": "read", "key": KEYS.drawn(context)}


def first_write(context: Context) -> dict[str, Any]:
    """A write that shows that writes are acknowledged again."""
    return {"f": "write", "key": KEYS.apart(context), "value": value_of(context.step)}


def value_of(step: int) -> str:
    """A value that no other operation writes."""
    return f"v{step}"
