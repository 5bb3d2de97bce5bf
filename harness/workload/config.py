"""Workload `config`: configurations are published, swapped by their md5, removed and read.

A window of dataIds slides, as in `registry`. Contents are unique. A cas names the content that its key was
last seen to hold, which by then it may hold no longer: so some cas succeed, some find another content,
and each reply says something of the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models.register import CasRegister
from checkers.raft import raft_checkers
from checkers.run.node_health import NodeHealth
from checkers.run.recovery import Recovery
from checkers.run.stats import Stats
from checkers.run.unhandled_errors import UnhandledErrors
from checkers.run.vacuity import Vacuity
from checkers.verdict import Checker
from harness.client.codecs.config import ConfigCodec
from harness.generator import (
    PENDING,
    Answer,
    Context,
    Generator,
    clients,
    delay,
    phases,
    time_limit,
    until_ok,
)
from harness.workload.base import Workload
from harness.workload.final_reads import FinalReads
from history import Operation

WINDOW = 8
"""Configurations worked on at a time."""
OPERATIONS_PER_SLIDE = 40
"""After this many operations the window moves on by one."""
SEEN = 64
"""Keys of which the content last seen is remembered: more than a window, as replies come late."""
WRITES = ("write", "cas")
RECOVERY_TRIES_NS = 20_000_000_000
RECOVERY_PAUSE_NS = 50_000_000

_CAS, _WRITE, _REMOVE = 40, 60, 65
"""Of a hundred operations those below the first are cas, below the next writes, then removals, then reads."""


def config(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for a cluster of these nodes."""
    del concurrency  # clients are all alike
    return Workload(
        name="config",
        codec=ConfigCodec(),
        generator=MixedOperations(),
        final=phases(
            clients(time_limit(RECOVERY_TRIES_NS, until_ok(delay(RECOVERY_PAUSE_NS, first_write)))),
            clients(FinalReads.of(nodes, keys_until, ways=("read",))),
        ),
        checkers=config_checkers(),
    )


def config_checkers() -> tuple[Checker, ...]:
    """Those that judge a run; durability is part of linearizability here, as the final reads are reads."""
    return (
        LinearizabilityOf(CasRegister()),
        *raft_checkers(),
        Recovery(writes=WRITES),
        NodeHealth(),
        Vacuity(writes=WRITES),
        UnhandledErrors(),
        Stats(),
    )


class MixedOperations(msgspec.Struct, frozen=True):
    """A generator of all kinds of operations; endless."""

    seen: tuple[tuple[str, str | None], ...] = ()
    """(key, content it was last seen to hold), the latest news last."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """One operation on a drawn key of the window; what it writes is unique by `context.step`."""
        process = context.free_process()
        if process is None:
            return PENDING, self
        key = key_of(context.step // OPERATIONS_PER_SLIDE + context.draw.below(WINDOW, "key"))
        roll, content = context.draw.below(100, "f"), content_of(context.step)
        held = dict(self.seen).get(key)
        f: str = "read"
        value: Any = None
        if roll < _CAS and held is not None:
            f, value = "cas", [held, content]
        elif roll < _WRITE:
            f, value = "write", content
        elif roll < _REMOVE:
            f = "write"
        return Operation(-1, context.now, process, "invoke", f, key, value), self

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        """Learn from what succeeded."""
        if event.type != "ok" or event.key is None or event.value is False:
            return self
        held = event.value[1] if event.f == "cas" else event.value
        others = [(key, content) for key, content in self.seen if key != event.key]
        return MixedOperations((*others, (event.key, held))[-SEEN:])


def first_write(context: Context) -> dict[str, Any]:
    """A write that shows that writes are acknowledged again."""
    return {"f": "write", "key": key_of(0), "value": content_of(context.step)}


def key_of(number: int) -> str:
    """The dataId of that number."""
    return f"config-{number}"


def content_of(step: int) -> str:
    """A content that no other operation writes."""
    return f"content {step}"


def keys_until(step: int) -> tuple[str, ...]:
    """Every dataId that a run which made `step` operations may have touched."""
    return tuple(key_of(number) for number in range(step // OPERATIONS_PER_SLIDE + WINDOW))
