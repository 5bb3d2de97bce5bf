"""Samples what the harness's own process uses. Where it is much, slow replies may be the harness's fault."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from history import ResourceSample
from history.units import SECOND_NS

EVERY_S = 1.0
NAME = "harness"
"""What reports call it, next to the nodes."""


async def sample_own_use(record: Callable[[ResourceSample], Any], *, clock: Callable[[], int]) -> None:
    """Give a sample at once and after each second until cancelled.

    Args:
        record: takes a sample.
        clock: monotonic nanoseconds since the run began.
    """
    while True:
        record(own_use(clock()))
        await asyncio.sleep(EVERY_S)


def own_use(now: int) -> ResourceSample:
    """What this process has used by now, in nanoseconds since the run began."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE")
        files = len(os.listdir("/proc/self/fd"))
    except OSError:  # no proc: the most memory that it ever had, in KiB
        memory, files = used.ru_maxrss * 1024, None
    return ResourceSample(
        node=NAME,
        life=1,
        time=now,
        cpu_ns=round((used.ru_utime + used.ru_stime) * SECOND_NS),
        memory_bytes=memory,
        files=files,
    )
