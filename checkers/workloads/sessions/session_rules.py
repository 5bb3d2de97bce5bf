"""The four session guarantees: what a client may expect of its own operations, one after the other.

Terry et al., PDIS 1994, section 3. A *session* is all that one process does. With every write at its place in
the log:

- *read your writes*: a read shows the session's last write of the key, or a later one;
- *monotonic reads*: a read shows what the session read of the key before, or something later;
- *monotonic writes*: the session's writes stand in the log in the order in which it made them;
- *writes follow reads*: a write stands after all that the session had read.

The first two are about one key at a time, the last two about all keys, since these share one log. What a
read shows is given as the places of the earliest and of the latest write that it may be: a reply does not
always say which (`nothing` may be any removal), and only what is certain counts.
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


class SessionStep(NamedTuple):
    """One operation of a session on one key; a list of several keys is one step for each."""

    session: int
    operation: int
    """Position of the completion in the history."""
    is_write: bool
    key: int
    earliest: int
    """Place in the log of what it wrote, or of the earliest write that it may have seen; 0: the empty log."""
    latest: int
    """Place in the log of the latest write that it may have seen; equal to `earliest` where that is certain.
    """


class BrokenGuarantee(NamedTuple):
    """Two steps of a session that break a guarantee."""

    guarantee: Guarantee
    before: SessionStep
    after: SessionStep


def broken_guarantees(steps: Iterable[SessionStep]) -> list[BrokenGuarantee]:
    """Every step that breaks a guarantee, with the earlier step that shows it most clearly.

    `steps` are in the order of each session. One pass is enough: by session and key, only the highest place
    in the log that each guarantee requires must be remembered.
    """
    written: dict[tuple[int, int], SessionStep] = {}
    read: dict[tuple[int, int], SessionStep] = {}
    last_write: dict[int, SessionStep] = {}
    last_read: dict[int, SessionStep] = {}
    found: list[BrokenGuarantee] = []
    for step in steps:
        here = (step.session, step.key)
        if step.is_write:
            before = last_write.get(step.session)
            if before is not None and before.earliest > step.latest:
                found.append(BrokenGuarantee("monotonic writes", before, step))
            before = last_read.get(step.session)
            if before is not None and before.earliest > step.latest:
                found.append(BrokenGuarantee("writes follow reads", before, step))
            _raise_to(last_write, step.session, step)
            _raise_to(written, here, step)
        else:
            before = written.get(here)
            if before is not None and before.earliest > step.latest:
                found.append(BrokenGuarantee("read your writes", before, step))
            before = read.get(here)
            if before is not None and before.earliest > step.latest:
                found.append(BrokenGuarantee("monotonic reads", before, step))
            _raise_to(last_read, step.session, step)
            _raise_to(read, here, step)
    return found


def _raise_to(highest: dict[K, SessionStep], key: K, step: SessionStep) -> None:
    known = highest.get(key)
    if known is None or step.earliest > known.earliest:
        highest[key] = step
