"""Runs commands on hostile files in one process with little memory and time, and reports how each ended.

`python hostile.py CASES`: CASES is a JSON file with a list of argument lists. For each, a line of JSON
follows on standard output: the exit code, what was printed to standard error, and the seconds that it took.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

MOST_BYTES = 4 << 30
"""Address space, of which a process uses about half as memory."""
MOST_SECONDS = 20
"""Processor time of one command."""
LONGEST_WAIT_S = 120
"""For a command that waits for something, which takes no processor time."""


class TooSlowError(BaseException):
    """A command took too long; no handler of the command's own catches it."""


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlowError


def outcome_of(arguments: list[str]) -> dict[str, Any]:
    """Run one command; how it ended."""
    from ackproof.cli import entry

    errors, sys.argv = io.StringIO(), ["ackproof", *arguments]
    begun, code = time.monotonic(), None
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    signal.alarm(LONGEST_WAIT_S)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            entry.main()
        except SystemExit as ended:
            code = ended.code
        except TooSlowError:
            code = "too slow"
        except MemoryError:
            code = "too much memory"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
    return {"code": code, "errors": errors.getvalue()[-4000:], "seconds": time.monotonic() - begun}


def _most_megabytes() -> int:
    """The most memory that this program has had; getrusage counts that of its parent before it, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def main() -> None:
    """Run every case of the file."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    signal.signal(signal.SIGALRM, _too_slow)
    signal.signal(signal.SIGPROF, _too_slow)
    for arguments in json.loads(Path(sys.argv[1]).read_bytes()):
        found = outcome_of(arguments)
        found["megabytes"] = _most_megabytes()
        print(json.dumps(found), flush=True)  # noqa: T201 - read by the test


if __name__ == "__main__":
    main()
