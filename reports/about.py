"""What a report says about the run as a whole: facts that neither its recording nor its verdicts hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from checkers.causes import Explained, root_causes_first
from checkers.verdict import Validity, Verdict
from checkers.words import plural

SYMBOLS = {Validity.VALID: "✓", Validity.INVALID: "✕", Validity.UNKNOWN: "?"}
_RANK = {Validity.INVALID: 0, Validity.UNKNOWN: 1, Validity.VALID: 2}


class ReportAbout(msgspec.Struct, frozen=True):
    """Facts about one run that neither its history nor its verdicts hold."""

    title: str
    """What was tested: `registry, 5 nodes, kill + partition`."""
    started_at: str
    """Wall-clock time of the start, as text to be shown unchanged."""
    duration_s: float
    command: str
    """The command line that does the same again."""
    seed: int | None
    store: str
    """The folder that holds what the run left behind."""
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    """Of Ackproof, Python, the system under test, the platform."""
    validity: Validity
    """The combined verdict; reports show the worst of it and the verdicts' own."""
    files: tuple[StoredFile, ...] = ()


class StoredFile(msgspec.Struct, frozen=True):
    """A file of the run's store, named relative to the report's own folder."""

    path: str
    size: int
    """Bytes."""


def gravest_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts in the order invalid, unknown, valid.

    Of the invalid ones, a violation that may explain others comes before these; else they stay as given.
    """
    given = list(verdicts)
    place = {one.verdict.checker: number for number, one in enumerate(_explained(given))}
    return sorted(given, key=lambda verdict: (_RANK[verdict.validity], place.get(verdict.checker, 0)))


def may_follow_from(verdicts: Sequence[Verdict]) -> dict[str, tuple[str, ...]]:
    """By checker that found a violation: the checkers whose violations may explain it."""
    return {one.verdict.checker: one.by for one in _explained(verdicts) if one.by}


def _explained(verdicts: Sequence[Verdict]) -> list[Explained]:
    """The violations, root causes first; none if fewer than two, so that no graph is loaded for these."""
    invalid = sum(verdict.validity is Validity.INVALID for verdict in verdicts)
    return root_causes_first(verdicts) if invalid > 1 else []


class Headline(msgspec.Struct, frozen=True):
    """The one answer of a run, and the sentence that says why."""

    validity: Validity
    why: str
    counts: str = ""
    """How many checkers found what, where they do not agree."""


def headline(verdicts: Sequence[Verdict], claimed: Validity) -> Headline:
    """Combine what the run claims with its verdicts: the worst wins, and no verdict at all is `unknown`.

    `why` comes from the first verdict that decides it, root causes first: of a violation the title of its
    first evidence, else the summary.
    """
    if not verdicts:
        return Headline(Validity.worst([claimed, Validity.UNKNOWN]), "No checker judged this run.")
    validity = Validity.worst([claimed, *(verdict.validity for verdict in verdicts)])
    if validity is Validity.VALID:
        many = "The one checker" if len(verdicts) == 1 else f"All {len(verdicts)} checkers"
        return Headline(validity, f"{many} found nothing wrong.")
    for verdict in gravest_first(verdicts):
        if verdict.validity is validity:
            wrong = validity is Validity.INVALID and verdict.evidence
            reason = verdict.evidence[0].title if wrong else verdict.summary
            return Headline(validity, f"{verdict.checker}: {reason}", _counts(verdicts))
    why = f"The run as a whole is {validity.value}, although no single checker says so."
    return Headline(validity, why, _counts(verdicts))


def _counts(verdicts: Sequence[Verdict]) -> str:
    """`Of 25 checkers, 1 found a violation, 2 could not decide and 22 found nothing wrong.`"""
    number = {kind: sum(verdict.validity is kind for verdict in verdicts) for kind in Validity}
    parts = [
        f"{number[kind]} {words}"
        for kind, words in (
            (Validity.INVALID, "found a violation"),
            (Validity.UNKNOWN, "could not decide"),
            (Validity.VALID, "found nothing wrong"),
        )
        if number[kind]
    ]
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"Of {plural(len(verdicts), 'checker')}, {listed}."
