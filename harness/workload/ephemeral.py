"""Workload `ephemeral`: instances register, send beats for a while, fall silent, and are looked up.

No client asks for an expiry, so the history does not contain it. The checker `expiry` reads it from the
nodes' traces and judges all replies together with it; for a system without traces its verdict is `unknown`.
The window of instances moves on and leaves silent instances behind, so every run has expiries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.check_all import Suite
from checkers.raft import raft_checkers
from checkers.registry.beats import Beats
from checkers.registry.expiry import Expiry
from checkers.registry.linearizability import IndexHonesty, Linearizability
from checkers.registry.linearizability.portfolio import Judgements
from checkers.run.suite import run_checkers
from harness.client.data_types import EPHEMERAL
from harness.generator import Context
from harness.workload.base import Workload
from harness.workload.final_reads import recover_and_read
from harness.workload.registry import instance_key, service_of

WINDOW = 8
"""How many instances are worked on at a time."""
OPERATIONS_PER_SLIDE = 40
"""After this many operations the window moves on by one."""

_REGISTER, _UPDATE, _DEREGISTER, _BEAT, _LIST = 22, 30, 36, 65, 75
"""Shares of a roll below 100: below the first it registers, below the next it updates, ...; else a lookup."""


def ephemeral(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes."""
    del concurrency  # all clients do the same
    return Workload(
        name="ephemeral",
        data_type=EPHEMERAL,
        generator=mixed_operation,
        final=recover_and_read(first_write, nodes, keys_until, kinds=("lookup",)),
        checkers=ephemeral_checkers(),
    )


def ephemeral_checkers() -> Suite:
    """The checkers that judge a run."""
    judgements = Judgements()
    of_replies = Suite((Expiry(), Linearizability(judgements), IndexHonesty(judgements)), (Beats(),))
    return of_replies + raft_checkers() + run_checkers()


def mixed_operation(context: Context) -> dict[str, Any]:
    """An operation on a drawn instance of the window; `context.step` makes its registration id unique."""
    instance = context.step // OPERATIONS_PER_SLIDE + context.draw.below(WINDOW, "instance")
    key, roll = instance_key(instance), context.draw.below(100, "f")
    if roll < _UPDATE:
        return {"f": "register" if roll < _REGISTER else "update", "key": key, "value": f"r{context.step}"}
    if _BEAT <= roll < _LIST:
        return {"f": "list", "key": service_of(instance)}
    return {"f": "deregister" if roll < _DEREGISTER else "beat" if roll < _BEAT else "lookup", "key": key}


def first_write(context: Context) -> dict[str, Any]:
    """A registration that shows that writes are acknowledged again."""
    return {"f": "register", "key": instance_key(0), "value": f"r{context.step}"}


def keys_until(step: int) -> tuple[str, ...]:
    """Every instance that the first `step` operations of a run may have used."""
    return tuple(instance_key(number) for number in range(step // OPERATIONS_PER_SLIDE + WINDOW))
