"""Torn files: of what was written since the last fsync nothing, all, or some sectors reached the disk."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence

SECTOR_BYTES = 512
Span = tuple[int, int]
"""Bytes of a file from a begin to before an end."""


class TornFile:
    """One open file as a program has seen it last, and the spans in which that may not be durable.

    Args:
        opened: its descriptor, open for reading and writing.
        spans: where it was changed, in order and apart from one another.
    """

    def __init__(self, opened: int, spans: Sequence[Span]) -> None:
        self._opened = opened
        self._seen_size = os.fstat(opened).st_size
        self._spans = [
            (begin - begin % SECTOR_BYTES, -(-end // SECTOR_BYTES) * SECTOR_BYTES) for begin, end in spans
        ]
        self._spans = merged(self._spans)
        self._seen = [os.pread(opened, end - begin, begin) for begin, end in self._spans]

    def take_back(self, changes: Sequence[tuple[int, bytes, int]]) -> None:
        """Undo changes, from the last one on: at which offset, the bytes there before, the size before."""
        for offset, before, size_before in reversed(changes):
            os.pwrite(self._opened, before, offset)
            os.ftruncate(self._opened, size_before)

    def put_back(self) -> None:
        """Let it be as it was seen last."""
        os.ftruncate(self._opened, self._seen_size)
        for (begin, _), seen in zip(self._spans, self._seen, strict=True):
            os.pwrite(self._opened, seen, begin)

    def tear(self, chance: random.Random) -> bool:
        """Let some of what was not durable be there after all; whether anything is."""
        fate = chance.randrange(4)
        durable_size = os.fstat(self._opened).st_size
        durable = self._present()
        if fate == 0:
            return False
        if fate == 1:
            self.put_back()
            return self._present() != durable or durable_size != self._seen_size
        shortest = min(durable_size, self._seen_size)
        length = self._seen_size if chance.random() < 0.5 else chance.randint(shortest, self._seen_size)
        os.ftruncate(self._opened, length)
        for (begin, _), seen in zip(self._spans, self._seen, strict=True):
            for start in range(0, len(seen), SECTOR_BYTES):
                if chance.random() >= 0.5 and begin + start < length:
                    sector = seen[start : min(start + SECTOR_BYTES, length - begin)]
                    os.pwrite(self._opened, sector, begin + start)
        return length != durable_size or self._present() != durable

    def lost_bytes(self) -> int:
        """How many bytes are gone, or differ from what was seen last."""
        size = os.fstat(self._opened).st_size
        lost = abs(self._seen_size - size)
        for kept, seen in zip(self._present(), self._seen, strict=True):
            for start in range(0, min(len(kept), len(seen)), SECTOR_BYTES):
                one, other = kept[start : start + SECTOR_BYTES], seen[start : start + SECTOR_BYTES]
                if one != other:
                    lost += sum(a != b for a, b in zip(one, other, strict=False))
        return lost

    def _present(self) -> list[bytes]:
        return [os.pread(self._opened, end - begin, begin) for begin, end in self._spans]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same bytes in spans that are in order and apart from one another."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found
