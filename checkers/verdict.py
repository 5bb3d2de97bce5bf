"""What a checker says: valid, invalid or unknown, with the evidence in words and in indices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from harness.history import Recording


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
