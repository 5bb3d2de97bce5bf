"""Workload `watch`: some clients write, the others watch; all must be shown one order, without a gap.

A watcher asks its own client, again and again, what its watch of a drawn key was shown so far. The watch
stays open from the first question to the end of the run, unless the client fails. In the end every key is
written once more on every node, so that what a watch missed lies between two values that it was shown.
Then each watcher asks for every key until it is shown one of these last values, or for a while in vain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.workloads.replicas.watch_order import SETTLE_S, WatchOrder
from harness.client.data_types import WATCH
from harness.generator import (
    PENDING,
    Answer,
    Context,
    Generator,
    GeneratorLike,
    Pending,
    each_thread,
    mix,
    on_threads,
    phases,
    reserve,
)
from harness.workload.base import Workload
from harness.workload.final_reads import PATIENCE_NS, on_every_node, recover
from harness.workload.general.windows import Window
from history import Operation
from history.units import MILLISECOND_NS, SECOND_NS

KEYS = Window("watched", width=3, operations_per_slide=80)
WRITES = ("write",)
LAST = "last"
"""What the values begin with that are written in the end."""
QUESTION_PAUSE_NS = 100 * MILLISECOND_NS
QUESTIONS = round(SETTLE_S * SECOND_NS / QUESTION_PAUSE_NS) + 5
"""How often a watcher asks for the last value of a key: for longer than the checker waits for it."""
QUESTIONS_IN_VAIN = 2
"""How often it asks where it was shown nothing: its watch may be younger than all values."""


def watch(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    writers = range(math.ceil(concurrency / 2))
    watchers = range(len(writers), concurrency) or range(1)
    last_writes = phases(recover(write_last), on_every_node(nodes, KEYS.until, ("write",), last_write))
    generator: GeneratorLike = mix(write, ask)
    if concurrency > 1:
        generator = reserve((len(writers), write), default=ask)
    return Workload(
        name="watch",
        data_type=WATCH,
        generator=generator,
        final=phases(
            on_threads(writers, last_writes),
            on_threads(watchers, each_thread(LastQuestions())),
        ),
        checkers=watch_checkers(),
    )


def watch_checkers() -> Suite:
    """The checkers of a run."""
    return Suite((WatchOrder(),)) + cluster_checkers(WRITES)


def write(context: Context) -> dict[str, Any]:
    """A write of a drawn key; `context.step` makes the value unique."""
    return {"f": "write", "key": KEYS.drawn(context), "value": f"v{context.step}"}


def ask(context: Context) -> dict[str, Any]:
    """A question of a watcher for a drawn key."""
    return {"f": "watch", "key": KEYS.drawn(context)}


def write_last(context: Context) -> dict[str, Any]:
    """A write that shows that writes are acknowledged again."""
    key, value = last_write(KEYS.key(0), context.step)
    return {"f": "write", "key": key, "value": value}


def last_write(key: str, step: int) -> tuple[str, str]:
    """One of the writes of a key in the end."""
    return key, f"{LAST}{step}"


class LastQuestions(msgspec.Struct, frozen=True):
    """A generator of one watcher: it asks for each key, the newest first, until it is shown a last value."""

    keys: tuple[str, ...] | None = None
    asked: int = 0
    """How often it asked for the first of the keys."""
    in_flight: bool = False
    not_before: int = 0
    ends_at: int = 0

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The next question."""
        if self.keys is None:
            keys = tuple(reversed(KEYS.until(context.step)))
            ends_at = context.now + PATIENCE_NS
            return LastQuestions(keys, ends_at=ends_at).op(context)
        if not self.keys or context.now >= self.ends_at:
            return (PENDING, self) if self.in_flight else (None, self)
        process = context.free_process()
        if self.in_flight or process is None:
            return PENDING, self
        if context.now < self.not_before:
            return Pending(self.not_before), self
        operation = Operation(-1, context.now, process, "invoke", "watch", self.keys[0])
        return operation, msgspec.structs.replace(self, in_flight=True)

    def update(self, context: Context, event: Operation) -> Generator:
        """Go on to the next key after a last value, or after enough questions in vain."""
        if event.type == "invoke" or not self.in_flight or not self.keys:
            return self
        shown = event.value if event.type == "ok" and isinstance(event.value, list | tuple) else ()
        asked = self.asked + 1
        is_last = bool(shown) and str(shown[-1]).startswith(LAST)
        if is_last or asked >= (QUESTIONS if shown else QUESTIONS_IN_VAIN):
            return LastQuestions(self.keys[1:], ends_at=self.ends_at)
        return LastQuestions(self.keys, asked, False, context.now + QUESTION_PAUSE_NS, self.ends_at)
