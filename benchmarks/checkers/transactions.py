"""How long transactions take to judge, and how much memory, as histories grow.

    python benchmarks/checkers/transactions.py [MOST_TRANSACTIONS]

A strictly serializable database under 20 clients: 1 to 5 steps a transaction, half of them reads, on 100
keys, each replaced after 32 writes (as Jepsen's workloads do); 1 % of the outcomes unknown. Timed: from a
history's columns, as a Parquet file gives them, to the verdict on strict serializability, in processor time
of one core, with the compiled code loaded; each size in a process of its own, whose greatest memory is shown
too, and how much of it the history takes, which is in memory before. Best of two.

Exits 1 if a million transactions take over 10 s, or over 2 KB each, history included.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterable

from histories import NOTHING, ClientCall, ClientReply, CorrectSystem, history_from, recorded

from checkers.transactions.consistency import LIST_APPEND, RW_REGISTER
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity
from history import History, Recording

KEYS, WRITES_A_KEY, MOST_STEPS = 100, 32, 5
BOUND_S, BOUND_BYTES = 10.0, 2048


class CorrectDatabase(CorrectSystem):
    """A strictly serializable database: each transaction takes effect at one moment."""

    f_names = ("txn",)

    def __init__(self, workload: str, draw: random.Random) -> None:
        self._draw = draw
        self._is_lists = workload == LIST_APPEND
        self._write = '"append"' if self._is_lists else '"w"'
        self._state: dict[int, str] = {}
        self._active, self._left = list(range(KEYS)), [WRITES_A_KEY] * KEYS
        self._fresh, self._written = KEYS, 0
        self._open: dict[int, list[tuple[int, int]]] = {}
        """By the code of what was asked its steps: a key, and the value written, NOTHING for a read."""
        self.values: list[str] = []

    def ask(self) -> ClientCall:
        steps = [self._step() for _ in range(self._draw.randrange(1, MOST_STEPS + 1))]
        asked = (f'["r",{k},null]' if v < 0 else f"[{self._write},{k},{v}]" for k, v in steps)
        code = self._code_of(asked)
        self._open[code] = steps
        return ClientCall(0, code)

    def apply(self, call: ClientCall) -> ClientReply:
        return ClientReply(self._code_of(self._done(key, value) for key, value in self._open.pop(call.value)))

    def _code_of(self, steps: Iterable[str]) -> int:
        self.values.append(f"[{','.join(steps)}]")
        return len(self.values) - 1

    def _step(self) -> tuple[int, int]:
        place = self._draw.randrange(KEYS)
        key = self._active[place]
        if self._draw.random() < 0.5:
            return key, NOTHING
        self._written += 1
        self._left[place] -= 1
        if not self._left[place]:
            self._active[place], self._left[place] = self._fresh, WRITES_A_KEY
            self._fresh += 1
        return key, self._written

    def _done(self, key: int, value: int) -> str:
        if value == NOTHING:
            seen = self._state.get(key, "")
            return f'["r",{key},{(f"[{seen}]" if self._is_lists else seen) or "null"}]'
        is_appended = self._is_lists and key in self._state
        self._state[key] = f"{self._state[key]},{value}" if is_appended else str(value)
        return f"[{self._write},{key},{value}]"


def database_history(transactions: int, workload: str) -> History:
    """What the clients of a strictly serializable database record."""
    draw = random.Random(1)
    system = CorrectDatabase(workload, draw)
    return history_from(system, recorded(system, transactions, draw))


def measure(workload: str, transactions: int) -> dict[str, float]:
    """In this process: seconds, and bytes of memory a transaction."""
    checker = Isolation(workload)
    checker.check(Recording((), database_history(200, workload)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    recording = Recording((), database_history(transactions, workload))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = 1e9
    for _ in range(2):
        begun = time.process_time()
        verdict = checker.check(recording)
        best = min(best, time.process_time() - begun)
    assert verdict.validity is Validity.VALID, verdict.summary
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": best,
        "history_bytes": 1024 * (held - before) / transactions,
        "bytes": 1024 * (peak - before) / transactions,
    }


def grown(workload: str, most: int) -> list[tuple[int, dict[str, float]]]:
    """Print one line for each size, and return what was measured."""
    points = []
    size = 10_000
    while size <= most:
        command = [sys.executable, __file__, "--one", workload, str(size)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        points.append((size, found))
        print(
            f"{workload:12} {size:>10,} transactions {found['seconds']:8.3f} s  "
            f"{size / found['seconds']:>9,.0f}/s  {found['bytes']:6.0f} bytes each, "
            f"{found['history_bytes']:.0f} of them the history's",
            flush=True,
        )
        size *= 10
    return points


def main(most: int) -> int:
    """Measure both workloads, and return the exit status."""
    broken = False
    for workload in (LIST_APPEND, RW_REGISTER):
        for size, found in grown(workload, most):
            if size == 1_000_000:
                broken |= found["seconds"] > BOUND_S or found["bytes"] > BOUND_BYTES
    return int(broken)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
