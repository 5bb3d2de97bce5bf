"""Workload `ephemeral`: instances register, beat for a while, fall silent, and are looked up.

That an instance expired is no client's operation: `expiry` takes it from the nodes' traces and judges all
replies together with it, so for a system without traces the verdict is `unknown`. The window slides on and
leaves instances behind in silence, so every run has expiries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.raft import raft_checkers
from checkers.registry.expiry import Expiry
from checkers.registry.linearizability import IndexHonesty, Linearizability
from checkers.registry.linearizability.portfolio import Judgements
from checkers.run.node_health import NodeHealth
from checkers.run.recovery import Recovery
from checkers.run.stats import Stats
from checkers.run.unhandled_errors import UnhandledErrors
from checkers.run.vacuity import Vacuity
from checkers.verdict import Checker
from harness.client.codecs.ephemeral import EphemeralCodec
from harness.generator import Context, clients, delay, phases, time_limit, until_ok
from harness.workload.base import Workload
from harness.workload.final_reads import FinalReads
from harness.workload.registry import instance_key, service_of

WINDOW = 8
"""Instances worked on at a time."""
OPERATIONS_PER_SLIDE = 40
"""After this many operations the window moves on by one."""
RECOVERY_TRIES_NS = 20_000_000_000
RECOVERY_PAUSE_NS = 50_000_000

_REGISTER, _UPDATE, _DEREGISTER, _BEAT, _LIST = 22, 30, 36, 65, 75
"""Of a hundred operations those below the first register, then update, and so on; the rest look up."""


def ephemeral(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for a cluster of these nodes."""
    del concurrency  # clients are all alike
    return Workload(
        name="ephemeral",
        codec=EphemeralCodec(),
        generator=mixed_operation,
        final=phases(
            clients(time_limit(RECOVERY_TRIES_NS, until_ok(delay(RECOVERY_PAUSE_NS, first_write)))),
            clients(FinalReads.of(nodes, keys_until, ways=("lookup",))),
        ),
        checkers=ephemeral_checkers(),
    )


def ephemeral_checkers() -> tuple[Checker, ...]:
    """Those that judge a run."""
    judgements = Judgements()
    return (
        Expiry(),
        Linearizability(judgements),
        IndexHonesty(judgements),
        *raft_checkers(),
        Recovery(),
        NodeHealth(),
        Vacuity(),
        UnhandledErrors(),
        Stats(),
    )


def mixed_operation(context: Context) -> dict[str, Any]:
    """One operation on a drawn instance of the window; its registration id is unique by `context.step`."""
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
    """Every instance that a run which made `step` operations may have touched."""
    return tuple(instance_key(number) for number in range(step // OPERATIONS_PER_SLIDE + WINDOW))
