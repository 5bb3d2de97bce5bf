"""Messages that have begun to arrive over gRPC: how many there may be, and how long each may take.

The library gathers a message in memory before it hands it on, up to the largest size, for each call of each
connection. So a client that sends messages and never their last byte could fill the memory. Here the calls
that wait for their message are counted: one more than the bound ends the oldest, and each ends in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

MAX_ARRIVING: Final = 32
"""Calls whose message has not arrived: an honest one comes with its call, so few wait even where thousands
of calls begin together."""


class TooSlow(Exception):
    """The message did not arrive in time, or had to make room for others."""


class Arriving:
    """The calls of one listener whose message has not arrived."""

    def __init__(self, seconds: float, most: int = MAX_ARRIVING) -> None:
        self._seconds = seconds
        self._most = most
        self._waiting: dict[asyncio.Timeout, None] = {}
        """The time of each, the oldest first."""
        self.ended = 0
        """How many calls ended since their message did not arrive in time."""

    async def message(self, messages: AsyncIterator[bytes]) -> bytes | None:
        """The next message of a call; None if the client sends nothing more.

        Raises:
            TooSlow: it did not come in time, or others needed the room.
        """
        try:
            async with asyncio.timeout(self._seconds) as time:
                self._waiting[time] = None
                self._make_room()
                try:
                    return await anext(messages, None)
                finally:
                    self._waiting.pop(time, None)
        except TimeoutError:
            self.ended += 1
            raise TooSlow(
                f"the message was not complete within {self._seconds} s, or others needed its room"
            ) from None

    def _make_room(self) -> None:
        if len(self._waiting) > self._most:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.reschedule(asyncio.get_running_loop().time())
