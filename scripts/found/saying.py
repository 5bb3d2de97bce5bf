"""How the scripts of this folder say what they saw, and how they end what they started.

A line for each case, `SUBJECT: CASE: SHOWN: what was seen` or `: not shown: `, and the exit status 1 if a
case was shown: harness/campaign/scripts reads both, and takes a status 1 without such a line for a mistake.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def say(subject: str, case: str, is_shown: bool, seen: str) -> int:
    """Print at once what a case showed; 1 if it is the defect, else 0."""
    sys.stdout.write(f"{subject}: {case}: {'SHOWN' if is_shown else 'not shown'}: {seen}\n")
    sys.stdout.flush()
    return int(is_shown)


def end_in_order() -> None:
    """From now on SIGTERM raises SystemExit, so that `finally` ends what was started."""

    def end(number: int, _frame: object) -> NoReturn:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)


def end_with_parent() -> None:
    """For `preexec_fn`: the kernel ends this process when the one that started it ends (Linux)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
