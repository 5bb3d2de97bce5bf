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
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from histories import DEREGISTER, LOOKUP, REGISTER, UPDATE, CorrectRegistry, history_from, recorded

from checkers.registry.linearizability.by_search.columns import Screened, screen
from history import History
from history.history import OK

LARGE = 10_000_000
WITHOUT = {REGISTER: 0.5, LOOKUP: 0.5}
WITH_DEREGISTERS = {DEREGISTER: 0.2, REGISTER: 0.4, LOOKUP: 0.4}
WITH_UPDATES = {DEREGISTER: 0.2, UPDATE: 0.1, REGISTER: 0.35, LOOKUP: 0.35}
"""How often clients ask what, as shares of all operations."""
PLOT = Path(__file__).parents[2] / "docs" / "results" / "growth.svg"


def registry_history(
    operations: int, keys: int, shares: Mapping[int, float], *, stale: bool = False
) -> History:
    """A correct registry's history; with `stale`, one late lookup repeats the reply of an early one."""
    draw = random.Random(1)
    system = CorrectRegistry(operations, keys, shares, draw)
    rows = recorded(system, operations, draw)
    if stale:
        found = np.flatnonzero((rows.type == OK) & (rows.f == LOOKUP) & (rows.value >= 0))
        rows.value[found[3 * len(found) // 4]] = rows.value[found[len(found) // 4]]
    return history_from(system, rows)


def timed(history: History) -> tuple[float, Screened]:
    """The processor time of screening it, in seconds, and what was found."""
    best = math.inf
    for _ in range(3 if len(history) < LARGE else 1):
        begun = time.process_time()
        screened = screen(history)
        best = min(best, time.process_time() - begun)
    assert screened is not None
    return best, screened


CURVES = {
    "one hot key, valid": (1, WITHOUT, False),
    "one hot key, one stale lookup": (1, WITHOUT, True),
    "10,000 keys with deregisters": (10_000, WITH_DEREGISTERS, False),
}


def main(most: int) -> int:
    """Print one line a point, and write the plot; the exit status."""
    timed(registry_history(1000, 10, WITH_DEREGISTERS))
    measured: dict[str, list[tuple[int, float]]] = {}
    for name, (keys, shares, stale) in CURVES.items():
        size = 10_000
        while size <= most:
            seconds, screened = timed(registry_history(size, keys, shares, stale=stale))
            assert screened.proven.all() != stale
            measured.setdefault(name, []).append((size, seconds))
            print(f"{name:32} {size:>10,} operations {seconds:8.3f} s", flush=True)
            size *= 10
    updated, _ = timed(registry_history(min(most, 1_000_000), 10_000, WITH_UPDATES))
    print(f"{'the same, and 10 % updates':32} {min(most, 1_000_000):>10,} operations {updated:8.3f} s")
    PLOT.write_text(plot(measured))
    figures = {name: dict(points) for name, points in measured.items()}
    hot = [figures[name].get(100_000, 0.0) for name in list(CURVES)[:2]]
    return int(max(hot) > 0.1 or figures["10,000 keys with deregisters"].get(1_000_000, 0.0) > 1.0)


def plot(measured: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """An SVG picture with a line for each curve; both axes are logarithmic."""
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
