"""How each kind of thing that a run made is removed again by `clean`, after its harness has died."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from harness.hosts.clocks import ownclock
from harness.hosts.groups import EMPTY_BOUND_S, PREFIX, ControlGroup

NAMESPACES = Path("/run/netns")
NAMESPACE = "network namespace"
REMOTE = "remote host"
MOUNT = "mount"
SHARED_MEMORY = "shared memory"
CONTROL_GROUP = "control group"
MOUNTS = Path("/proc/self/mounts")
REMOVAL_BOUND_S = 20.0


class RemovalError(RuntimeError):
    """Something could not be removed; the message says why and what to do."""


class Made(msgspec.Struct, frozen=True):
    """One thing that a ledger names."""

    kind: str
    name: str
    details: str = ""


def remove_all(made: Iterable[Made]) -> tuple[list[str], list[str]]:
    """Remove things in this order; (what was removed, what could not be, in words)."""
    removed: list[str] = []
    problems: list[str] = []
    for thing in made:
        remover = REMOVERS.get(thing.kind)
        try:
            if remover is None:
                raise RemovalError("this version of ackproof does not know how; remove it by hand")
            if remover(thing):
                removed.append(f"{thing.kind} {thing.name}")
        except RemovalError as error:
            problems.append(f"{thing.kind} {thing.name} could not be removed: {error}")
    return removed, problems


def remove_namespace(thing: Made) -> bool:
    """Delete a network namespace, and with it every interface and rule in it; False if there is none."""
    if not (NAMESPACES / thing.name).exists():
        return False
    return _run("ip", "netns", "delete", thing.name)


def remove_mount(thing: Made) -> bool:
    """Unmount what a run mounted over a folder; False if nothing is mounted there."""
    if not is_mounted(thing.name):
        return False
    if os.geteuid() == 0:
        return _run("umount", "--lazy", thing.name)
    return _run("fusermount3", "-u", "-z", thing.name)


def remove_shared_memory(thing: Made) -> bool:
    """Remove the shared memory that a run's processes had, and its semaphore; False if there is none."""
    there = any(os.path.exists(path) for path in ownclock.paths(thing.name))
    try:
        ownclock.remove(thing.name)
    except OSError as error:
        raise RemovalError(str(error)) from error
    return there


def remove_control_group(thing: Made) -> bool:
    """End what is in a control group of a run, and remove it; False if there is none."""
    group = ControlGroup(Path(thing.name))
    if not group.path.exists():
        return False
    if not group.path.name.startswith(PREFIX):
        raise RemovalError("its name is none that a run gives")
    try:
        ended = group.end()
    except PermissionError as error:
        raise RemovalError(f"{error.strerror}; clean as the user that made it") from error
    if not ended:
        numbers = ", ".join(str(process.pid) for process in group.members())
        raise RemovalError(f"still running {EMPTY_BOUND_S:g} s after SIGKILL: {numbers or 'none'}")
    return True


def is_mounted(folder: str) -> bool:
    """Whether something is mounted over it. Asked of the kernel, since a dead FUSE mount answers nothing."""
    if not MOUNTS.exists():
        return False
    at = [line.split(" ")[1] for line in MOUNTS.read_text().splitlines()]
    return folder in [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), path) for path in at]


def _run(*argv: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 (an argument list, no shell)
            argv, capture_output=True, text=True, check=False, timeout=REMOVAL_BOUND_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RemovalError(str(error)) from error
    if done.returncode:
        raise RemovalError(done.stderr.strip() or f"{argv[0]} ended with status {done.returncode}")
    return True


def remove_remote(thing: Made) -> bool:
    """End and remove what a run has on a remote host."""
    # Here, since only runs with remote hosts need paramiko.
    from harness.hosts.host import HostError
    from harness.hosts.ssh.connection import RemoteRun, sweep

    try:
        sweep(msgspec.json.decode(thing.details, type=RemoteRun))
    except HostError as error:
        raise RemovalError(str(error)) from error
    return True


REMOVERS: dict[str, Callable[[Made], bool]] = {
    NAMESPACE: remove_namespace,
    REMOTE: remove_remote,
    MOUNT: remove_mount,
    SHARED_MEMORY: remove_shared_memory,
    CONTROL_GROUP: remove_control_group,
}
"""By kind: a function that removes one thing, True if it was there; raises `RemovalError`."""
