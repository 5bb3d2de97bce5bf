"""How long it takes to decide isolation of registers, at the sizes of PolySI's paper and above.

    python benchmarks/checkers/registers_by_solver.py [FILE...]

Without files: a multi-version store whose transactions read from a snapshot and of which the first committer
wins, under 20 sessions, 15 steps a transaction, half of them reads, 10,000 keys drawn by Zipf's law (exponent
1) or evenly; PolySI (VLDB 2023, section 6.1) varies the same. One version of each size has a lost write: a
commit that is acknowledged and leaves one key as it was. With files: histories in any format that `ackproof
check` reads.

Timed: from the history in memory to the verdict, in processor time of this process, with the compiled code
loaded; and the part of it that is the search. Best of two. The memory is the process's greatest so far.
"""

from __future__ import annotations

import bisect
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from checkers.transactions.isolation import Isolation
from checkers.verdict import Verdict
from history import History, Operation, Recording
from history.formats import read

SESSIONS, STEPS, KEYS = 20, 15, 10_000
SIZES = (2_000, 10_000, 20_000)
LEVELS = (
    "snapshot-isolation",
    "strong-session-snapshot-isolation",
    "strong-snapshot-isolation",
    "serializable",
    "strict-serializable",
)


@dataclass
class _Open:
    """A transaction that reads from its snapshot."""

    steps: list[list[Any]]
    since: int
    """The number of commits that its snapshot holds."""
    written: dict[int, int] = field(default_factory=dict)


class SnapshotStore:
    """A store with snapshot isolation, and the sessions that record what it answers."""

    def __init__(self, *, zipf: bool, loses: bool, seed: int = 1) -> None:
        self._draw = random.Random(seed)
        self._weights = list(accumulate(1 / (rank + 1) if zipf else 1.0 for rank in range(KEYS)))
        self._loses = loses
        self._versions: dict[int, list[tuple[int, int]]] = {}
        """By key (commit number, value), in order."""
        self._commits = 0
        self._value = 0

    def history(self, transactions: int) -> History:
        """What the sessions record until that many transactions have committed."""
        rows: list[tuple[int, str, Any]] = []
        running: list[_Open | None] = [None] * SESSIONS
        lost_at = transactions // 2
        while self._commits < transactions:
            session = self._draw.randrange(SESSIONS)
            txn = running[session]
            if txn is None:
                running[session] = txn = self._begin()
                asked = [[f, key, None if f == "r" else value] for f, key, value in txn.steps]
                rows.append((session, "invoke", asked))
                continue
            running[session] = None
            if any(self._newest(key) > txn.since for key in txn.written):
                rows.append((session, "fail", None))
                continue
            self._commits += 1
            for key, value in txn.written.items():
                if self._loses and self._commits >= lost_at:
                    self._loses = False
                    continue
                self._versions.setdefault(key, []).append((self._commits, value))
            rows.append((session, "ok", txn.steps))
        return History(
            [
                Operation(at, at, process, kind, "txn", None, value)  # type: ignore[arg-type]
                for at, (process, kind, value) in enumerate(rows)
            ]
        )

    def _begin(self) -> _Open:
        txn = _Open([], self._commits)
        for _ in range(STEPS):
            key = bisect.bisect_left(self._weights, self._draw.random() * self._weights[-1])
            if self._draw.random() < 0.5:
                value = txn.written.get(key, self._seen(key))
                txn.steps.append(["r", key, value])
            else:
                self._value += 1
                txn.written[key] = self._value
                txn.steps.append(["w", key, self._value])
        return txn

    def _seen(self, key: int) -> int | None:
        versions = self._versions.get(key)
        return versions[-1][1] if versions else None

    def _newest(self, key: int) -> int:
        versions = self._versions.get(key)
        return versions[-1][0] if versions else 0


def judged(history: History, level: str) -> tuple[Verdict, float]:
    """The verdict, and the processor time of the faster of two runs, in seconds."""
    best = float("inf")
    for _ in range(2):
        begun = time.process_time()
        verdict = Isolation("rw-register", level).check(Recording((), history))
        best = min(best, time.process_time() - begun)
    return verdict, best


def histories(files: list[str]) -> Iterator[tuple[str, History]]:
    """The histories with their names."""
    for file in files:
        yield file, read(Path(file)).history
    if files:
        return
    for size in SIZES:
        for zipf in (False, True):
            for loses in (False, True):
                name = f"{size:,} {'zipf' if zipf else 'even'}{' lost write' if loses else ''}"
                yield name, SnapshotStore(zipf=zipf, loses=loses).history(size)


def main(files: list[str]) -> None:
    """Print one line for each history and level."""
    warm = SnapshotStore(zipf=True, loses=True).history(1_000)
    for level in LEVELS:
        judged(warm, level)
    for name, history in histories(files):
        for level in LEVELS:
            verdict, seconds = judged(history, level)
            search = verdict.measures.get("search", {})
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            tried = f"{search.get('decisions', 0):>6,} decisions {search.get('contradictions', 0):>5,} back"
            print(
                f"{name:26} {level:34} {verdict.validity:8} {seconds:8.3f} s {tried} {peak:>6,} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
