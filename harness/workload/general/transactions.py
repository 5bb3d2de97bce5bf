"""Workloads `append` and `txn`: transactions of several steps on several keys, which must be all or nothing.

A transaction has one to four steps on a window of keys that moves on. In `append` a key holds a list: a write
appends a number to it, so each read shows the order of all writes before it. In `txn` a key holds one number,
and a write puts another one there: a read shows only the latest. Every number is written once only, so a read
shows which transaction wrote it. Both are judged for strict
serializability, unless the system states another model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.transactions.consistency import LIST_APPEND, RW_REGISTER
from checkers.transactions.promised import PromisedIsolation
from harness.client.data_types import APPEND, TXN
from harness.generator import Context, phases
from harness.workload.base import Workload
from harness.workload.final_reads import on_every_node, recover
from harness.workload.general.windows import Window

WRITES = ("txn",)
"""A transaction that only reads is none, whatever its name: see checkers/run/writes.py."""
MOST_STEPS = 4
WRITES_PERCENT = 50
"""Of the steps."""
LISTS = Window("list", width=4, operations_per_slide=30)
REGISTERS = Window("register", width=5, operations_per_slide=30)


def append(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload on lists."""
    del concurrency  # all clients do the same
    return _workload("append", APPEND, nodes, LISTS, "append", PromisedIsolation(LIST_APPEND))


def txn(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload on registers."""
    del concurrency  # all clients do the same
    return _workload("txn", TXN, nodes, REGISTERS, "w", PromisedIsolation(RW_REGISTER))


def _workload(
    name: str,
    data_type: str,
    nodes: Sequence[str],
    keys: Window,
    write: Literal["append", "w"],
    judge: PromisedIsolation,
) -> Workload:
    def first_write(context: Context) -> dict[str, Any]:
        return {"f": "txn", "value": [[write, keys.apart(context), context.step * MOST_STEPS]]}

    def read(key: str, _step: int) -> tuple[None, Any]:
        return None, [["r", key, None]]

    return Workload(
        name=name,
        data_type=data_type,
        generator=transaction(keys, write),
        final=phases(recover(first_write), on_every_node(nodes, keys.until, ("txn",), read)),
        checkers=Suite((judge,)) + cluster_checkers(WRITES),
    )


def transaction(keys: Window, write: Literal["append", "w"]) -> Callable[[Context], dict[str, Any]]:
    """A function that makes a drawn transaction; `context.step` makes its numbers unique."""

    def made(context: Context) -> dict[str, Any]:
        draw = context.draw
        steps: list[list[Any]] = []
        for place in range(draw.between(1, MOST_STEPS, "steps")):
            step = context.branch(place)
            if step.draw.below(100, "f") < WRITES_PERCENT:
                steps.append([write, keys.drawn(step), context.step * MOST_STEPS + place])
            else:
                steps.append(["r", keys.drawn(step), None])
        return {"f": "txn", "value": steps}

    return made
