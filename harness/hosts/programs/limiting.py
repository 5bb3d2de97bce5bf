"""A program that gives a running process a low limit, and takes it away again.

Run on the node's host as `python -c SOURCE PID WHAT VALUE`, so it is one file of the standard library (Linux,
Python 3.9). WHAT is `descriptors` or `memory`; VALUE is how many more files it may open, or how many
more bytes of address space it may have, than it uses now; `-` puts the limit back to what is usual here.
It prints what it found and set as JSON.

Only the soft limit is changed, which is the one that counts for a process, so raising it again needs no
privileges.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

SOURCE = Path(__file__).read_text(encoding="utf-8") if "__file__" in globals() else ""
KINDS = {"descriptors": resource.RLIMIT_NOFILE, "memory": resource.RLIMIT_AS}


def main(pid: int, what: str, value: str) -> dict[str, int]:
    """Set the limit; what the process uses, and its limit now."""
    kind = KINDS[what]
    used = used_descriptors(pid) if what == "descriptors" else used_address_space(pid)
    _, hard = resource.prlimit(pid, kind)
    soft = usual(kind, hard) if value == "-" else used + int(value)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.prlimit(pid, kind, (soft, hard))
    return {"used": used, "limit": resource.prlimit(pid, kind)[0]}


def usual(kind: int, hard: int) -> int:
    """The usual soft limit: this program's own, since it was started as the node was."""
    own = resource.getrlimit(kind)[0]
    return hard if own == resource.RLIM_INFINITY else own


def used_descriptors(pid: int) -> int:
    """The highest number in use and one: the limit is one above the highest number that may be given."""
    return max(map(int, os.listdir(f"/proc/{pid}/fd")), default=-1) + 1


def used_address_space(pid: int) -> int:
    """The address space in use in bytes, as RLIMIT_AS counts it."""
    with open(f"/proc/{pid}/statm") as pages:
        return int(pages.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2], sys.argv[3])))  # noqa: T201 - its output is the answer
