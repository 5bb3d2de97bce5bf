"""Which process is which: an identity that outlives the re-use of process numbers, and safe signals.

A process number alone identifies no process: once a process is reaped, the kernel may give its number to
another one. (number, start time, boot id) is unique: the start time is in clock ticks since boot, and
a number is not given twice in one tick while pid_max is above what a machine can fork in 10 ms.

Linux answers from /proc. Elsewhere `ps` shows start time and state, and processes cannot be found by
their environment (`carrying` raises `NoProcError`), so a caller must say what it could not do.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

PROC = Path("/proc")


class NoProcError(RuntimeError):
    """This system has no /proc, so processes cannot be found by their environment."""


class Identity(msgspec.Struct, frozen=True):
    """One process, never to be mistaken for a later one with the same number."""

    pid: int
    started: str
    """The start time that the system shows: clock ticks since boot on Linux."""
    boot: str
    """The boot id; empty where the system shows none (its start times are dates then)."""


def has_proc() -> bool:
    """Whether processes can be asked through /proc."""
    return (PROC / "self" / "stat").exists()


def boot_id() -> str:
    """A text that differs after each boot of this machine; empty where the system has none."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return ""


def identify(pid: int) -> Identity | None:
    """The process that has this number now; None if there is none or it has ended (a zombie has)."""
    found = _stat(pid) if has_proc() else _ps(pid)
    if found is None or found[0] in ("Z", "X"):
        return None
    return Identity(pid, found[1], boot_id())


def is_alive(process: Identity) -> bool:
    """Whether this very process still runs."""
    return identify(process.pid) == process


def is_stopped(process: Identity) -> bool:
    """Whether this very process exists and is stopped by a signal (state T)."""
    found = _stat(process.pid) if has_proc() else _ps(process.pid)
    return found is not None and found[1] == process.started and found[0] == "T"


def send_signal(process: Identity, number: signal.Signals) -> bool:
    """Signal this very process; False if it has ended.

    Where the system has pidfds, the process is pinned first and then recognized, so that its number
    cannot pass to another in between.
    """
    if not hasattr(os, "pidfd_open"):
        if not is_alive(process):
            return False
        os.kill(process.pid, number)
        return True
    try:
        pinned = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(process):
            return False
        signal.pidfd_send_signal(pinned, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(pinned)
    return True


def family_of(process: Identity) -> tuple[Identity, ...]:
    """The living ones of: a process, those in the session that it leads, and those that descend from it.

    Without /proc, the process alone.
    """
    if not has_proc():
        return (process,) if is_alive(process) else ()
    alive = is_alive(process)
    children: dict[int, list[int]] = {}
    found = {process.pid} if alive else set()
    for pid in _pids():
        fields = _fields(pid)
        if fields is None or fields[0] in ("Z", "X"):
            continue
        children.setdefault(int(fields[1]), []).append(pid)
        # A session's number is given to no other process as long as one is in it.
        if int(fields[3]) == process.pid and int(fields[19]) >= int(process.started or 0):
            found.add(pid)
    reached = list(found)
    while reached:
        more = [pid for pid in children.get(reached.pop(), ()) if pid not in found]
        found.update(more)
        reached += more
    members = [identify(pid) for pid in sorted(found)]
    return tuple(member for member in members if member is not None)


def carrying(variable: str, value: str) -> list[Identity]:
    """This user's living processes, but not this one, whose environment at start held variable=value.

    Children inherit it, so whatever a tagged process started is found too.

    Raises:
        NoProcError: the system has no /proc.
    """
    if not has_proc():
        raise NoProcError(f"without {PROC}, processes that carry {variable} cannot be found")
    wanted = f"{variable}={value}".encode()
    found: list[Identity] = []
    for pid in _own_pids():
        before = identify(pid)
        try:
            environment = (PROC / str(pid) / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # ended meanwhile, or protects itself from its own user: not a node of ours
        if before is not None and wanted in environment.split(b"\0") and is_alive(before):
            found.append(before)
    return found


def _own_pids() -> Iterator[int]:
    me, user = os.getpid(), os.getuid()
    for entry in os.scandir(PROC):
        if not entry.name.isdecimal() or int(entry.name) == me:
            continue
        try:
            if entry.stat().st_uid == user:
                yield int(entry.name)
        except FileNotFoundError:
            continue  # ended meanwhile


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir(PROC) if name.isdecimal())


def _fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on, see proc(5): state, parent, group, session, ..."""
    try:
        line = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command, in parentheses, may itself hold spaces and parentheses: count from behind the last one.
    return line.rpartition(")")[2].split()


def _stat(pid: int) -> tuple[str, str] | None:
    """(state, start time) of a process."""
    fields = _fields(pid)
    return None if fields is None else (fields[0], fields[19])


def _ps(pid: int) -> tuple[str, str] | None:
    """(state, start time) from ps, as POSIX systems without /proc have it."""
    answer = subprocess.run(  # noqa: S603 (a number is no shell text)
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return (state[0], " ".join(started.split())) if state else None
