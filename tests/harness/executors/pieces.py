"""Pieces of work for tests, which workers in other processes import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from harness.errors import CouldNotRun
from harness.sim.schedule.version import identity

_kept: list[bytes] = []


def squared(number: int) -> int:
    """Cheap work."""
    return number * number


def noted(task: tuple[Path, int]) -> int:
    """Work of some milliseconds, of which a folder holds a note each time it is done."""
    folder, number = task
    time.sleep(0.02)
    (folder / f"{number}-{time.time_ns()}").touch()
    return number


def failing(number: int) -> int:
    """Work that the harness cannot do for one number."""
    if number == 3:
        raise CouldNotRun("no room")
    return number


def endless(number: int) -> int:
    """Work that does not end for one number."""
    while number == 3:
        time.sleep(0.01)
    return number


def killing(number: int) -> int:
    """Work that kills its process for one number."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def growing(number: int) -> int:
    """Work that takes memory without end for one number, and 300 MiB, which stay, for another."""
    while number == 3:
        _kept.append(b"x" * (16 << 20))
        time.sleep(0.01)  # so that memory grows no faster than a machine may be busy
    if number == 5:
        _kept.append(b"x" * (300 << 20))
    return number


def process_of(number: int) -> int:
    """Work that says which process does it, and keeps what `growing` keeps."""
    growing(number)
    return os.getpid()


def pretended() -> dict[str, str]:
    """The identity of this process; another one where the environment says so."""
    return {**identity(), **({"Python": version} if (version := os.environ.get("PRETENDED_PYTHON")) else {})}


def slowly_squared(number: int) -> int:
    """A piece of work that takes so long that Dask gives those that wait to idle workers."""
    time.sleep(0.4)  # stands for work: Dask moves only what it knows to take long
    return number**2
