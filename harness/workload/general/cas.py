"""Workload `cas`: clients write, compare-and-set, remove and read values.

Every value is written once only. A cas names the value that its key was last seen to hold. By then the key
may hold another one: so some cas succeed and some fail, and each reply says something about the state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from checkers.check_all import Suite
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models.register import CasRegister
from checkers.run.suite import cluster_checkers
from checkers.watching.keys import KeyWatch
from harness.client.data_types import CAS_REGISTER
from harness.generator import PENDING, Answer, Context, Generator
from harness.workload.base import Workload
from harness.workload.final_reads import recover_and_read
from harness.workload.general.windows import Window
from history import Operation

KEYS = Window("cas", width=8, operations_per_slide=40)
SEEN = 64
"""How many keys' last seen values are remembered: more than a window, since replies come late."""
WRITES = ("write", "cas")

_CAS, _WRITE, _REMOVE = 40, 60, 65
"""Shares of a roll below 100: below the first a cas, below the next a write, then a removal, else a read."""


def cas(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes."""
    del concurrency  # all clients do the same
    return Workload(
        name="cas",
        data_type=CAS_REGISTER,
        generator=MixedOperations(value_of),
        final=recover_and_read(first_write, nodes, KEYS.until, kinds=("read",)),
        checkers=cas_checkers(),
        watches=lambda: (KeyWatch(CasRegister()),),
    )


def cas_checkers() -> Suite:
    """The checkers of a run. The final reads are reads, so linearizability includes durability here."""
    return Suite((LinearizabilityOf(CasRegister()),)) + cluster_checkers(WRITES)


class MixedOperations(msgspec.Struct, frozen=True):
    """A generator of operations of all kinds, without an end."""

    value_of: Callable[[int], Any]
    """Makes a value that no other operation writes, from the number of the step."""
    removes: bool = True
    """Whether keys are removed, too."""
    seen: tuple[tuple[str, Any], ...] = ()
    """Pairs of a key and the value that it was last seen to hold; the latest pair is last."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """An operation on a drawn key of the window; `context.step` makes its value unique."""
        process = context.free_process()
        if process is None:
            return PENDING, self
        key = KEYS.drawn(context)
        roll, written = context.draw.below(100, "f"), self.value_of(context.step)
        held = dict(self.seen).get(key)
        f: str = "read"
        value: Any = None
        if roll < _CAS and held is not None:
            f, value = "cas", [held, written]
        elif roll < _WRITE:
            f, value = "write", written
        elif roll < _REMOVE and self.removes:
            f = "write"
        return Operation(-1, context.now, process, "invoke", f, key, value), self

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        """Remember the value that a successful operation showed."""
        if event.type != "ok" or event.key is None or event.value is False:
            return self
        held = event.value[1] if event.f == "cas" else event.value
        others = [(key, value) for key, value in self.seen if key != event.key]
        return msgspec.structs.replace(self, seen=(*others, (event.key, held))[-SEEN:])


def first_write(context: Context) -> dict[str, Any]:
    """A write that shows that writes are acknowledged again."""
    return {"f": "write", "key": KEYS.apart(context), "value": value_of(context.step)}


def value_of(step: int) -> str:
    """A value that no other operation writes."""
    return f"v{step}"
