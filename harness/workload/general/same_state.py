"""Workload `same-state`: clients write, and in the end all nodes must hold the same state.

All operations change something, half of them after a comparison, since a crash in the middle of what a change
does to a node's disk is what makes nodes differ. Linearizability is not judged here: `cas` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.workloads.replicas.same_state import SameState
from harness.client.data_types import STATE
from harness.generator import Context, phases
from harness.workload.base import Workload
from harness.workload.final_reads import on_every_node, recover

WRITES = ("write", "cas")
KEYS = 20
_CAS_PERCENT = 50
ROUNDS = ("1", "2", "3")
"""Each node is asked for its state once in each round: while entries of a new leader still come, two nodes
are not at the same index."""


def same_state(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes."""
    del concurrency  # all clients do the same
    return Workload(
        name="same-state",
        data_type=STATE,
        generator=change,
        final=phases(recover(change), on_every_node(nodes, lambda _: ROUNDS, ("hash",))),
        checkers=same_state_checkers(),
    )


def same_state_checkers() -> Suite:
    """The checkers of a run."""
    return Suite((SameState(),)) + cluster_checkers(WRITES)


def change(context: Context) -> dict[str, Any]:
    """A write of a drawn key, or a cas that makes a key that was not there."""
    value = f"v{context.step}"
    if context.draw.below(100, "f") < _CAS_PERCENT:
        return {"f": "cas", "key": f"new-{context.step}", "value": [None, value]}
    return {"f": "write", "key": f"state-{context.draw.below(KEYS, 'key')}", "value": value}
