"""Workloads `queue` and `fifo-queue`: clients put texts into queues and take them out; at last, all is taken.

Every text is put in once only. A queue is used for a while. In the end every queue is drained: it is asked
again and again, until it was empty several times in a row with a pause between, since a queue that delivers
at least once gives out again what a client took and did not confirm. The drain ends within a bound.

`queue` is for systems that promise that nothing is lost, and no more: it counts what came out twice.
`fifo-queue` is for those that promise a linearizable queue: first in first out, each text once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from checkers.check_all import Suite
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models.queue import Queue
from checkers.run.suite import cluster_checkers
from checkers.watching.keys import KeyWatch
from checkers.workloads.elements.total_queue import TotalQueue
from harness.client.data_types import FIFO_QUEUE, QUEUE
from harness.generator import (
    PENDING,
    Answer,
    Context,
    Generator,
    Pending,
    clients,
    phases,
    time_limit,
)
from harness.workload.base import Workload
from harness.workload.final_reads import recover
from harness.workload.general.windows import Window
from history import Operation
from history.units import SECOND_NS

KEYS = Window("queue", width=3, operations_per_slide=60)
WRITES = ("enqueue", "dequeue")
ENQUEUES_PERCENT = 52
"""A little more than half, so that a dequeue seldom finds its queue empty, and little is left to be drained.
"""
EMPTY_ANSWERS = 3
"""A queue is drained when it was empty this many times in a row."""
PAUSE_NS = SECOND_NS
"""The time between two of these answers, and after one that failed."""
DRAIN_TRIES = 10
"""A queue is given up after this many dequeues in a row without an answer."""
DRAIN_BOUND_NS = 60 * SECOND_NS


def queue(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for systems that lose nothing, and may give out a text twice and in any order."""
    del nodes, concurrency  # all clients do the same, on whichever node
    return Workload(
        name="queue",
        data_type=QUEUE,
        generator=enqueue_or_dequeue,
        final=recover_and_drain(),
        checkers=Suite((TotalQueue(missing_as_taken=True),)) + cluster_checkers(WRITES),
    )


def fifo_queue(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for systems with linearizable queues."""
    del nodes, concurrency  # all clients do the same, on whichever node
    judges = Suite((TotalQueue(exactly_once=True, missing_as_taken=True), LinearizabilityOf(Queue())))
    return Workload(
        name="fifo-queue",
        data_type=FIFO_QUEUE,
        generator=enqueue_or_dequeue,
        final=recover_and_drain(),
        checkers=judges + cluster_checkers(WRITES),
        watches=lambda: (KeyWatch(Queue()),),
    )


def enqueue_or_dequeue(context: Context) -> dict[str, Any]:
    """An enqueue or a dequeue of a drawn queue; `context.step` makes the text unique."""
    if context.draw.below(100, "f") < ENQUEUES_PERCENT:
        return {"f": "enqueue", "key": KEYS.drawn(context), "value": text_of(context.step)}
    return {"f": "dequeue", "key": KEYS.drawn(context)}


def first_enqueue(context: Context) -> dict[str, Any]:
    """An enqueue that shows that writes are acknowledged again."""
    return {"f": "enqueue", "key": KEYS.key(0), "value": text_of(context.step)}


def text_of(step: int) -> str:
    """A text that no other operation puts in."""
    return f"e{step}"


def recover_and_drain() -> Generator:
    """Try an enqueue until it succeeds, then take everything out of all queues."""
    drain = Drain(KEYS.until)
    return phases(recover(first_enqueue), clients(time_limit(DRAIN_BOUND_NS, drain)))


class QueueDrain(msgspec.Struct, frozen=True):
    """How far one queue has been drained."""

    key: str
    in_flight: int | None = None
    """The process that asks it now."""
    empty: int = 0
    """How many times in a row it was empty."""
    tries: int = DRAIN_TRIES
    not_before: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it is drained, or given up."""
        return self.empty == EMPTY_ANSWERS or self.tries == 0

    def after(self, event: Operation, now: int) -> QueueDrain:
        """The same queue after an answer, or after none."""
        if event.type != "ok":
            return QueueDrain(self.key, None, 0, self.tries - 1, now + PAUSE_NS)
        if event.value is None:
            return QueueDrain(self.key, None, self.empty + 1, DRAIN_TRIES, now + PAUSE_NS)
        return QueueDrain(self.key, None, 0, DRAIN_TRIES, now)


class Drain(msgspec.Struct, frozen=True):
    """A generator that takes everything out of all queues, with one dequeue of each in flight at most."""

    keys_until: Callable[[int], tuple[str, ...]]
    queues: tuple[QueueDrain, ...] | None = None

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The next dequeue of the first queue that waits for one."""
        if self.queues is None:
            queues = tuple(QueueDrain(key) for key in self.keys_until(context.step))
            return Drain(self.keys_until, queues).op(context)
        left = [queue for queue in self.queues if not queue.is_over]
        if not left:
            return None, self
        idle = [queue for queue in left if queue.in_flight is None]
        ready = next((queue for queue in idle if queue.not_before <= context.now), None)
        process = context.free_process()
        if process is None or not idle:
            return PENDING, self
        if ready is None:
            return Pending(min(queue.not_before for queue in idle)), self
        operation = Operation(-1, context.now, process, "invoke", "dequeue", ready.key)
        return operation, self._with(msgspec.structs.replace(ready, in_flight=process))

    def update(self, context: Context, event: Operation) -> Generator:
        """Note what became of a dequeue of this drain."""
        if event.type == "invoke" or self.queues is None:
            return self
        asked = next((queue for queue in self.queues if queue.in_flight == event.process), None)
        return self if asked is None else self._with(asked.after(event, context.now))

    def _with(self, changed: QueueDrain) -> Drain:
        queues = tuple(changed if one.key == changed.key else one for one in self.queues or ())
        return Drain(self.keys_until, queues)
