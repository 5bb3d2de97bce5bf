"""Bounds that a person sets for a check: an end in time, and the memory of a process."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Deadline:
    """The end of the time that was given, in seconds of the clock that all processes of a machine share."""

    end_s: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """This number of seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        """How many seconds are left; never less than none."""
        return max(0.0, self.end_s - time.monotonic())

    def __call__(self) -> bool:
        return time.monotonic() >= self.end_s


@dataclass(frozen=True)
class MemoryLimit:
    """How many bytes a process may take, all that it keeps included."""

    most_bytes: int

    def __call__(self, more: int) -> bool:
        return resident_bytes() + more > self.most_bytes


def resident_bytes() -> int:
    """The memory that this process takes now; on systems that do not say so, the most that it took."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, ValueError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak << 10
