"""The error that every part of the harness may raise, and the message for a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CouldNotRun(Exception):
    """The command could not do its work. The message is one line that says what to do."""


LONGEST_NAME = 80
"""Characters of a name that a message repeats."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name, in one line: the nearest name that exists, and all of them."""
    names = sorted(known)
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}: {hint}known are {', '.join(names)}"
