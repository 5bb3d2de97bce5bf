"""What a checker says: valid, invalid or unknown, with the evidence in words and in indices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from history import Recording


class Validity(StrEnum):
    """`unknown` means that the checker could not tell; it is never shown as valid."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"

    @staticmethod
    def worst(parts: Iterable[Validity]) -> Validity:
        """Combine: invalid > unknown > valid. Of nothing: valid, the lattice's bottom."""
        found = set(parts)
        for validity in (Validity.INVALID, Validity.UNKNOWN):
            if validity in found:
                return validity
        return Validity.VALID


class EventRef(msgspec.Struct, frozen=True):
    """Where a trace event stands: node, its life (from 1), and the sequence number in that life."""

    node: str
    life: int
    seq: int


class Link(msgspec.Struct, frozen=True):
    """One arrow of a picture: an operation that must come before another, and why."""

    source: int
    """The index of an invocation; so is the target."""
    target: int
    kind: str
    """In a word, for the arrow: `ww`, `real time`, ..."""
    text: str
    """In a sentence."""


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One violation, or one reason why it could not be told."""

    title: str
    """What went wrong, in a few words: `registration r17 was lost`."""
    text: str
    """How it shows, in sentences that name operations as `operation 512` and nodes, terms, indices."""
    operations: tuple[int, ...] = ()
    """The indices in the history that show it, in order: the smallest set the checker could find."""
    events: tuple[EventRef, ...] = ()
    """The trace events that show it."""
    nodes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    """Where it is that some operations cannot all come before others: each such order, for a picture."""


class IllegalOperation(ValueError):
    """A history is not one that a checker is for. `operation` is the index of what breaks which `rule`."""

    def __init__(self, operation: int, rule: str) -> None:
        super().__init__(f"operation {operation}: {rule}")
        self.operation = operation
        self.rule = rule


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one checker found."""

    checker: str
    """Its name: `election-safety`, `durability`, ..."""
    validity: Validity
    summary: str
    """One sentence with the numbers that matter."""
    evidence: tuple[Evidence, ...] = ()
    """Why it is not valid, most telling first; at most some dozens, `measures` has the counts."""
    measures: Mapping[str, Any] = {}
    """JSON-like figures: counts, distributions, per-key results."""
    caveats: tuple[str, ...] = ()
    """What was not checked, or on what assumption it rests."""


class Checker(Protocol):
    """A judge of one property. It never raises on a legal recording: what it cannot tell is `unknown`."""

    @property
    def name(self) -> str:
        """The name its verdicts carry."""
        ...

    def check(self, recording: Recording) -> Verdict:
        """Judge the recording."""
        ...


class Judge(Checker, Protocol):
    """A checker of histories that anybody may have recorded: it says what it will not judge."""

    def judge(self, recording: Recording) -> Verdict:
        """As `check`, but a history that breaks this checker's rules is refused, not `unknown`.

        Raises:
            IllegalOperation: with the first operation that breaks a rule.
        """
        ...


def checked(judge: Judge, recording: Recording) -> Verdict:
    """`check` of a judge: what it refuses is `unknown`."""
    try:
        return judge.judge(recording)
    except IllegalOperation as refusal:
        return Verdict(judge.name, Validity.UNKNOWN, str(refusal))
