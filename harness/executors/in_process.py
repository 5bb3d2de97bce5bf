"""Does work in this process, one piece after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from harness.executors.executor import Ended, K, P, R, tried


class InProcess(Generic[K, P, R]):
    """Does work in this process: `begin` notes a piece, `wait` does it."""

    def __init__(self, perform: Callable[P, R]) -> None:
        self._perform = perform
        self._next: tuple[K, Callable[[], R | str]] | None = None

    @property
    def has_room(self) -> bool:
        """Whether no piece waits."""
        return self._next is None

    @property
    def is_busy(self) -> bool:
        """Whether a piece waits."""
        return self._next is not None

    def begin(self, key: K, *args: P.args, **kwargs: P.kwargs) -> None:
        """Note the piece."""
        self._next = key, lambda: tried(self._perform, *args, **kwargs)

    def wait(self, timeout_s: float) -> list[Ended[K, R]]:  # noqa: ARG002 - it takes as long as it takes
        """Do the piece."""
        if self._next is None:
            return []
        key, call = self._next
        self._next = None
        return [Ended(key, call())]

    def interrupt(self) -> list[Ended[K, R]]:
        """Forget the piece."""
        self._next = None
        return []

    def close(self) -> None:
        """Nothing is left."""
