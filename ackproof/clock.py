"""When a command began: kept from its start, before anything that takes long is loaded."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

CLOCK = "ackproof.clock"
"""Where click's context keeps it."""
_STARTED_FIELD = 19
"""The place of the start, in ticks since the machine's, behind the name in /proc/PID/stat (proc(5))."""


class Clock(NamedTuple):
    """When a command began."""

    began_at: str
    """In UTC: 2026-11-28T13:42:00Z."""
    monotonic_s: float

    @classmethod
    def start(cls) -> Clock:
        """Now; or when this process began, if it is the command."""
        return cls(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), _Process.began_s or time.monotonic())

    def elapsed_s(self) -> float:
        """Seconds since then."""
        return round(time.monotonic() - self.monotonic_s, 3)


class _Process:
    """This process, if it is the command and does nothing else."""

    began_s: float | None = None
    """When it began, on the monotonic clock."""


def process_is_command() -> None:
    """Count the command's time from the start of this process.

    On a busy machine a second or more passes until Python and click are loaded.
    """
    try:
        fields = (
            Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
        began_s = int(fields[_STARTED_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):  # only Linux says it
        return
    _Process.began_s = time.monotonic() - max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began_s)
