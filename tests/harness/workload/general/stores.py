"""Tiny stores in memory, right and wrong, and runs of a workload against them in virtual time.

Each operation takes effect when it is invoked, and is answered some milliseconds later. Every `unknown`-th
operation that is no read ends as `info`: every second one of these took effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from checkers.check_all import Results, results
from checkers.verdict import Validity
from harness.client.data_types import READS
from harness.drivers.virtual import simulate
from harness.generator import clients, phases, stagger, time_limit
from harness.generator import nemesis as on_nemesis
from harness.workload import Workload, workload
from history import History, NodeLife, Operation, Recording
from history.nemesis import FaultKind
from history.units import MILLISECOND_NS as MS
from history.units import SECOND_NS

NODES = ("n1", "n2", "n3")
WITHOUT_EVIDENCE = {"lacks": ["traces", "indices"], "minimum_acknowledged": 50}
"""The options of a run of a system that writes no traces and names no indices."""

Took = tuple[str, Any]
"""How an operation ended: its type, and its value."""


class Store:
    """A store of any data type; `carry_out` says what an operation does."""

    def __init__(self, carry_out: Callable[[Operation, int], Took], unknown: int = 0) -> None:
        self._carry_out = carry_out
        self._unknown = unknown
        self._writes = 0

    def perform(self, op: Operation, now: int) -> tuple[Operation, int]:
        """The completion of an operation, and after how many nanoseconds it arrives."""
        if not op.is_client:
            return msgspec.structs.replace(op, type="info", value={"actions": []}), MS
        latency = (1 + (op.time // 1000) % 4) * MS
        if op.f not in READS:
            self._writes += 1
            if self._unknown and self._writes % self._unknown == 0:
                if self._writes // self._unknown % 2:
                    self._carry_out(op, now)
                return msgspec.structs.replace(op, type="info", error="timed out after 2 s"), latency
        kind, value = self._carry_out(op, now)
        return msgspec.structs.replace(op, type=kind, value=value), latency


def history_of(
    name: str,
    carry_out: Callable[[Operation, int], Took],
    *,
    seconds: float = 4,
    seed: int = 1,
    unknown: int = 29,
    threads: int = 6,
    nodes: Sequence[str] = NODES,
) -> History:
    """What a run of that workload against a store leaves: work, the final heal, the final reads."""
    work = workload(name, nodes, threads)
    return history_of_work(work, carry_out, seconds, seed, unknown, threads, nodes)


def history_of_work(
    work: Workload,
    carry_out: Callable[[Operation, int], Took],
    seconds: float,
    seed: int,
    unknown: int,
    threads: int,
    nodes: Sequence[str],
) -> History:
    """As `history_of`, of a workload that is not listed."""
    main = time_limit(round(seconds * SECOND_NS), clients(stagger(4 * MS, work.generator)))
    heal = on_nemesis([{"f": "final-heal"}])
    store = Store(carry_out, unknown)
    course = phases(main, heal, work.final)
    return simulate(course, threads=threads, nodes=nodes, seed=seed, perform=store.perform)


def judged(name: str, history: History, nodes: Sequence[str] = NODES) -> Results:
    """The verdicts of the workload's checkers on a system that gives neither traces nor indices."""
    return results(workload(name, nodes, 6).checkers, recording_of(history, nodes))


def recording_of(
    history: History,
    nodes: Sequence[str],
    options: Mapping[str, Any] | None = None,
    fault_kinds: Sequence[FaultKind] = (),
) -> Recording:
    """A history as a recording of such a system, whose nodes lived to the end and logged nothing."""
    end = history[len(history) - 1].time if len(history) else 0
    lives = tuple(NodeLife(node, 1, 10 + place, 0, end, 0, "teardown") for place, node in enumerate(nodes))
    return Recording(
        tuple(nodes),
        history,
        lives=lives,
        logs={node: Path("/dev/null") for node in nodes},
        options={**WITHOUT_EVIDENCE, **(options or {})},
        fault_kinds=tuple(fault_kinds),
    )


def found_by(found: Results) -> set[str]:
    """The checkers that found a violation."""
    return {verdict.checker for verdict in found.verdicts if verdict.validity is Validity.INVALID}
