"""Workload `lin-kv`: as `cas`, but of whole numbers and without removals, as Maelstrom has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.models.register import CasRegister
from checkers.watching.keys import KeyWatch
from harness.client.data_types import KEY_VALUE
from harness.generator import Context
from harness.workload.base import Workload
from harness.workload.final_reads import recover_and_read
from harness.workload.general.cas import KEYS, MixedOperations, cas_checkers


def lin_kv(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes."""
    del concurrency  # all clients do the same
    return Workload(
        name="lin-kv",
        data_type=KEY_VALUE,
        generator=MixedOperations(itself, removes=False),
        final=recover_and_read(first_write, nodes, KEYS.until, kinds=("read",)),
        checkers=cas_checkers(),
        watches=lambda: (KeyWatch(CasRegister()),),
    )


def first_write(context: Context) -> dict[str, Any]:
    """A write that shows that writes are acknowledged again."""
    return {"f": "write", "key": KEYS.apart(context), "value": context.step}


def itself(step: int) -> int:
    """The number of a step, as a value that no other operation writes."""
    return step
