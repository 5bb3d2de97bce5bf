"""A program that slows another one down: it stops it for a part of every 50 ms, until it gets SIGTERM.

Run on the node's host as `python -c SOURCE PID PERCENT`, so it is one file of the standard library (Linux,
Python 3.9). The process is pinned first, so that its number cannot pass to another. It leads a process
group, all of which is stopped: a script that starts the real server, and a server that forks, are slow as a
whole.
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
            send(pid, pinned, signal.SIGSTOP)
            time.sleep(PERIOD_S * percent / 100)
            send(pid, pinned, signal.SIGCONT)
            time.sleep(PERIOD_S * (100 - percent) / 100)
    except ProcessLookupError:
        return  # it has ended
    finally:
        with contextlib.suppress(ProcessLookupError):
            send(pid, pinned, signal.SIGCONT)


def send(pid: int, pinned: int, number: signal.Signals) -> None:
    """Signal the process and its group. ProcessLookupError once it has ended."""
    signal.pidfd_send_signal(pinned, number)
    if os.getpgid(pid) == pid:
        os.killpg(pid, number)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
