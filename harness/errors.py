"""The error that every part of the harness may raise, and messages: for what a user's code raises, and for a
name that does not exist."""

from __future__ import annotations

import difflib
import re
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path(__file__).parent
"""The folder of the harness's own code."""
_INSTALLED = frozenset(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib"))
BUGS = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    SyntaxError,
    TypeError,
)
"""What Python raises for a mistake in a user's code, whatever the system under test does."""
_PLACE = re.compile(r"\(\S+\.py, line \d+\)$")


class CouldNotRun(Exception):
    """The command could not do its work. The message is one line that says what to do."""


def raised(error: BaseException) -> str:
    """What some code raised, in one line; a bug, or what a user's file itself raises, with its place."""
    if isinstance(error, BUGS):
        return placed(error)
    said = _without_place(error)
    return f"{said}, in {place_of(error)}" if _is_of_users_file(error) else said


def _is_of_users_file(error: BaseException) -> bool:
    """Whether a file that is neither the harness's nor installed raised it; not what the network causes."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and not isinstance(error, OSError) and _is_own(Path(frames[-1].filename))


def _is_own(file: Path) -> bool:
    return _ROOT not in file.parents and not _INSTALLED.intersection(file.parents)


def placed(error: BaseException) -> str:
    """What some code raised, in one line, with its place."""
    said = _without_place(error)
    return f"{said} ({place_of(error)})" if error.__traceback__ else said


def _without_place(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def names_bug(text: str) -> bool:
    """Whether these are the words of `raised` for a bug, or end with a place as `placed` does."""
    return _PLACE.search(text) is not None


def place_of(error: BaseException) -> str:
    """Where a user's code raised: the deepest line of a file that is neither the harness's nor installed.

    So an error inside of a library is placed at the line that called the library. If the user's code is an
    installed package, it is the first file that is not the harness's.
    """
    frames = traceback.extract_tb(error.__traceback__)
    files = [Path(frame.filename) for frame in frames]
    foreign = [file for file in files if _ROOT not in file.parents]
    own = [file for file in foreign if _is_own(file)]
    file = own[-1] if own else (foreign or files[-1:])[0]
    line = [frame.lineno for frame, at in zip(frames, files, strict=True) if at == file][-1]
    return f"{file.name}, line {line}"


MOST_LISTED = 40
"""Names that are listed although a near one is known."""
LONGEST_NAME = 80
"""Characters of a name that a message repeats."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name, in one line: the nearest name that exists, and all of them. Of many
    names, the nearest is shown alone."""
    names = sorted(known)
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    near = difflib.get_close_matches(name, names, n=1)
    if near and len(names) > MOST_LISTED:
        return f"unknown {kind} {name!r}: did you mean {near[0]!r}?"
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}: {hint}known are {', '.join(names)}"
