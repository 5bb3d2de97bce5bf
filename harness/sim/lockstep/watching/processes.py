"""What a process and those that it started have open, by what Linux says of them; no rights are needed.

What is there at an instant is seen: a file that was opened and closed between two looks is not, nor is a
reading of the clock or of random numbers, which leave nothing behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

PROC = Path("/proc")
STANDARD = ("0", "1", "2")
SOCKETS = {"tcp": "TCP", "tcp6": "TCP", "udp": "UDP", "udp6": "UDP"}
_RUNTIME = (
    "pipe:",
    "anon_inode:[eventpoll]",
    "anon_inode:[eventfd]",
    "anon_inode:[pidfd]",
    "/sys/fs/cgroup/",
)
"""What runtimes such as Go's and Java's open for themselves."""
RANDOM = ("/dev/urandom", "/dev/random")
LISTENING = "0A"


def open_things(process: int) -> frozenset[str]:
    """What a process and its descendants have open or have started, in words; empty if it has ended."""
    return frozenset(_of_all(process))


def thread_count(process: int) -> int:
    """How many threads it has; 0 if it has ended."""
    try:
        return len(os.listdir(PROC / str(process) / "task"))
    except OSError:
        return 0


def _of_all(process: int) -> Iterator[str]:
    yield from _of_one(process)
    for child in _children(process):
        yield f"a process ({_name(child)})"
        yield from _of_all(child)


def _of_one(process: int) -> Iterator[str]:
    folder = PROC / str(process) / "fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if name in STANDARD:
            continue
        try:
            target = os.readlink(folder / name)
        except OSError:
            continue
        words = _in_words(process, target)
        if words is not None:
            yield words


def _in_words(process: int, target: str) -> str | None:
    if target.startswith(_RUNTIME):
        return None
    if target.startswith("socket:["):
        return f"a socket ({_address(process, target[len('socket:[') : -1])})"
    if target in RANDOM:
        return f"random numbers of the machine ({target})"
    if target == "anon_inode:[timerfd]":
        return "a timer of the machine (timerfd)"
    if target.startswith("/"):
        return f"a file ({target})"
    return f"something of the machine ({target})"


def _address(process: int, inode: str) -> str:
    """What kind of socket it is, and where."""
    for table, kind in SOCKETS.items():
        try:
            lines = (PROC / str(process) / "net" / table).read_text(encoding="ascii").splitlines()[1:]
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > 9 and fields[9] == inode:
                does = "listens on" if fields[3] == LISTENING else "at"
                return f"{kind}, {does} {_host_and_port(fields[1])}"
    return "not of TCP or UDP"


def _host_and_port(text: str) -> str:
    """`0100007F:1F90` as `127.0.0.1:8080`: four bytes at a time, the lowest first."""
    address, _, port = text.partition(":")
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return f"{ip_address(b''.join(words))}:{int(port, 16)}"


def _children(process: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(PROC / str(process) / "task"):
            text = (PROC / str(process) / "task" / task / "children").read_text(encoding="ascii")
            found += map(int, text.split())
    except OSError:
        pass
    return found


def _name(process: int) -> str:
    try:
        return (PROC / str(process) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "ended by now"
