"""Runs several checkers on one recording: all their verdicts, and the one verdict of the run.

A checker that raises an exception says nothing about the system: its verdict is `unknown`, with the reason.

**How marks combine.** A run is

- `invalid` if a checker found a violation;
- else `unknown` if a checker could not decide, or if one that the run *requires* judged nothing;
- else `valid`.

So a checker that the run does not require changes nothing if it was not exercised, is not applicable to the
system, or only measures. A run requires what its workload requires and what its faults add (`Suite`), but
nothing that is not applicable to its system.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from checkers.explanation import Explanation
from checkers.verdict import Checker, Evidence, Mark, Unjudged, Validity, Verdict

if TYPE_CHECKING:
    from history import Recording


def check_all(
    checkers: Iterable[Checker], recording: Recording, begins: Callable[[str], None] | None = None
) -> list[Verdict]:
    """Every checker's verdict, in the checkers' order; `unknown` of a checker that raises.

    Args:
        begins: is given the name of each checker before it judges.
    """
    verdicts = []
    for checker in checkers:
        if begins is not None:
            begins(checker.name)
        verdicts.append(_check_one(checker, recording))
    return verdicts


@dataclass(frozen=True)
class Suite:
    """The checkers of a workload: those without which a run of it proves nothing, and the others."""

    required: tuple[Checker, ...]
    optional: tuple[Checker, ...] = ()

    def __iter__(self) -> Iterator[Checker]:
        """All of them, the required ones first."""
        yield from self.required
        yield from self.optional

    def __add__(self, other: Suite) -> Suite:
        """The checkers of both."""
        return Suite(self.required + other.required, self.optional + other.optional)

    def mapped(self, change: Callable[[Checker], Checker]) -> Suite:
        """The suite with what this function gives in place of each checker."""
        return Suite(tuple(map(change, self.required)), tuple(map(change, self.optional)))

    def required_of(self, recording: Recording) -> frozenset[str]:
        """The names of the checkers that this run requires: those that are required in any case, and of the
        others those that its faults add."""
        added = {name for kind in recording.fault_kinds for name in kind.requires}
        return frozenset(
            {checker.name for checker in self.required}
            | {checker.name for checker in self.optional if checker.name in added}
        )


MARKS: Sequence[Mark] = (Validity.INVALID, Validity.UNKNOWN, Validity.VALID, *Unjudged)
"""Every mark, the gravest first."""


def combined(verdicts: Iterable[Verdict], required: Collection[str]) -> Validity:
    """The one verdict on a run, by the rule in the module's docstring.

    Args:
        verdicts: the verdicts of all its checkers.
        required: the names of the checkers without which the run proves nothing.

    Returns:
        `unknown` also where a required checker is missing, or where there is no verdict at all.
    """
    given = list(verdicts)
    parts = {verdict.validity for verdict in given if _counts(verdict, required)}
    if not set(required) <= {verdict.checker for verdict in given}:
        parts.add(Validity.UNKNOWN)
    return Validity.worst(parts) if parts else Validity.UNKNOWN


def decisive(verdicts: Iterable[Verdict], required: Collection[str]) -> tuple[Verdict, ...]:
    """The verdicts that keep a run from being valid: violations, then doubts, then what was not judged."""
    against = [one for one in verdicts if one.validity is not Validity.VALID and _counts(one, required)]
    order = (Validity.INVALID, Validity.UNKNOWN, *Unjudged)
    return tuple(sorted(against, key=lambda one: order.index(one.mark)))


def _counts(verdict: Verdict, required: Collection[str]) -> bool:
    """Whether a verdict has a say in that on the run."""
    if verdict.unjudged is None:
        return True
    return verdict.checker in required and verdict.unjudged is not Unjudged.NOT_APPLICABLE


def counts_by_mark(verdicts: Iterable[Verdict]) -> Mapping[Mark, int]:
    """How many verdicts carry each mark, for every mark."""
    counts = Counter(verdict.mark for verdict in verdicts)
    return {mark: counts[mark] for mark in MARKS}


class Results(msgspec.Struct, frozen=True):
    """The verdicts on a run, as `results.json` holds them."""

    validity: Validity
    """The one verdict on the run."""
    required: tuple[str, ...]
    """The names of the checkers that the run requires."""
    marks: Mapping[str, int]
    """How many checkers have each mark."""
    verdicts: tuple[Verdict, ...]
    seal: str = ""
    """What the seal of the run's folder shows, in one line; empty for a run that was not stored."""
    explanation: Explanation | None = None
    """Why the run is not valid, from who did what to what a picture must show; None for a valid run."""

    @classmethod
    def of(
        cls,
        verdicts: Iterable[Verdict],
        required: Collection[str],
        seal: str = "",
        explanation: Explanation | None = None,
    ) -> Results:
        """Combine verdicts by the rule in the module's docstring."""
        given = tuple(verdicts)
        return cls(
            validity=combined(given, required),
            required=tuple(verdict.checker for verdict in given if verdict.checker in required),
            marks={mark.value: number for mark, number in counts_by_mark(given).items()},
            verdicts=given,
            seal=seal,
            explanation=explanation,
        )

    @property
    def decisive(self) -> tuple[Verdict, ...]:
        """The verdicts that keep the run from being valid, the gravest first."""
        return decisive(self.verdicts, self.required)


def results(suite: Suite, recording: Recording) -> Results:
    """Let every checker of a suite judge a run, and combine what they say."""
    return Results.of(check_all(suite, recording), suite.required_of(recording))


def _check_one(checker: Checker, recording: Recording) -> Verdict:
    try:
        return checker.check(recording)
    except Exception as error:  # noqa: BLE001 - one checker's defect must not hide what the others found
        where = traceback.extract_tb(error.__traceback__)[-1]
        last_line = traceback.format_exception_only(error)[-1].strip()
        return Verdict(
            checker=checker.name,
            validity=Validity.UNKNOWN,
            summary=f"the checker itself failed: {last_line}",
            evidence=(
                Evidence(
                    title=f"the checker {checker.name} failed",
                    text=f"{last_line} (at {where.filename}, line {where.lineno}, in {where.name}). "
                    "This is a defect of the checker or an illegal recording; nothing was judged.",
                ),
            ),
        )
