"""Workload `lock`: clients acquire locks and release them; no two may hold one at once.

A client that holds a lock releases it as its next operation; one that holds none tries to acquire a drawn
one. The locks are few, so that clients compete for them. Acquire and release go through the same client, on
the same node, so the lock may belong to a session of that client. A session that ends by itself, as its lease
runs out, makes the next release `fail`: the lock was lost some time before. The checker `lock` claims nothing
of such a hold but the moment of its acquisition.

A process whose outcome is unknown is over, and its lock with it, if the system ever frees it: therefore the
window of locks moves on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.workloads.locks.lock import Lock
from harness.client.data_types import LOCK
from harness.generator import PENDING, Answer, Context, Generator
from harness.workload.base import Workload
from harness.workload.final_reads import recover
from harness.workload.general.windows import Window
from history import Operation

KEYS = Window("lock", width=3, operations_per_slide=100)
WRITES = ("acquire", "release")


def lock(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes."""
    del nodes, concurrency  # all clients do the same, each on its own node
    return Workload(
        name="lock",
        data_type=LOCK,
        generator=AcquireAndRelease(),
        final=recover(first_acquire),
        checkers=lock_checkers(),
    )


def lock_checkers() -> Suite:
    """The checkers of a run."""
    return Suite((Lock(),)) + cluster_checkers(WRITES)


class AcquireAndRelease(msgspec.Struct, frozen=True):
    """A generator of acquisitions and releases, without an end."""

    held: tuple[tuple[int, str], ...] = ()
    """Pairs of a process and the lock that it got and has not yet asked to release."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """A drawn free process releases the lock that it holds, or tries to acquire one."""
        process = context.free_process()
        if process is None:
            return PENDING, self
        key = dict(self.held).get(process)
        f = "acquire" if key is None else "release"
        return Operation(-1, context.now, process, "invoke", f, key or KEYS.drawn(context)), self

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        """Note which lock the process of this event holds now."""
        others = tuple(pair for pair in self.held if pair[0] != event.process)
        if event.f == "acquire" and event.type == "ok" and event.key is not None:
            return AcquireAndRelease((*others, (event.process, event.key)))
        return self if event.type == "invoke" or others == self.held else AcquireAndRelease(others)


def first_acquire(context: Context) -> dict[str, Any]:
    """An acquisition that shows that locks are given again; of a lock that no client can hold yet."""
    return {"f": "acquire", "key": KEYS.apart(context)}
