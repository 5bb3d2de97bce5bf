"""Families: a process of a node with all that it starts, so that they are signalled, and end, together.

A system's process may be a script that starts the real server, or a server that forks; what it starts may
leave its session, and may overwrite its environment, so that neither shows to whom it belongs. A Linux
control group shows it in any case: a process is put into one before its program begins, and whatever it
starts is in it as well. The groups of a run lie below the harness's own:

```
harness's own group/
  ackproof-1f2e3d4c-n1/       a node; its ledger names it before it is made, `clean` empties and removes it
    1/ 2/ ...                 each process that was started for the node, with its family
```

That needs version 2 of control groups (cgroups(7)) and the right to make groups below one's own: root's, or
that of a user to whom it was delegated (`systemd-run --user --scope`). Elsewhere a family is what is in the
session that the process leads, and what descends from it; what left both by a double fork is then found by
`clean` only if its environment still carries the run's token.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from harness.hosts.processes import PROC, Identity, family_of, identify, send_signal

PREFIX = "ackproof-"
PROCESSES = "cgroup.procs"
EMPTY_BOUND_S = 10.0
POLL_S = 0.005
_JOIN_AND_BECOME = 'echo 0 > "$0" && exec "$@"'
"""For a shell: join the group whose list of processes is `$0`, and become the program that follows."""


class Family(Protocol):
    """A process with all that it started."""

    def members(self) -> tuple[Identity, ...]:
        """The living ones now."""
        ...

    def kill(self) -> None:
        """Send SIGKILL to all of them."""
        ...

    def is_over(self) -> bool:
        """Whether none lives; what was kept for the family is then removed."""
        ...


class Session:
    """A family without a control group: the session that a process leads, and what descends from it."""

    def __init__(self, leader: Identity) -> None:
        self._leader = leader

    def members(self) -> tuple[Identity, ...]:
        """The living ones now."""
        return family_of(self._leader)

    def kill(self) -> None:
        """Send SIGKILL to one after another."""
        for member in self.members():
            send_signal(member, signal.SIGKILL)

    def is_over(self) -> bool:
        """Whether none lives."""
        return not self.members()


class ControlGroup:
    """A control group, and the groups in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> ControlGroup:
        """Make it; it may be there.

        Raises:
            OSError: the kernel refuses.
        """
        self.path.mkdir(exist_ok=True)
        return self

    def entering(self) -> tuple[str, ...]:
        """The words that run an argument list in the group; the process keeps its number."""
        return ("/bin/sh", "-c", _JOIN_AND_BECOME, str(self.path / PROCESSES))

    def members(self) -> tuple[Identity, ...]:
        """The living processes in the group, and in the groups in it."""
        found = [identify(pid) for group in self._groups() for pid in _numbers(group)]
        return tuple(process for process in found if process is not None)

    def kill(self) -> None:
        """Send SIGKILL to all of them, at once where the kernel can (`cgroup.kill`, Linux 5.14)."""
        try:
            (self.path / "cgroup.kill").write_text("1")
        except FileNotFoundError:  # an older kernel, or the group is gone
            for member in self.members():
                send_signal(member, signal.SIGKILL)

    def is_over(self) -> bool:
        """Whether none lives; if so the group is removed."""
        if self.members():
            return False
        for group in sorted(self._groups(), reverse=True):  # the inner ones first
            with contextlib.suppress(OSError):  # a process that is just ending; `end` looks again
                group.rmdir()
        return not self.path.exists()

    def end(self, bound_s: float = EMPTY_BOUND_S) -> bool:
        """Kill what is in the group until nothing is, and remove it. Blocks; False if that took too long."""
        deadline = time.monotonic() + bound_s
        while not self.is_over():
            self.kill()
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _groups(self) -> Iterable[Path]:
        return [Path(base) for base, _, _ in os.walk(self.path)]


def usable_parent() -> Path | None:
    """The group in which this process may make groups and put processes; None if there is none."""
    at, own = _mounted_at(), _own_group()
    if at is None or own is None:
        return None
    parent = Path(at, own.lstrip("/"))
    # To move a process, the list of the group that both its old and its new one are in must be writable.
    return parent if os.access(parent, os.W_OK) and os.access(parent / PROCESSES, os.W_OK) else None


def group_of(parent: Path, token: str, name: str) -> ControlGroup:
    """The group of what a run starts under this name."""
    return ControlGroup(parent / f"{PREFIX}{token[:8]}-{re.sub(r'[^A-Za-z0-9_-]', '_', name)}")


def _mounted_at() -> str | None:
    """Where version 2 is mounted."""
    try:
        lines = (PROC / "mounts").read_text().splitlines()
    except OSError:
        return None
    return next((words[1] for line in lines if (words := line.split(" "))[2] == "cgroup2"), None)


def _own_group() -> str | None:
    """This process's group, as a path from the root of what it can see."""
    try:
        lines = (PROC / "self/cgroup").read_text().splitlines()
    except OSError:
        return None
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)
    return None if own is None or own.startswith("/..") else own  # it lies outside of what is visible here


def _numbers(group: Path) -> list[int]:
    try:
        return [int(number) for number in (group / PROCESSES).read_text().split()]
    except OSError:
        return []  # removed meanwhile
