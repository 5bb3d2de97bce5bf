"""A broken replicated store of registers, and the histories that its clients record. It knows no checker.

Each process has a replica of its own. A transaction reads and writes at its replica, and its writes reach the
other replicas later, whole or key by key. What is drawn for each history is how broken the store is:

| dial | |
|---|---|
| `order` | how writes arrive: in any order, in that of their process, or after all that they had seen |
| `wins` | which write of a key stays: the one that arrived last, or the one with the highest stamp |
| `torn` | writes of one transaction arrive one at a time |
| `moving` | writes arrive between the steps of a transaction, not only between transactions |
| `own` | a transaction may fail to see its own writes |
| `leak` | an aborted transaction's writes, or writes that were overwritten, may reach a replica |
| `drop` | a write may never arrive |
| `invent` | a read may show a value that nobody wrote |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from history import History, Operation

KEYS = ("x", "y", "z")
Step = list[object]


@dataclass
class _Message:
    """Writes of one transaction on their way to one replica."""

    number: int
    process: int
    writes: dict[str, int]
    needs: frozenset[int]
    stamp: int


@dataclass
class _Replica:
    values: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By key its value and the stamp of that."""
    known: set[int] = field(default_factory=set)
    """The numbers of the transactions that arrived."""
    waiting: list[_Message] = field(default_factory=list)


class BrokenReplicas:
    """The store, and what its clients record."""

    def __init__(self, seed: int, *, most: int = 5) -> None:
        self._draw = draw = Random(seed)
        self._processes = draw.randint(1, 3)
        self._keys = KEYS[: draw.randint(1, 3)]
        self._order = draw.choice(("any", "process", "causal"))
        self._stamps = draw.random() < 0.5
        self._torn = draw.random() < 0.3
        self._moving = draw.random() < 0.4
        self._own = draw.random() < 0.1
        self._leak = draw.random() < 0.15
        self._drop = draw.random() < 0.15
        self._invent = draw.random() < 0.05
        self._arrive = draw.choice((0.2, 0.5, 0.8))
        self._transactions = draw.randint(2, most)
        self._replicas = [_Replica() for _ in range(self._processes)]
        self._values = 0
        self._operations: list[Operation] = []

    def history(self) -> History:
        """Run all transactions."""
        draw = self._draw
        ended: set[int] = set()
        for number in range(self._transactions):
            free = [p for p in range(self._processes) if p not in ended]
            if not free:
                break
            process = draw.choice(free)
            outcome = draw.choices(("ok", "fail", "info"), weights=(12, 1, 2))[0]
            if outcome == "info":
                ended.add(process)
            self._run(number, process, outcome)
        return History(self._operations)

    def _run(self, number: int, process: int, outcome: str) -> None:
        draw, replica = self._draw, self._replicas[process]
        self._deliver(process)
        own: dict[str, int] = {}
        leaked: dict[str, int] = {}
        asked: list[Step] = []
        answered: list[Step] = []
        for _ in range(draw.randint(1, 4)):
            if self._moving:
                self._deliver(process)
            key = draw.choice(self._keys)
            if draw.random() < 0.5:
                self._values += 1
                if key in own:
                    leaked[key] = own[key]
                own[key] = self._values
                asked.append(["w", key, self._values])
                answered.append(["w", key, self._values])
                continue
            value: int | None = replica.values[key][0] if key in replica.values else None
            if key in own and not (self._own and draw.random() < 0.5):
                value = own[key]
            if self._invent and draw.random() < 0.2:
                value = draw.choice((98, 99))
            asked.append(["r", key, None])
            answered.append(["r", key, value])
        self._record(process, "invoke", asked)
        self._record(process, outcome, answered if outcome == "ok" else asked)
        happened = outcome == "ok" or (outcome == "info" and draw.random() < 0.6)
        if not happened and not (self._leak and draw.random() < 0.5):
            return
        if self._leak and leaked and draw.random() < 0.5:
            own = {**own, **leaked}
        self._spread(number, process, own)

    def _spread(self, number: int, process: int, writes: dict[str, int]) -> None:
        draw, needs = self._draw, frozenset(self._replicas[process].known)
        stamp = number if draw.random() < 0.8 else draw.randint(0, 5)
        parts = [{key: value} for key, value in writes.items()] if self._torn else [writes]
        for other, replica in enumerate(self._replicas):
            for part in parts:
                if other != process and self._drop and draw.random() < 0.3:
                    continue
                message = _Message(number, process, part, needs, stamp)
                if other == process:
                    self._apply(replica, message)
                else:
                    replica.waiting.append(message)

    def _deliver(self, process: int) -> None:
        """Let some of the writes that are on their way arrive."""
        draw, replica = self._draw, self._replicas[process]
        for message in draw.sample(replica.waiting, len(replica.waiting)) if draw.random() < 0.7 else ():
            if draw.random() < self._arrive and self._may_arrive(replica, message):
                replica.waiting.remove(message)
                self._apply(replica, message)

    def _may_arrive(self, replica: _Replica, message: _Message) -> bool:
        if self._order == "process":
            return not any(
                m.process == message.process and m.number < message.number for m in replica.waiting
            )
        return self._order == "any" or message.needs <= replica.known

    def _apply(self, replica: _Replica, message: _Message) -> None:
        replica.known.add(message.number)
        for key, value in message.writes.items():
            if not self._stamps or key not in replica.values or replica.values[key][1] <= message.stamp:
                replica.values[key] = (value, message.stamp)

    def _record(self, process: int, type_: str, value: list[Step]) -> None:
        index = len(self._operations)
        self._operations.append(
            Operation(index, index, process, type_, "txn", None, [list(step) for step in value])  # type: ignore[arg-type]
        )


def broken_history(seed: int) -> History:
    """A history of 2 to 5 transactions."""
    return BrokenReplicas(seed).history()
