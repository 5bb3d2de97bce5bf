"""The error that every part of the harness may raise, and the message for a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CouldNotRun(Exception):
    """The command could not do its work. The message is one line that says what to do."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name, in one line: the nearest name that exists, and all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}: {hint}known are {', '.join(names)}"
