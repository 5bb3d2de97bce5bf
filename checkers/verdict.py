"""The verdict of a checker: valid, invalid or unknown, with its evidence in words and in indices.

A checker that judged nothing at all says so by a mark of its own (`Unjudged`). Such a verdict is `unknown`,
shown and counted apart; `check_all` says when it makes the whole run `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from history import Recording


class Validity(StrEnum):
    """How a recording was judged. `unknown` is never shown as valid."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"

    @staticmethod
    def worst(parts: Iterable[Validity]) -> Validity:
        """The worst of several: invalid > unknown > valid. Of none it is valid, the lattice's bottom."""
        found = set(parts)
        for validity in (Validity.INVALID, Validity.UNKNOWN):
            if validity in found:
                return validity
        return Validity.VALID


class Unjudged(StrEnum):
    """Why a checker judged nothing, where that is no doubt about what the recording holds."""

    NOT_EXERCISED = "not exercised"
    """The recording holds nothing that the checker looks at: no restart, no stale read, no reply, ..."""
    NOT_APPLICABLE = "not applicable"
    """The system cannot have what the checker looks at: it writes no traces, its replies name no index."""
    ONLY_MEASURES = "only measures"
    """The checker counts and measures; it was given nothing to compare the figures with."""


Mark = Validity | Unjudged
"""What stands next to a checker's name."""


class EventRef(msgspec.Struct, frozen=True):
    """The place of a trace event: node, the node's life (from 1), and the sequence number in that life."""

    node: str
    life: int
    seq: int


class Arrow(msgspec.Struct, frozen=True):
    """One operation that must come before another, and why: an arrow of a picture."""

    source: int
    """The index of the earlier operation's invocation."""
    target: int
    """The index of the later operation's invocation."""
    kind: str
    """The reason as a label of the arrow: `ww`, `real time`, ..."""
    text: str
    """The reason as a sentence."""


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One violation, or one reason why a verdict is unknown."""

    title: str
    """A headline: what happened, and to whom: `n5 voted twice in term 3`."""
    text: str
    """What shows it, in sentences that name operations as `operation 512` and nodes, terms, indices, times.
    """
    operations: tuple[int, ...] = ()
    """The numbers of the operations that show it, which are the indices of their invocations, in order: the
    smallest set that the checker could find."""
    events: tuple[EventRef, ...] = ()
    """The trace events that show it."""
    nodes: tuple[str, ...] = ()
    links: tuple[Arrow, ...] = ()
    """The orders between operations that contradict each other, as arrows for a picture."""
    kind: str = ""
    """What kind of violation it is, in words that are the same for all of its kind; empty: the title says it.
    """


class IllegalOperation(ValueError):
    """A checker cannot judge this history: the operation at index `operation` breaks `rule`."""

    def __init__(self, operation: int, rule: str) -> None:
        super().__init__(f"operation {operation}: {rule}")
        self.operation = operation
        self.rule = rule


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one checker found in a recording."""

    checker: str
    """The checker's name: `election-safety`, `durability`, ..."""
    validity: Validity
    summary: str
    """One sentence with the numbers that matter."""
    evidence: tuple[Evidence, ...] = ()
    """Why the verdict is not valid, the clearest first; at most some dozens, as `measures` has the counts."""
    measures: Mapping[str, Any] = {}
    """JSON-like figures: counts, distributions, per-key results."""
    caveats: tuple[str, ...] = ()
    """What was not checked, and the assumptions on which the verdict rests."""
    unjudged: Unjudged | None = None
    """Why nothing was judged. The validity is then `unknown`; None where something was judged."""

    def __post_init__(self) -> None:
        if self.unjudged is not None and self.validity is not Validity.UNKNOWN:
            raise ValueError(f"{self.checker}: what was {self.unjudged} cannot be {self.validity}")

    @property
    def mark(self) -> Mark:
        """The mark of the verdict: why nothing was judged, or else the validity."""
        return self.validity if self.unjudged is None else self.unjudged

    @classmethod
    def marked(
        cls,
        checker: str,
        mark: Mark,
        summary: str,
        evidence: tuple[Evidence, ...] = (),
        measures: Mapping[str, Any] | None = None,
        caveats: tuple[str, ...] = (),
    ) -> Verdict:
        """The verdict with this mark; what was not judged is `unknown`."""
        validity, unjudged = (Validity.UNKNOWN, mark) if isinstance(mark, Unjudged) else (mark, None)
        return cls(checker, validity, summary, evidence, measures or {}, caveats, unjudged)


class Checker(Protocol):
    """Why the verdict is not valid, the clearest first; at most some dozens. `measures` has the counts."""

    @property
    def name(self) -> str:
        """The name that its verdicts carry."""
        ...

    def check(self, recording: Recording) -> Verdict:
        """Judge a recording; a pure function."""
        ...


class Judge(Checker, Protocol):
    """A checker of histories that any tool may have recorded: it refuses those that it cannot judge."""

    def judge(self, recording: Recording) -> Verdict:
        """Judge a recording, but refuse a history that breaks this checker's rules.

        Raises:
            IllegalOperation: the first operation that breaks a rule.
        """
        ...


def checked(judge: Judge, recording: Recording) -> Verdict:
    """The verdict of a judge; `unknown` where it refuses the history."""
    try:
        return judge.judge(recording)
    except IllegalOperation as refusal:
        number = recording.history.number(refusal.operation)
        return Verdict(judge.name, Validity.UNKNOWN, f"operation {number}: {refusal.rule}")
