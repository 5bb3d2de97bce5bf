"""What goes wrong without a verdict, and words for a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest


class NotJudged(Exception):
    """Something could not be run or judged, so nothing is known about the system; the message says why."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """What is wrong with a name that does not exist, and the nearest that does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}:{hint} known are {', '.join(names)}"


@contextmanager
def shown_alone(where: str = "ackproof") -> Iterator[None]:
    """Fail the test with the message alone where something was not judged: the lines of the plugin that lead
    to it explain nothing. `where` begins the message."""
    try:
        yield
    except (NotJudged, pytest.UsageError) as error:
        raise pytest.fail.Exception(f"{where}: {error}", pytrace=False) from None
