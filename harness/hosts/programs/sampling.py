"""A program that writes down what a process uses, a line a second, until the process has ended.

Run on the node's host as `python -c SOURCE PID`, so it is one file of the standard library (Linux,
Python 3.9). Each line is a JSON object:

    {"age_ms": 1012, "cpu_ms": 340, "memory_bytes": 51380224, "files": 23, "threads": 4,
     "read_bytes": 0, "written_bytes": 126976}

`age_ms` counts from the start of the process, so lines of any host can be laid on the run's own clock;
`cpu_ms` and the bytes to and from disk are totals since then. What the system does not show (for example the
bytes of another user's process) is absent. The process is pinned first, so that its number cannot pass
to another; one that has ended already has no line.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from pathlib import Path

EVERY_MS = 1000
SOURCE = Path(__file__).read_text(encoding="utf-8") if "__file__" in globals() else ""


def sample(pid: int) -> dict[str, int]:
    """What the process uses now; proc(5) says what the numbers are. OSError once it has ended."""
    here = f"/proc/{pid}"
    stat = _read(f"{here}/stat")
    fields = stat[stat.rindex(")") + 2 :].split()  # from the third on: the second may hold anything
    ticks_ms = 1000 / os.sysconf("SC_CLK_TCK")
    found = {
        "age_ms": round(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000 - int(fields[19]) * ticks_ms),
        "cpu_ms": round((int(fields[11]) + int(fields[12])) * ticks_ms),
        "threads": int(fields[17]),
        "memory_bytes": int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
    }
    try:
        found["files"] = len(os.listdir(f"{here}/fd"))
        io = dict(line.split(": ") for line in _read(f"{here}/io").splitlines())
        found["read_bytes"], found["written_bytes"] = int(io["read_bytes"]), int(io["write_bytes"])
    except PermissionError:
        pass
    return found


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def main(pid: int) -> None:
    """Write a line now and after every second."""
    pinned = os.pidfd_open(pid)
    ended = select.poll()
    ended.register(pinned, select.POLLIN)
    wait_ms = 0.0
    while not ended.poll(wait_ms):
        now = time.monotonic()
        try:
            print(json.dumps(sample(pid)), flush=True)  # noqa: T201 - its output is the file
        except (FileNotFoundError, ProcessLookupError):
            return  # it ended between the two
        wait_ms = max(0.0, EVERY_MS - (time.monotonic() - now) * 1000)


if __name__ == "__main__":
    with contextlib.suppress(ProcessLookupError):  # it had ended before this began
        main(int(sys.argv[1]))
