"""Measures how late the harness's own event loop wakes. If it is late, so are the times in the history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from history.units import MILLISECOND_NS, SECOND_NS

INTERVAL_NS = 50 * MILLISECOND_NS


async def sample_lag(
    record: Callable[[int, int], Any], *, clock: Callable[[], int], interval_ns: int = INTERVAL_NS
) -> None:
    """Sleep again and again until cancelled, and give `record(time, lag)` after each sleep, in nanoseconds.

    `time` is when it woke, and `lag` is how much too late that was. A loop that is blocked for 300 ms gives
    one sample with a lag of 300 ms.

    Args:
        record: takes a sample.
        clock: monotonic nanoseconds since the run began, at real pace.
        interval_ns: how long to sleep between samples.
    """
    while True:
        due = clock() + interval_ns
        await asyncio.sleep(interval_ns / SECOND_NS)
        woke = clock()
        record(woke, max(0, woke - due))
