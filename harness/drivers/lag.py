"""How late the harness's own event loop wakes: if it lags, the history's times are not to be trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

INTERVAL_NS = 50_000_000


async def sample_lag(
    record: Callable[[int, int], Any], *, clock: Callable[[], int], interval_ns: int = INTERVAL_NS
) -> None:
    """Sleep again and again until cancelled, and give `record(time, lag)` after each sleep, in nanoseconds.

    `time` is when it woke; `lag` how much later that was than asked for. A loop that is blocked for 300 ms
    gives one sample with that lag.

    Args:
        record: takes a sample.
        clock: monotonic nanoseconds since the run began, at real pace.
        interval_ns: how long to sleep between samples.
    """
    while True:
        due = clock() + interval_ns
        await asyncio.sleep(interval_ns / 1e9)
        woke = clock()
        record(woke, max(0, woke - due))
