"""What a user's system raises while a run uses it: said in one line, with its place in the user's file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import CouldNotRun, place_of
from harness.systems.base import System

_OURS = __name__.partition(".")[0]


@contextmanager
def users_code(system: System, doing: str, allowed: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Let code of a system run; if a user wrote the system, what it raises ends the run in words.

    Args:
        system: the system whose code it is.
        doing: what is done, `launch of n1`.
        allowed: what it may raise, which goes on to the caller.

    Raises:
        CouldNotRun: it raised something else.
    """
    try:
        yield
    except Exception as error:  # it is the user's code, which may raise anything
        is_ours = type(system).__module__.partition(".")[0] == _OURS  # its bugs need their traceback
        if is_ours or isinstance(error, (CouldNotRun, *allowed)):
            raise
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise CouldNotRun(f"the system's {doing} raised {said} ({place_of(error)})") from error
