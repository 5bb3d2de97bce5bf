"""Shapes the bytes of a bad link: late, lost, twice, overtaken or broken.

A *unit* is what is struck as a whole: a message, where messages can be distinguished, else the piece of the
stream that arrived at once. A message that had begun to pass when the link turned bad passes as it was; what
introduces a connection (preface and greetings) is only ever late. Without messages, bytes
keep their order, and none is lost or changed: TCP would notice anything more.

Times are the event loop's; chance is the random generator that is passed in.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Callable, Mapping

from harness.hosts.links.linkmessages import LinkImpairment

HELD_BYTES_LIMIT = 1 << 20
"""If more bytes than this wait, no more are read: the sender meets back-pressure, as on any slow link."""
OVERTAKEN_S = 0.05
_MILLISECONDS_A_SECOND = 1000


class Shaper:
    """One direction of one connection.

    Args:
        impairments: those of the link, by fault; read for every unit.
        struck: counts by fault how many units it struck.
        deliver: lets bytes go on.
        throttle: called with True when no more should be read, and with False when reading may go on.
        reset: ends the connection.
    """

    def __init__(
        self,
        impairments: Mapping[str, LinkImpairment],
        struck: Counter[str],
        chance: random.Random,
        *,
        deliver: Callable[[bytes], None],
        throttle: Callable[[bool], None],
        reset: Callable[[], None],
    ) -> None:
        self._impairments = impairments
        self._struck = struck
        self._chance = chance
        self._deliver = deliver
        self._throttle = throttle
        self._reset = reset
        self._begun = bytearray()
        """The beginning of a unit that has not ended yet."""
        self._held: list[tuple[float, int, bytes]] = []
        self._held_bytes = 0
        self._sequence = 0
        self._last_due = self._floor = 0.0
        """When what goes in order is due at the earliest, and when the last piece of what is no message is:
        it may be a part of something, in which nothing else may come."""
        self._line_free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_throttled = False
        self._is_over = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held back here, so that bytes may pass at once."""
        return not self._held and not self._begun

    def take(self, data: bytes, ends: list[tuple[int, bool]] | None, *, is_begun: bool) -> None:
        """Take bytes.

        Args:
            ends: where units end in them, and whether each is a message; None: they are a piece of a stream.
            is_begun: the first of them belong to a unit whose beginning has passed already.
        """
        if ends is None:
            self._schedule(data, is_message=False)
            return
        start = 0
        for end, is_message in ends:
            unit = bytes(self._begun) + data[start:end]
            self._begun.clear()
            start = end
            if is_begun:
                self._schedule(unit, is_message=False)
                is_begun = False
            else:
                self._schedule(unit, is_message=is_message)
        if is_begun:
            self._schedule(data[start:], is_message=False)
        else:
            self._begun += data[start:]

    def release(self) -> None:
        """Deliver everything that waits, since an impairment has ended."""
        held, self._held, self._held_bytes = sorted(self._held), [], 0
        self._last_due = self._floor = self._line_free_at = 0.0
        self._stop_timer()
        for _, _, unit in held:
            self._deliver(unit)
        self._let_read()

    def finish(self) -> None:
        """Deliver everything that waits, since the sender has closed."""
        for _, _, unit in sorted(self._held):
            self._deliver(unit)
        if self._begun:
            self._deliver(bytes(self._begun))
        self.drop()

    def drop(self) -> int:
        """Forget what waits; how many bytes that was."""
        dropped = self._held_bytes + len(self._begun)
        self._is_over = True
        self._held.clear()
        self._begun.clear()
        self._held_bytes = 0
        self._stop_timer()
        return dropped

    def _schedule(self, unit: bytes, *, is_message: bool) -> None:
        if not unit or self._is_over:
            return
        now = asyncio.get_running_loop().time()
        due, copies, is_overtaken = now, 1, False
        for fault, how in tuple(self._impairments.items()):
            if self._hits(how.reset_percent, fault):
                self._is_over = True
                self._reset()
                return
            if is_message:
                if self._hits(how.lost_percent, fault):
                    return
                if self._hits(how.repeated_percent, fault):
                    copies += 1
                if self._hits(how.overtaken_percent, fault):
                    due += OVERTAKEN_S * self._chance.random()
                    is_overtaken = True
                if self._hits(how.corrupted_percent, fault):
                    unit = self._with_a_bit_flipped(unit)
            if how.delay_ms or how.jitter_ms:
                due += (how.delay_ms + how.jitter_ms * self._chance.random()) / _MILLISECONDS_A_SECOND
                self._struck[fault] += 1
            if how.rate_bytes_s is not None:
                self._line_free_at = max(self._line_free_at, now) + len(unit) / how.rate_bytes_s
                due = max(due, self._line_free_at)
                self._struck[fault] += 1
            if how.is_stalled:
                due = float("inf")
                self._struck[fault] += 1
        if is_overtaken:
            due = max(due, self._floor)
        else:
            due = self._last_due = max(due, self._last_due)
            if not is_message:
                self._floor = due
        for _ in range(copies):
            self._hold(due, unit, now)

    def _hits(self, percent: int, fault: str) -> bool:
        hit = bool(percent) and self._chance.random() * 100 < percent
        self._struck[fault] += hit
        return hit

    def _with_a_bit_flipped(self, unit: bytes) -> bytes:
        changed = bytearray(unit)
        changed[self._chance.randrange(len(unit))] ^= 1 << self._chance.randrange(8)
        return bytes(changed)

    def _hold(self, due: float, unit: bytes, now: float) -> None:
        if due <= now and not self._held:
            self._deliver(unit)
            return
        self._sequence += 1
        heapq.heappush(self._held, (due, self._sequence, unit))
        self._held_bytes += len(unit)
        if self._held_bytes > HELD_BYTES_LIMIT and not self._is_throttled:
            self._is_throttled = True
            self._throttle(True)
        self._set_timer()

    def _set_timer(self) -> None:
        self._stop_timer()
        if self._held and self._held[0][0] < float("inf"):
            self._timer = asyncio.get_running_loop().call_at(self._held[0][0], self._ring)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._held and self._held[0][0] <= now:
            _, _, unit = heapq.heappop(self._held)
            self._held_bytes -= len(unit)
            self._deliver(unit)
        self._let_read()
        self._set_timer()

    def _let_read(self) -> None:
        if self._is_throttled and self._held_bytes <= HELD_BYTES_LIMIT // 2:
            self._is_throttled = False
            self._throttle(False)
