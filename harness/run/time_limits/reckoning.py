"""How long work goes on that has parts of known length: how long each takes is stated beforehand.

What is stated is processor time. What the parts that are over really took says how much slower this machine
is, and the time that went by for each second of processor time, how busy it is with other work. The rest is
reckoned with both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

LEAST_S = 0.02
"""A part that is shorter says nothing about the machine."""
BEFOREHAND_S = 0.3
"""The stated costs weigh as much as this many seconds of work that took what they say."""
OVERDUE = 2.0
"""Beyond this multiple of its reckoned time, it is not known how long a part takes."""
ALLOWED_S = 0.3
"""A part may be late by this without being overdue."""


class Part(NamedTuple):
    """A part of the work."""

    name: str
    expected_s: float
    """The processor time that it takes."""


class Reckoning:
    """The time left of work whose parts are known.

    The work says which part it begins. Another thread may ask for the time left.

    Args:
        clock: gives seconds.
        processor: gives the seconds that this process worked.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, processor: Callable[[], float] = time.process_time
    ) -> None:
        self._clock, self._processor = clock, processor
        self._began = (clock(), processor())
        self._to_come: tuple[Part, ...] = ()
        self._now: Part | None = None
        self._since_s = 0.0
        self._share: Callable[[], float | None] | None = None
        self._took: list[tuple[float, float]] = [(BEFOREHAND_S, BEFOREHAND_S)]
        """Of the parts that are over: the processor time that each was expected to take, and took."""

    def plan(self, parts: Iterable[Part]) -> None:
        """Say what is to come after the part that is under way."""
        self._to_come = tuple(parts)

    def begin(self, name: str, share: Callable[[], float | None] | None = None) -> None:
        """End the part that is under way, and begin the next one of this name.

        Args:
            share: measures which part of it is done, from 0 to 1.
        """
        at_s = self._processor()
        if self._now is not None and self._now.expected_s >= LEAST_S:
            self._took = [*self._took, (self._now.expected_s, at_s - self._since_s)]
        names = [part.name for part in self._to_come]
        place = names.index(name) if name in names else -1
        self._now = self._to_come[place] if place >= 0 else Part(name, 0.0)
        self._to_come, self._since_s, self._share = self._to_come[place + 1 :], at_s, share

    def left_s(self) -> float | None:
        """The seconds that are left; None once a part takes far longer than reckoned, as then it is not
        known."""
        now, to_come = self._now, self._to_come
        if now is None:
            return None
        wall_s, used_s = (clock() - began for clock, began in zip(self._clocks, self._began, strict=True))
        lasted_s = self._processor() - self._since_s
        slower = _median(self._took)
        expected_s = now.expected_s * slower
        share = None if self._share is None else self._share()
        if share is not None and share > 0:
            left_s = expected_s * (1 - min(share, 1.0))
        elif lasted_s > OVERDUE * expected_s + ALLOWED_S:
            return None
        else:
            left_s = max(expected_s - lasted_s, 0.0)
        waited = max(wall_s / used_s, 1.0) if used_s > 0 else 1.0
        return waited * (left_s + slower * sum(part.expected_s for part in to_come))

    @property
    def _clocks(self) -> tuple[Callable[[], float], Callable[[], float]]:
        return self._clock, self._processor


def _median(took: list[tuple[float, float]]) -> float:
    """How many times longer than expected half of the time took."""
    ratios = sorted((lasted / expected, expected) for expected, lasted in took)
    half = sum(expected for _, expected in ratios) / 2
    for ratio, expected in ratios:
        half -= expected
        if half <= 0:
            return ratio
    return 1.0


class BytesRead:
    """How much of some bytes this process has read since a moment, as Linux counts it.

    It counts what was asked of the system, by whatever library; nothing on a system that does not count.
    """

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._before = _read_so_far()

    def __call__(self) -> float | None:
        """The share, from 0 to 1; None where it is not known."""
        now = _read_so_far()
        if now is None or self._before is None:
            return None
        return min(max(now - self._before, 0) / self._size, 1.0)


def _read_so_far() -> int | None:
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(lines[1]) if lines[:1] == ["rchar:"] else None
