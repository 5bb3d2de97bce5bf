"""What explains the verdict on a run: one sentence, a short story, and what a picture of it must show.

These are the values alone. `reports.explain` makes them from a recording and its verdicts; the terminal, the
page, JSON and JUnit show them. A field that the recording does not hold is None or empty: nothing is guessed.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from checkers.verdict import EventRef, Validity

LineKind = Literal[
    "fault",  # something was broken
    "heal",  # something was mended
    "restart",  # a life of a node began
    "end",  # a life of a node ended
    "term",  # a node entered a term
    "vote",  # a node voted
    "election",  # a node became leader
    "deposed",  # a node stopped leading
    "append",  # a node put an entry into its log
    "disk",  # a node had an entry on its disk
    "commit",  # a node took an entry for committed
    "apply",  # a node applied an entry
    "truncate",  # a node removed entries from its log
    "snapshot",  # a node took or installed a snapshot
    "configuration",  # the members changed
    "message",  # a node sent or took a message
    "acknowledge",  # a node answered that a write is done
    "invoke",  # a client began an operation
    "complete",  # a client had its answer
    "note",  # what no single moment shows
]
"""What a line of a story is about."""


class StoryLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that led to the violation, or that shows it."""

    text: str
    """A sentence without its time: `n1, leader of term 2, appended operation 582 at index 233`."""
    kind: LineKind
    time: int | None = None
    """Nanoseconds since the run began; None where the node's clock cannot be compared with the run's."""
    node: str | None = None
    process: int | None = None
    """The client process, of an operation's invocation or completion."""
    operation: int | None = None
    """The number of the operation, that of its invocation."""
    term: int | None = None
    index: int | None = None
    """The index in the log."""
    event: EventRef | None = None
    """The trace event, if one shows it."""
    is_wrong: bool = False
    """Whether this is the step that must not happen."""


class Moments(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a picture of the violation must show."""

    begin: int
    """Nanoseconds since the run began."""
    end: int
    nodes: tuple[str, ...] = ()
    """The nodes that take part, the one at fault first."""
    operations: tuple[int, ...] = ()
    """The numbers of the operations, each that of its invocation."""
    events: tuple[EventRef, ...] = ()
    """The trace events."""
    terms: tuple[int, ...] = ()
    indices: tuple[int, ...] = ()
    """The indices at which the logs matter, ascending: where they differ, or what was lost."""
    wrong: int | None = None
    """The place in the story of the step that must not happen."""


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the verdict on a run is what it is."""

    validity: Validity
    """`invalid`, or `unknown`; a valid run needs no explanation."""
    headline: str
    """One sentence: who, what, when."""
    cause: str
    """The checker that is the root: whose verdict `headline` is about."""
    evidence: int | None = None
    """The place, in the evidence of that verdict, of what `headline` is about; None if it has none."""
    story: tuple[StoryLine, ...] = ()
    """At most `MOST_LINES`, in the order of time."""
    follows: tuple[str, ...] = ()
    """The other checkers that found a violation which the cause may explain."""
    apart: tuple[str, ...] = ()
    """The other checkers that found a violation which the cause does not explain."""
    more: int = 0
    """How many more violations were found, by all checkers together."""
    moments: Moments | None = None
    missing: tuple[str, ...] = ()
    """Of an unknown verdict: what was missing, and which option gives it, a sentence each."""


MOST_LINES = 12
"""The largest number of lines of a story."""
