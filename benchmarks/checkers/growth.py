"""How long a registry's histories take to judge as they grow; writes the plot of docs/results/checkers.md.

    python benchmarks/checkers/growth.py [MOST_OPERATIONS]

20 clients, unique ids, 1 % of the writes of unknown outcome. Timed: from a history's columns, as a
Parquet file gives them, to which keys are proven; the compiled code is loaded before. Processor time, best
of three (of ten million operations, once). Exits 1 if the hot key of 100k operations takes over 0.1 s, or a
million operations over 1 s.
"""

from __future__ import annotations

import math
import random
import sys
import time
from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from checkers.registry.linearizability.by_search.columns import Screened, screen
from history import Columns, History

CLIENTS = 20
LARGE = 10_000_000
REGISTER, DEREGISTER, LOOKUP, UPDATE = range(4)
INVOKE, OK, INFO = 0, 1, 3
PLOT = Path(__file__).parents[2] / "docs" / "results" / "growth.svg"


def registry_history(
    operations: int, keys: int, deregister: float, *, update: float = 0.0, stale: bool = False, seed: int = 1
) -> History:
    """A correct registry's history; with `stale`, one late lookup repeats the reply of an early one.

    deregister, update: their share of the operations; the rest are registers and lookups.
    """
    draw = random.Random(seed).random
    state: dict[int, int] = {}
    threads = list(range(CLIENTS))
    pending: list[list[int] | None] = [None] * CLIENTS  # f, key, value (-1: none), whether it took effect
    columns = tuple(array("q") for _ in range(5))  # process, type, f, key, value

    def add(*row: int) -> None:
        for column, number in zip(columns, row, strict=True):
            column.append(number)

    begun = 0
    while begun < operations or any(pending):
        client = int(draw() * CLIENTS)
        op = pending[client]
        if op is None:
            if begun == operations:
                continue
            f = _drawn(draw(), deregister, update)
            pending[client] = op = [f, int(draw() * keys), begun if f in (REGISTER, UPDATE) else -1, 0]
            add(threads[client], INVOKE, f, op[1], op[2])
            begun += 1
        elif not op[3]:
            op[3] = 1
            if op[0] == REGISTER:
                state[op[1]] = op[2]
            elif op[0] == UPDATE:
                if op[1] in state:
                    state[op[1]] = op[2]
                else:
                    op[2] = operations  # the code of false
            else:
                op[2] = state.get(op[1], -1)
                if op[0] == DEREGISTER:
                    state.pop(op[1], None)
        else:
            pending[client] = None
            if op[0] != LOOKUP and draw() < 0.01:
                add(threads[client], INFO, op[0], op[1], -1)
                threads[client] = max(threads) + 1
            else:
                add(threads[client], OK, op[0], op[1], op[2])
    process, type_, f, key, value = (np.array(column, dtype=np.int64) for column in columns)
    if stale:
        found = np.flatnonzero((type_ == OK) & (f == LOOKUP) & (value >= 0))
        value[found[3 * len(found) // 4]] = value[found[len(found) // 4]]
    none = np.full(len(process), -1, dtype=np.int64)
    return History.from_columns(
        Columns(
            time=np.arange(len(process)),
            process=process,
            type=type_.astype(np.int8),
            f=f,
            f_names=("register", "deregister", "lookup", "update"),
            key=key,
            keys=tuple(f"svc-{number}/10.0.0.1:80" for number in range(keys)),
            value=value,
            values=(*(f'"r{number}"' for number in range(operations)), "false"),
            error=none,
            errors=(),
            node=none,
            nodes=(),
            raft_index=none,
        )
    )


def _drawn(chance: float, deregister: float, update: float) -> int:
    if chance < deregister + update:
        return DEREGISTER if chance < deregister else UPDATE
    return REGISTER if chance - deregister - update < (1 - deregister - update) / 2 else LOOKUP


def timed(history: History) -> tuple[float, Screened]:
    """Processor time in seconds."""
    best = math.inf
    for _ in range(3 if len(history) < LARGE else 1):
        begun = time.process_time()
        screened = screen(history)
        best = min(best, time.process_time() - begun)
    assert screened is not None
    return best, screened


CURVES = {
    "one hot key, valid": (1, 0.0, False),
    "one hot key, one stale lookup": (1, 0.0, True),
    "10,000 keys with deregisters": (10_000, 0.2, False),
}


def main(most: int) -> int:
    """Print one line a point, and write the plot; the exit status."""
    timed(registry_history(1000, 10, 0.2))
    measured: dict[str, list[tuple[int, float]]] = {}
    for name, (keys, deregister, stale) in CURVES.items():
        size = 10_000
        while size <= most:
            seconds, screened = timed(registry_history(size, keys, deregister, stale=stale))
            assert screened.proven.all() != stale
            measured.setdefault(name, []).append((size, seconds))
            print(f"{name:32} {size:>10,} operations {seconds:8.3f} s", flush=True)
            size *= 10
    updated, _ = timed(registry_history(min(most, 1_000_000), 10_000, 0.2, update=0.1))
    print(f"{'the same, and 10 % updates':32} {min(most, 1_000_000):>10,} operations {updated:8.3f} s")
    PLOT.write_text(plot(measured))
    figures = {name: dict(points) for name, points in measured.items()}
    hot = [figures[name].get(100_000, 0.0) for name in list(CURVES)[:2]]
    return int(max(hot) > 0.1 or figures["10,000 keys with deregisters"].get(1_000_000, 0.0) > 1.0)


def plot(measured: dict[str, Sequence[tuple[int, float]]]) -> str:
    """Both axes logarithmic; a line a curve."""
    width, height, left, bottom = 640, 360, 60, 320
    colours = ("#1f6feb", "#d1242f", "#1a7f37")

    def x(size: float) -> float:
        return left + (math.log10(size) - 4) / 3 * (width - left - 20)

    def y(seconds: float) -> float:
        return bottom - (math.log10(seconds) + 3) / 4 * (bottom - 20)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for power in range(4, 8):
        parts.append(f'<path d="M{x(10**power)} 20V{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{x(10**power)}" y="{bottom + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(-3, 2):
        parts.append(f'<path d="M{left} {y(10.0**power)}H{width - 20}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 6}" y="{y(10.0**power) + 4}" text-anchor="end">{10.0**power:g} s</text>'
        )
    for number, (name, points) in enumerate(measured.items()):
        line = " ".join(f"{x(size):.1f},{y(seconds):.1f}" for size, seconds in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colours[number]}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x(s):.1f}" cy="{y(t):.1f}" r="3" fill="{colours[number]}"/>' for s, t in points
        ]
        parts.append(f'<text x="{left + 12}" y="{40 + 18 * number}" fill="{colours[number]}">{name}</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 4}" text-anchor="middle">operations</text></svg>')
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
