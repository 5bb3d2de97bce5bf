"""Remembers names in a fixed room: what a watch forgot of a long run, so that it does not take it for new."""

from __future__ import annotations

import zlib

ROOM_BYTES = 1 << 20


class Forgotten:
    """A set of names that never grows. Seldom, it takes another name for one that was added."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, name: str | None) -> None:
        """Add a name."""
        if not self._bits:
            self._bits = bytearray(ROOM_BYTES)
        byte, bit = _place(name)
        self._bits[byte] |= bit

    def __contains__(self, name: str | None) -> bool:
        if not self._bits:
            return False
        byte, bit = _place(name)
        return bool(self._bits[byte] & bit)


def _place(name: str | None) -> tuple[int, int]:
    number = zlib.crc32((name or "").encode("utf-8", "surrogatepass"))
    return number >> 3 & (ROOM_BYTES - 1), 1 << (number & 7)
