"""Workload `config`: clients publish, compare-and-set, remove and read configurations.

The clients work on a window of dataIds that moves on, as in `registry`. Every content is written once only. A
cas names the content that its key was last seen to hold. By then the key may hold another one: so some cas
succeed and some fail, and each reply says something about the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from checkers.check_all import Suite
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models.register import CasRegister
from checkers.raft import raft_checkers
from checkers.run.suite import run_checkers
from checkers.watching.keys import KeyWatch
from harness.client.data_types import CAS_REGISTER
from harness.generator import PENDING, Answer, Context, Generator
from harness.workload.base import Workload
from harness.workload.final_reads import recover_and_read
from history import Operation

WINDOW = 8
"""How many configurations are worked on at a time."""
OPERATIONS_PER_SLIDE = 40
"""After this many operations the window moves on by one."""
SEEN = 64
"""How many keys' last seen contents are remembered: more than a window, since replies come late."""
WRITES = ("write", "cas")

_CAS, _WRITE, _REMOVE = 40, 60, 65
"""Shares of a roll below 100: below the first a cas, below the next a write, then a removal, else a read."""


def config(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes."""
    del concurrency  # all clients do the same
    return Workload(
        name="config",
        data_type=CAS_REGISTER,
        generator=MixedOperations(),
        final=recover_and_read(first_write, nodes, keys_until, kinds=("read",)),
        checkers=config_checkers(),
        watches=lambda: (KeyWatch(CasRegister()),),
    )


def config_checkers() -> Suite:
    """The checkers of a run. The final reads are reads, so linearizability includes durability here."""
    return Suite((LinearizabilityOf(CasRegister()),)) + raft_checkers() + run_checkers(WRITES)


class MixedOperations(msgspec.Struct, frozen=True):
    """A generator of operations of all kinds, without an end."""

    seen: tuple[tuple[str, str | None], ...] = ()
    """Pairs of a key and the content that it was last seen to hold; the latest pair is last."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """An operation on a drawn key of the window; `context.step` makes its content unique."""
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
        """Remember the content that a successful operation showed."""
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
    """Every dataId that the first `step` operations of a run may have used."""
    return tuple(key_of(number) for number in range(step // OPERATIONS_PER_SLIDE + WINDOW))
