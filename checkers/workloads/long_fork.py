"""Long fork: two reads saw two writes in opposite orders, which no single sequence of snapshots shows.

Transactions, as Jepsen's `long-fork` has them: one write `[["w", KEY, VALUE]]`, each key once, or reads
alone, `[["r", KEY, VALUE], ...]`, where nothing has the value None. Operations are called `txn`, `read` or
`write`.

A read that saw X and not Y puts X's write before Y's. Where one read puts X before Y and another Y before X,
that is a long fork: parallel snapshot isolation (Sovran et al., SOSP 2011) allows it; snapshot isolation and
all stronger models do not. A cycle through several reads is the same. So the reads of a history agree exactly
if the graph of these orders has no cycle. A read of a value that was never written is a violation, too.

Time grows with the pairs of keys of which a read shows one and misses the other, memory with the different
pairs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from checkers.graphs import edges_of, small_cycle
from checkers.limits import MOST_EVIDENCE
from checkers.verdict import (
    Arrow,
    Evidence,
    IllegalOperation,
    Mark,
    Unjudged,
    Validity,
    Verdict,
    checked,
)
from checkers.words import sentence
from checkers.workloads.client_operations import (
    ClientOperation,
    client_operations,
    element,
    named,
    numbers,
)
from history import Recording

NAMES = ("txn", "read", "write")
WRITE, READ = "w", "r"


class TransactionStep(NamedTuple):
    """One step of a transaction."""

    key: Hashable
    value: Any
    called: Any
    """The key as the history has it."""


Node = tuple[str | None, Hashable]
"""A key of the store, with the history's own key where it has keys."""


class Order(NamedTuple):
    """A read that saw the write of `first` and not that of `second`."""

    read: ClientOperation
    first: Any
    second: Any


@dataclass(frozen=True)
class LongFork:
    """Compares the orders in which reads saw writes."""

    name: str = "long-fork"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of single writes and of reads of several keys.

        Raises:
            IllegalOperation: another operation, a transaction of another form, or a key written twice.
        """
        writes: dict[Node, tuple[ClientOperation, TransactionStep]] = {}
        reads: list[ClientOperation] = []
        for one in client_operations(recording.history, self.name, NAMES):
            writes_one, steps = _steps(one.at, one.invocation.value)
            if writes_one:
                node = one.invocation.key, steps[0].key
                if node in writes:
                    rule = (
                        f"{steps[0].called!r} is written a second time, after operation {writes[node][0].at}"
                    )
                    raise IllegalOperation(one.at, rule)
                writes[node] = one, steps[0]
            elif one.outcome == "ok":
                reads.append(one)
        garbage: list[Evidence] = []
        before: dict[tuple[Node, Node], Order] = {}
        several = 0
        for read in reads:
            steps = _reply(read)
            several += len(steps) > 1
            garbage += _garbage(read, steps, writes)
            _note_orders(before, read, steps)
        forks = [_fork(circle, writes) for circle in _circles(before)]
        evidence = (*garbage[:MOST_EVIDENCE], *forks)[:MOST_EVIDENCE]
        measures = {"writes": len(writes), "reads": len(reads), "orders": len(before), "forks": len(forks)}
        mark: Mark
        if evidence:
            found = len(garbage) + len(forks)
            mark, summary = Validity.INVALID, f"{found} violations; for example: {evidence[0].text}"
        elif not before:
            mark = Unjudged.NOT_EXERCISED
            summary = (
                f"none of {several} reads of several keys saw one write without another, "
                "so no order of writes is known"
            )
        else:
            mark = Validity.VALID
            summary = f"{len(reads)} reads saw {len(writes)} writes in one common order"
        return Verdict.marked(self.name, mark, summary, evidence, measures)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def _steps(operation: int, value: Any) -> tuple[bool, list[TransactionStep]]:
    """Whether a transaction is a write, and its steps."""
    steps: list[TransactionStep] = []
    wrote = 0
    for step in value if isinstance(value, list | tuple) else ():
        if type(step) not in (list, tuple) or len(step) != 3 or (step[0] != READ and step[0] != WRITE):
            raise _another(operation, value)
        f, key, to = step
        wrote += f == WRITE
        if wrote and (steps or to is None):
            raise _another(operation, value)
        steps.append(TransactionStep(element(key), to, key))
    if not steps:
        raise _another(operation, value)
    if len(steps) > 1 and len({step.key for step in steps}) < len(steps):
        raise IllegalOperation(operation, f"a transaction reads a key once, not {value!r}")
    return wrote > 0, steps


def _another(operation: int, value: Any) -> IllegalOperation:
    form = 'a transaction is one write [["w", key, value]], or reads [["r", key, value], ...]'
    return IllegalOperation(operation, f"{form}, not {value!r}")


def _reply(read: ClientOperation) -> list[TransactionStep]:
    """The steps of a read's reply."""
    wrote, steps = _steps(read.positions[-1], read.reply)
    if wrote or [step.called for step in steps] != [step[1] for step in read.invocation.value]:
        raise IllegalOperation(read.positions[-1], "the reply shows other keys than the read asked for")
    return steps


def _garbage(
    read: ClientOperation,
    steps: list[TransactionStep],
    writes: Mapping[Node, tuple[ClientOperation, TransactionStep]],
) -> Iterator[Evidence]:
    for step in steps:
        if step.value is None:
            continue
        write, wrote = writes.get((read.invocation.key, step.key), (None, None))
        if write is None or wrote is None:
            why = "a value that no client wrote"
        elif element(wrote.value) != element(step.value):
            why = f"but the only write of that key, operation {write.at}, wrote {wrote.value!r}"
        elif write.outcome == "fail":
            why = f"but operation {write.at}, which was to write it, failed"
        elif write.at > read.until:
            why = f"but operation {write.at}, which wrote it, began only after the read had ended"
        else:
            continue
        text = f"Operation {read.at} read {step.value!r} of {step.called!r}, {why}."
        yield Evidence(
            f"operation {read.at} read a value that was not written",
            text,
            numbers(read, *([] if write is None else [write])),
        )


def _note_orders(
    before: dict[tuple[Node, Node], Order], read: ClientOperation, steps: list[TransactionStep]
) -> None:
    """Note, by pair of keys, the first read that puts one's write before the other's."""
    seen = [step for step in steps if step.value is not None]
    if not seen or len(seen) == len(steps):
        return
    key = read.invocation.key
    for second in steps:
        if second.value is None:
            for first in seen:
                pair = (key, first.key), (key, second.key)
                if pair not in before:
                    before[pair] = Order(read, first.called, second.called)


def _circles(before: Mapping[tuple[Node, Node], Order]) -> list[list[Order]]:
    """Pairs of reads that disagree; if there is none, one cycle of several reads, if there is one."""
    pairs = [
        [order, other]
        for (first, second), order in before.items()
        if (other := before.get((second, first))) is not None and order.read.at < other.read.at
    ]
    if pairs:
        return pairs
    after: dict[Node, list[Node]] = {}
    for first, second in before:
        after.setdefault(first, []).append(second)
    cycle = small_cycle(after)
    return [] if cycle is None else [[before[edge] for edge in edges_of(cycle)]]


def _fork(circle: list[Order], writes: Mapping[Node, tuple[ClientOperation, TransactionStep]]) -> Evidence:
    saw = [
        f"operation {order.read.at} saw the write of {order.first!r} and not that of {order.second!r}"
        for order in circle
    ]
    wrote = [writes.get((order.read.invocation.key, element(order.first))) for order in circle]
    known = [found[0] for found in wrote if found is not None]
    links: tuple[Arrow, ...] = ()
    if len(known) == len(circle):
        steps = zip(known, (*known[1:], known[0]), saw, strict=True)
        links = tuple(Arrow(one.at, other.at, "seen", text) for one, other, text in steps)
    text = "; ".join(saw)
    text = f"{sentence(text)}. No single order of the writes explains all of these reads."
    title = f"{named([order.read for order in circle])} saw writes in opposite orders (long fork)"
    return Evidence(title, text, numbers(*(order.read for order in circle), *known), links=links)
