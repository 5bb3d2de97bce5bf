"""A broken store of lists, and the histories that its clients record. It knows nothing of the checker.

The store is a dictionary of lists in one process. Several clients run transactions on it at once; which of
them acts next is drawn. What is broken is the store and never the history: a fault is that a step does the
wrong thing to the lists, or answers from the wrong copy of them. What comes out may be right by luck.

| how transactions run | |
|---|---|
| `serial` | all steps of a transaction at one moment, between its invocation and its reply |
| `steps` | each step at a moment of its own, on the lists that all share: no isolation at all |
| `snapshot` | reads from a copy made at the begin; appends all at once at the end, whatever the others did |
| `torn` | the same, but each append at a moment of its own |

| fault | |
|---|---|
| `drop` | an append is acknowledged, and is not made |
| `twice` | an append is made two times |
| `misplace` | an append goes somewhere into the list and not to its end |
| `stale` | a read is answered by a copy that lags: it shows a beginning of the list |
| `blind` | a read does not show what its own transaction appended |
| `leak` | a transaction that fails is not rolled back |

Outcomes: `ok`, `fail`, or `info`, of which some are applied whole, some in part, and some not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from history import History, Operation

MODES = ("serial", "steps", "snapshot", "torn")
FAULTS = ("drop", "twice", "misplace", "stale", "blind", "leak")


@dataclass
class _Running:
    """A transaction on its way: `done` steps of it are made, and `reply` holds them with what was read."""

    process: int
    steps: list[list[Any]]
    fate: str
    applied: int
    """So many steps take effect; all of them unless the outcome is not `ok`."""
    copy: dict[str, list[int]]
    done: int = 0
    reply: list[list[Any]] = field(default_factory=list)
    own: list[tuple[str, int]] = field(default_factory=list)


class BrokenLists:
    """The store, and the clients that record what it answers."""

    def __init__(self, draw: Random) -> None:
        self._draw = draw
        self._mode = draw.choices(MODES, weights=(1, 3, 1, 2))[0]
        broken = draw.choice((0.0, 0.1, 0.3, 0.5))
        self._rates = {fault: broken * (draw.random() < 0.3) for fault in FAULTS}
        self._keys = "xyz"[: draw.choice((1, 2, 2, 3))]
        self._most_steps = draw.choice((2, 3, 4, 5))
        self._reads = draw.choice((0.3, 0.5, 0.7))
        self._unknown = draw.choice((0.0, 0.1, 0.3))
        self._lists: dict[str, list[int]] = {key: [] for key in self._keys}
        self._value = draw.choice((0, 8))
        self._rows: list[tuple[int, str, Any]] = []

    def history(self, transactions: int) -> History:
        """What the clients of the store record, who begin that many transactions."""
        clients = self._draw.choice((transactions, transactions, self._draw.randrange(1, transactions + 1)))
        processes = list(range(clients))
        running: list[_Running | None] = [None] * clients
        begun = 0
        while begun < transactions or any(running):
            client = self._draw.randrange(clients)
            txn = running[client]
            if txn is not None:
                if self._goes_on(txn):
                    continue
                running[client] = None
                if txn.fate == "info":
                    processes[client] = max(processes) + 1
            elif begun < transactions:
                running[client] = self._begin(processes[client])
                begun += 1
        return History(
            [
                Operation(at, at, process, kind, "txn", None, value)  # type: ignore[arg-type]
                for at, (process, kind, value) in enumerate(self._rows)
            ]
        )

    def _happens(self, fault: str) -> bool:
        return self._draw.random() < self._rates[fault]

    def _begin(self, process: int) -> _Running:
        steps: list[list[Any]] = []
        for _ in range(self._draw.randrange(1, self._most_steps + 1)):
            key = self._draw.choice(self._keys)
            if self._draw.random() < self._reads:
                steps.append(["r", key, None])
            else:
                self._value += 1
                steps.append(["append", key, self._value])
        fate = "ok"
        if self._draw.random() < self._unknown:
            fate = self._draw.choice(("info", "info", "fail"))
        applied = len(steps)
        if fate == "info":
            applied = self._draw.choice((0, len(steps), self._draw.randrange(len(steps) + 1)))
        elif fate == "fail" and not self._happens("leak"):
            applied = 0
        self._rows.append((process, "invoke", [list(step) for step in steps]))
        copy = {key: list(values) for key, values in self._lists.items()}
        return _Running(process, steps, fate, applied, copy)

    def _goes_on(self, txn: _Running) -> bool:
        """Do the next thing of a transaction: one step, all steps, or the reply, after which it is over."""
        todo = 2 * len(txn.steps) if self._mode == "torn" else len(txn.steps)
        if self._mode == "snapshot":
            todo += 1
        if txn.done < todo:
            self._act(txn)
            while self._mode == "serial" and txn.done < todo:
                self._act(txn)
            return True
        self._rows.append((txn.process, txn.fate, txn.reply if txn.fate == "ok" else None))
        return False

    def _act(self, txn: _Running) -> None:
        place = txn.done
        txn.done += 1
        count = len(txn.steps)
        if place >= count:  # a commit at the end: all appends at once, or this one of them
            chosen = range(count) if self._mode == "snapshot" else range(place - count, place - count + 1)
            for number in chosen:
                f, key, value = txn.steps[number]
                if f == "append" and number < txn.applied:
                    self._append(key, value)
            return
        f, key, value = txn.steps[place]
        live = self._mode in ("serial", "steps")
        if f == "append":
            txn.own.append((key, value))
            if live and place < txn.applied:
                self._append(key, value)
            txn.reply.append([f, key, value])
            return
        mine = [made for of, made in txn.own if of == key]
        seen = list(self._lists[key]) if live else [*txn.copy[key], *mine]
        if self._happens("stale"):
            seen = seen[: self._draw.randrange(len(seen) + 1)]
        if self._happens("blind"):
            seen = [made for made in seen if made not in mine]
        txn.reply.append([f, key, seen])

    def _append(self, key: str, value: int) -> None:
        if self._happens("drop"):
            return
        values = self._lists[key]
        place = self._draw.randrange(len(values) + 1) if self._happens("misplace") else len(values)
        values.insert(place, value)
        if self._happens("twice"):
            values.append(value)


def broken_history(seed: int, *, most: int = 5) -> History:
    """A history of 2 to `most` transactions on a store that is broken somehow; the seed decides all."""
    draw = Random(f"broken lists {seed}")
    count = max(draw.randrange(2, most + 1), draw.randrange(2, most + 1))
    return BrokenLists(draw).history(count)


def lines(history: History) -> Sequence[str]:
    """A history for a message: one line an operation."""
    return [f"{op.index} process {op.process} {op.type} {op.value}" for op in history]


def unread_history(seed: int) -> History:
    """A history of 4 or 5 transactions at once on a store whose reads lag far behind what was appended.

    Nearly no read shows an append, so that nearly nothing fixes the order of the appends.
    """
    draw = Random(f"unread lists {seed}")
    keys = "vwxyz"[: draw.choice((3, 4, 5))]
    asked, answered = [], []
    lists: dict[str, list[int]] = {key: [] for key in keys}
    value = 0
    for process in range(draw.choice((4, 5, 5))):
        steps: list[list[Any]] = []
        for key in draw.sample(keys, draw.choice((0, 1, 1, 2))):
            steps.append(["r", key, list(lists[key]) if draw.random() < 0.15 else []])
        for key in draw.sample(keys, draw.choice((1, 2, 2))):
            value += 1
            steps.append(["append", key, value])
            lists[key].append(value)
        asked.append((process, "invoke", [[f, k, v if f == "append" else None] for f, k, v in steps]))
        answered.append((process, "ok", steps))
    rows = [*asked, *answered]
    return History(
        [Operation(at, at, p, kind, "txn", None, steps) for at, (p, kind, steps) in enumerate(rows)]  # type: ignore[arg-type]
    )
