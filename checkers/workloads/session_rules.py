"""What a client may expect of its own operations, one after the other (Terry et al., PDIS 1994, section 3).

A *session* is what one process does. With every write at its place in the log:

- *read your writes*: a read shows the session's last write of the key, or a later one;
- *monotonic reads*: a read shows what the session read of the key before, or something later;
- *monotonic writes*: the session's writes stand in the log in the order in which it made them;
- *writes follow reads*: a write stands after all that the session had read.

The first two speak of one key at a time, the last two of all keys, since they share one log. What a read
shows is given as the places of the earliest and of the latest write that it may be: replies do not always
tell which (`nothing` may be any removal), and only what is certain counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeVar

K = TypeVar("K")
Guarantee = Literal["read your writes", "monotonic reads", "monotonic writes", "writes follow reads"]
GUARANTEES: tuple[Guarantee, ...] = (
    "read your writes",
    "monotonic reads",
    "monotonic writes",
    "writes follow reads",
)


class Step(NamedTuple):
    """One operation of a session on one key; a list is one step a key."""

    session: int
    operation: int
    """Its completion's position in the history."""
    is_write: bool
    key: int
    earliest: int
    """Place in the log of what it wrote, or of the earliest write that it may have seen; 0: the beginning."""
    latest: int
    """The same of the latest one; equal where it is certain."""


class Broken(NamedTuple):
    """A guarantee that a session did not get."""

    guarantee: Guarantee
    before: Step
    after: Step


def broken(steps: Iterable[Step]) -> list[Broken]:
    """The sessions' broken guarantees, each with the step that asks most; steps in each session's order.

    One pass: it is enough to remember, by session and key, the highest place that each guarantee asks for.
    """
    written: dict[tuple[int, int], Step] = {}
    read: dict[tuple[int, int], Step] = {}
    last_write: dict[int, Step] = {}
    last_read: dict[int, Step] = {}
    found: list[Broken] = []
    for step in steps:
        here = (step.session, step.key)
        if step.is_write:
            before = last_write.get(step.session)
            if before is not None and before.earliest > step.latest:
                found.append(Broken("monotonic writes", before, step))
            before = last_read.get(step.session)
            if before is not None and before.earliest > step.latest:
                found.append(Broken("writes follow reads", before, step))
            _raise_to(last_write, step.session, step)
            _raise_to(written, here, step)
        else:
            before = written.get(here)
            if before is not None and before.earliest > step.latest:
                found.append(Broken("read your writes", before, step))
            before = read.get(here)
            if before is not None and before.earliest > step.latest:
                found.append(Broken("monotonic reads", before, step))
            _raise_to(last_read, step.session, step)
            _raise_to(read, here, step)
    return found


def _raise_to(highest: dict[K, Step], key: K, step: Step) -> None:
    known = highest.get(key)
    if known is None or step.earliest > known.earliest:
        highest[key] = step
