"""A broken multi-version store of registers, and the histories that its clients record. It knows nothing of
the checker.

The store keeps, by key, a list of versions, the last of which is current. Several clients run transactions on
it at once; which of them acts next is drawn. What is broken is the store and never the history: a fault is
that a step does the wrong thing to the versions, or answers from the wrong one. What comes out may be right
by luck.

| how transactions run | |
|---|---|
| `serial` | all steps of a transaction at one moment, between its invocation and its reply |
| `steps` | each step at a moment of its own, on the versions that all share: no isolation at all |
| `snapshot` | reads from a copy made at the begin; writes all at once at the end, whatever the others did |
| `first-committer` | the same, but a transaction fails if another one has written one of its keys since |
| `torn` | reads from a copy; each write at a moment of its own |
| `late` | each step reads what is current; writes all at once, at the end |

| fault | |
|---|---|
| `drop` | a write is acknowledged, and is not made |
| `delay` | a write is made only after some more steps of other transactions |
| `below` | a write becomes a version below the current one |
| `stale` | a read is answered with an older version |
| `dirty` | a read is answered with what a running transaction has asked to write |
| `twice` | a write is made again later, when others may have written |
| `leak` | a transaction that fails is not rolled back |

Outcomes: `ok`, `fail`, or `info`, of which some are applied whole, some in part, and some not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from history import History, Operation

MODES = ("serial", "steps", "snapshot", "first-committer", "torn", "late")
FAULTS = ("drop", "delay", "below", "stale", "dirty", "twice", "leak")


@dataclass
class _Running:
    """A transaction on its way."""

    process: int
    steps: list[list[Any]]
    fate: str
    applied: int
    """So many of its steps take effect; all of them unless the outcome is not `ok`."""
    copy: dict[str, Any]
    since: dict[str, int]
    """By key how many versions there were when it began."""
    done: int = 0
    reply: list[list[Any]] = field(default_factory=list)
    own: dict[str, Any] = field(default_factory=dict)


class BrokenRegisters:
    """The store, and the clients that record what it answers."""

    def __init__(self, draw: Random, *, duplicates: bool = False, initial: Any = None) -> None:
        self._draw = draw
        self._mode = draw.choices(MODES, weights=(2, 3, 2, 2, 2, 2))[0]
        broken = draw.choice((0.0, 0.0, 0.15, 0.3, 0.5))
        self._rates = {fault: broken * (draw.random() < 0.35) for fault in FAULTS}
        self._keys = "xyz"[: draw.choice((1, 2, 2, 3))]
        self._most_steps = draw.choice((2, 3, 4))
        self._reads = draw.choice((0.3, 0.5, 0.7))
        self._unknown = draw.choice((0.0, 0.1, 0.3))
        self._values = draw.choice((2, 3, 5)) if duplicates else 0
        self._versions: dict[str, list[Any]] = {key: [initial] for key in self._keys}
        self._value = 0
        self._later: list[tuple[int, str, Any]] = []
        """Writes that are still to be made: after so many more steps."""
        self._running: list[_Running | None] = []
        self._rows: list[tuple[int, str, Any]] = []

    def history(self, transactions: int) -> History:
        """What the clients of the store record, who begin that many transactions."""
        few = self._draw.randrange(1, transactions + 1)
        clients = self._draw.choice((transactions, transactions, few))
        processes = list(range(clients))
        self._running = [None] * clients
        begun = 0
        while begun < transactions or any(self._running):
            client = self._draw.randrange(clients)
            txn = self._running[client]
            if txn is not None:
                if self._goes_on(txn):
                    continue
                self._running[client] = None
                if txn.fate == "info":
                    processes[client] = max(processes) + 1
            elif begun < transactions:
                self._running[client] = self._begin(processes[client])
                begun += 1
        return History(
            [
                Operation(at, at, process, kind, "txn", None, value)  # type: ignore[arg-type]
                for at, (process, kind, value) in enumerate(self._rows)
            ]
        )

    def _happens(self, fault: str) -> bool:
        return self._draw.random() < self._rates[fault]

    def _fresh(self) -> int:
        self._value += 1
        return self._draw.randrange(self._values) if self._values else self._value

    def _begin(self, process: int) -> _Running:
        steps: list[list[Any]] = []
        for _ in range(self._draw.randrange(1, self._most_steps + 1)):
            key = self._draw.choice(self._keys)
            is_read = self._draw.random() < self._reads
            steps.append(["r", key, None] if is_read else ["w", key, self._fresh()])
        fate = "ok"
        if self._draw.random() < self._unknown:
            fate = self._draw.choice(("info", "info", "fail"))
        applied = len(steps)
        if fate == "info":
            applied = self._draw.choice((0, len(steps), self._draw.randrange(len(steps) + 1)))
        elif fate == "fail" and not self._happens("leak"):
            applied = 0
        self._rows.append((process, "invoke", [list(step) for step in steps]))
        copy = {key: versions[-1] for key, versions in self._versions.items()}
        since = {key: len(versions) for key, versions in self._versions.items()}
        return _Running(process, steps, fate, applied, copy, since)

    def _goes_on(self, txn: _Running) -> bool:
        """Do the next thing of a transaction: one step, all steps, or the reply, after which it is over."""
        self._tick()
        torn = self._mode == "torn"
        at_end = self._mode in ("snapshot", "first-committer", "late")
        todo = 2 * len(txn.steps) if torn else len(txn.steps) + at_end
        if txn.done < todo:
            self._act(txn)
            while self._mode == "serial" and txn.done < todo:
                self._act(txn)
            return True
        self._rows.append((txn.process, txn.fate, txn.reply if txn.fate == "ok" else None))
        return False

    def _tick(self) -> None:
        """Make the delayed writes that are due."""
        due = [(key, value) for left, key, value in self._later if left <= 0]
        self._later = [(left - 1, key, value) for left, key, value in self._later if left > 0]
        for key, value in due:
            self._versions[key].append(value)

    def _act(self, txn: _Running) -> None:
        place, count = txn.done, len(txn.steps)
        txn.done += 1
        if place >= count:
            self._commit(
                txn, range(place - count, place - count + 1) if self._mode == "torn" else range(count)
            )
            return
        f, key, value = txn.steps[place]
        live = self._mode in ("serial", "steps")
        if f == "w":
            txn.own[key] = value
            if live and place < txn.applied:
                self._write(key, value)
            txn.reply.append([f, key, value])
            return
        current = self._mode in ("serial", "steps", "late")
        seen = txn.own[key] if key in txn.own and not live else None
        if seen is None:
            seen = self._read(key) if current else txn.copy[key]
        txn.reply.append([f, key, seen])

    def _commit(self, txn: _Running, steps: range) -> None:
        written = {key for f, key, _ in txn.steps if f == "w"}
        lost = any(len(self._versions[key]) > txn.since[key] for key in written)
        if self._mode == "first-committer" and lost and txn.fate == "ok":
            txn.fate = "fail"
            return
        for number in steps:
            f, key, value = txn.steps[number]
            if f == "w" and number < txn.applied:
                self._write(key, value)

    def _read(self, key: str) -> Any:
        versions = self._versions[key]
        asked = [
            step[2] for txn in self._running if txn for step in txn.steps if step[0] == "w" and step[1] == key
        ]
        if asked and self._happens("dirty"):
            return self._draw.choice(asked)
        return self._draw.choice(versions) if self._happens("stale") else versions[-1]

    def _write(self, key: str, value: Any) -> None:
        if self._happens("drop"):
            return
        if self._happens("delay"):
            self._later.append((self._draw.randrange(1, 6), key, value))
            return
        versions = self._versions[key]
        place = self._draw.randrange(1, len(versions) + 1) if self._happens("below") else len(versions)
        versions.insert(place, value)
        if self._happens("twice"):
            self._later.append((self._draw.randrange(1, 6), key, value))


def broken_history(seed: int, *, most: int = 5, duplicates: bool = False, initial: Any = None) -> History:
    """A history of 2 to `most` transactions on a store that is broken somehow; the seed decides all."""
    draw = Random(f"broken registers {seed}")
    count = max(draw.randrange(2, most + 1), draw.randrange(2, most + 1))
    return BrokenRegisters(draw, duplicates=duplicates, initial=initial).history(count)


def lines(history: History) -> list[str]:
    """A history for a message: one line an operation."""
    return [f"{op.index} process {op.process} {op.type} {op.value}" for op in history]
