"""Errors that every part of the harness may raise, and how a name that does not exist is reported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CouldNotRun(Exception):
    """The run could not be made; the message is one line that says what to do. Exit code 255."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """One line: what was not known, the nearest that is, and all there are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}: {hint}known are {', '.join(names)}"
