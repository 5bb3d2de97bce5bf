"""A program that slows another one down: it stops it for a part of every 50 ms, until it gets SIGTERM.

Run on the node's host as `python -c SOURCE PID PERCENT`, so it is one file of the standard library (Linux,
Python 3.9). The process is pinned first, so that its number cannot pass to another.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

PERIOD_S = 0.05
SOURCE = Path(__file__).read_text(encoding="utf-8") if "__file__" in globals() else ""


def main(pid: int, percent: int) -> None:
    """Stop and continue the process in turn; at the end the process runs."""
    pinned = os.pidfd_open(pid)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            signal.pidfd_send_signal(pinned, signal.SIGSTOP)
            time.sleep(PERIOD_S * percent / 100)
            signal.pidfd_send_signal(pinned, signal.SIGCONT)
            time.sleep(PERIOD_S * (100 - percent) / 100)
    except ProcessLookupError:
        return  # it has ended
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pinned, signal.SIGCONT)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
