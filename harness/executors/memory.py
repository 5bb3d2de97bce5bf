"""How much memory a process uses, and how much one that does work may use."""

from __future__ import annotations

import os
from pathlib import Path

MOST_WORKER_BYTES = 5 << 30
"""Bytes of memory with which a process that does work is ended, whatever it does. A simulated run is ended
before, where it runs Python (harness/sim/bounded.py); compiled code and other work end here."""
MOST_IDLE_BYTES = 1 << 30
"""A process that keeps more than this after a piece of work gets no other one."""


def bytes_used(process: int | str = "self") -> int:
    """The memory that a process uses; 0 where the system does not say it, or the process has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
