"""When a command began: kept from its start, before anything that takes long is loaded."""

from __future__ import annotations

import time
from typing import NamedTuple

CLOCK = "ackproof.clock"
"""Where click's context keeps it."""


class Clock(NamedTuple):
    """When a command began."""

    began_at: str
    """In UTC: 2026-11-28T13:42:00Z."""
    monotonic_s: float

    @classmethod
    def start(cls) -> Clock:
        """Now."""
        return cls(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), time.monotonic())

    def elapsed_s(self) -> float:
        """Seconds since then."""
        return round(time.monotonic() - self.monotonic_s, 3)
