"""The interface of all places where work is done, and the loop that feeds one of them.

A piece of work is a function's arguments under a key. Each key that was begun ends exactly once: with the
function's result, or with a text that says why the harness could not do it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Hashable, Iterable
from pathlib import Path
from typing import Generic, NamedTuple, ParamSpec, Protocol, TypeVar

from harness.errors import CouldNotRun
from history.files import brief

K = TypeVar("K", bound=Hashable)
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
WAIT_S = 0.25


class Ended(NamedTuple, Generic[K, R]):
    """One piece of work that ended."""

    key: K
    result: R | str
    """What the function gave; or, as text, why the harness could not do it."""


class Executor(Protocol[K, P, R]):
    """Does pieces of work. `begin` is called only while it has room, and with a key of no other work."""

    @property
    def has_room(self) -> bool:
        """Whether it can begin another piece."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether it has pieces that have not ended."""
        ...

    def begin(self, key: K, *args: P.args, **kwargs: P.kwargs) -> None:
        """Begin a piece of work."""
        ...

    def wait(self, timeout_s: float) -> list[Ended[K, R]]:
        """The pieces that ended, at the latest after this time; empty if none did."""
        ...

    def interrupt(self) -> list[Ended[K, R]]:
        """End all work soon; the pieces that could still be finished."""
        ...

    def close(self) -> None:
        """End what is left."""
        ...


def tried(perform: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | str:
    """Call the function; an exception is the harness's own fault, and becomes a text."""
    try:
        return perform(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - whatever it is, it says nothing about the system
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = brief(error) if isinstance(error, CouldNotRun) else f"{type(error).__name__}: {brief(error)}"
        return f"{what} (in {where.name}, {Path(where.filename).name}, line {where.lineno})"


def each_result(executor: Executor[K, [T], R], work: Iterable[tuple[K, T]]) -> Generator[tuple[K, R]]:
    """Do all this work, of one argument each; give each key and its result as it ends.

    Raises:
        CouldNotRun: a piece could not be done; with its key.
    """
    left = iter(work)
    try:
        while True:
            while executor.has_room and (following := next(left, None)) is not None:
                executor.begin(*following)
            if not executor.is_busy:
                return
            for key, result in executor.wait(WAIT_S):
                if isinstance(result, str):
                    raise CouldNotRun(f"{key}: {result}")
                yield key, result
    finally:
        executor.close()
