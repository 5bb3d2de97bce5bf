"""What a run did, as a set of small numbers that can be compared with those of other runs.

A *behaviour* is two events of one node in a row, each reduced to what has few values: its kind, the message,
the role, how far commit and log are apart, and whether the term grew since. Or it is how one kind of
operation ended, and in which words. Names, terms, indices and times make no difference. So the number of
behaviours is bounded, and a run that shows one that no other run has shown did something new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol
from zlib import crc32

from history import Operation

_VARYING = re.compile(r"\d+|\b[rn]\d+\b|'[^']*'")
LONGEST_ERROR = 80
FAR = 3
"""All distances of at least this number of entries are one class."""


class Event(Protocol):
    """What is looked at of a trace event; the fields are those of docs/trace-format.md."""

    @property
    def event(self) -> str: ...
    @property
    def message(self) -> str | None: ...
    @property
    def ok(self) -> bool | None: ...
    @property
    def role(self) -> str: ...
    @property
    def term(self) -> int: ...
    @property
    def commit(self) -> int: ...
    @property
    def applied(self) -> int: ...
    @property
    def last(self) -> int: ...


def behaviours(lives: Iterable[Iterable[Event]], operations: Iterable[Operation]) -> tuple[int, ...]:
    """The behaviours of a run, in ascending order; each a number of 32 bits, the same on every machine.

    Args:
        lives: the trace events of each life of each node.
        operations: the history.
    """
    found: set[object] = set()
    for events in lives:
        before: tuple[object, ...] = ("begin",)
        term = -1
        for one in events:
            now = (
                one.event,
                one.message,
                one.ok,
                one.role,
                one.term > term >= 0,
                min(one.last - one.commit, FAR),
                min(one.commit - one.applied, FAR),
            )
            found.add((before, now))
            before, term = now, one.term
        found.add((before, "end"))
    for operation in operations:
        if operation.type != "invoke" and operation.is_client:
            error = _VARYING.sub("#", (operation.error or "")[:LONGEST_ERROR])
            found.add((operation.f, operation.type, error))
    return tuple(sorted({crc32(repr(one).encode()) for one in found}))
