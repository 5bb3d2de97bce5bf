"""What a report says about the run as a whole: facts that neither its recording nor its verdicts hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from checkers.causes import Explained, root_causes_first
from checkers.check_all import MARKS, combined, counts_by_mark, decisive
from checkers.explanation import Explanation
from checkers.verdict import Mark, Unjudged, Validity, Verdict
from checkers.words import plural
from reports.text import clean, seconds

SYMBOLS: Mapping[Mark, str] = {
    Validity.VALID: "✓",
    Validity.INVALID: "✕",
    Validity.UNKNOWN: "?",
    Unjudged.NOT_EXERCISED: "○",
    Unjudged.NOT_APPLICABLE: "-",
    Unjudged.ONLY_MEASURES: "·",
}
IN_WORDS: Mapping[Mark, tuple[str, str]] = {
    Validity.INVALID: ("found a violation", "found a violation"),
    Validity.UNKNOWN: ("could not decide", "could not decide"),
    Validity.VALID: ("found nothing wrong", "found nothing wrong"),
    Unjudged.NOT_EXERCISED: ("was not exercised", "were not exercised"),
    Unjudged.NOT_APPLICABLE: ("is not applicable", "are not applicable"),
    Unjudged.ONLY_MEASURES: ("only measures", "only measure"),
}
"""By mark, what one checker did that has it, and what several did; in the order in which they are counted."""


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
    required: tuple[str, ...] = ()
    """The names of the checkers that the run requires (checkers/check_all.py)."""
    files: tuple[StoredFile, ...] = ()
    seal: str = ""
    """Whether the evidence is what the run left, in one line; empty where nothing is known of it."""
    explanation: Explanation | None = None
    """Why the run is not valid (reports/explain); None for a valid run."""


class StoredFile(msgspec.Struct, frozen=True):
    """A file of the run's store, named relative to the report's own folder."""

    path: str
    size: int
    """Bytes."""


def gravest_first(
    verdicts: Iterable[Verdict], required: Collection[str] = (), explanation: Explanation | None = None
) -> list[Verdict]:
    """What keeps the run from being valid, the gravest first; then what is valid; then what was not judged.

    Of the invalid ones, the cause that the explanation names comes first, and a violation that may explain
    others comes before these; else they stay as given.
    """
    given = list(verdicts)
    place = {one.verdict.checker: number for number, one in enumerate(_explained(given), start=1)}
    if explanation is not None:
        place[explanation.cause] = 0
    against = decisive(given, required)

    def rank(verdict: Verdict) -> tuple[bool, int, int]:
        return verdict not in against, MARKS.index(verdict.mark), place.get(verdict.checker, 0)

    return sorted(given, key=rank)


def folded(verdicts: Sequence[Verdict]) -> tuple[list[Verdict], dict[str, list[str]]]:
    """The verdicts that are shown each by itself; and by reason, the names of the checkers that are not
    applicable for the same one, where there are several."""
    by_reason: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.unjudged is Unjudged.NOT_APPLICABLE:
            by_reason.setdefault(verdict.summary, []).append(verdict.checker)
    alike = {why: names for why, names in by_reason.items() if len(names) > 1}
    is_apart = [one.unjudged is not Unjudged.NOT_APPLICABLE or one.summary not in alike for one in verdicts]
    return [one for one, apart in zip(verdicts, is_apart, strict=True) if apart], alike


def may_follow_from(verdicts: Sequence[Verdict]) -> dict[str, tuple[str, ...]]:
    """By checker that found a violation: the checkers whose violations may explain it."""
    return {one.verdict.checker: one.by for one in _explained(verdicts) if one.by}


def _explained(verdicts: Sequence[Verdict]) -> list[Explained]:
    """The violations, root causes first; none if fewer than two, so that no graph is loaded for these."""
    invalid = sum(verdict.validity is Validity.INVALID for verdict in verdicts)
    return root_causes_first(verdicts) if invalid > 1 else []


def story_in_words(explanation: Explanation) -> list[str]:
    """The story as plain lines, each with its time where it has one; then what an unknown run lacked."""
    lines = [
        f"{'' if line.time is None else f'{seconds(line.time)}  '}{clean(line.text)}"
        f"{'  <- wrong' if line.is_wrong else ''}"
        for line in explanation.story
    ]
    return lines + [f"missing: {clean(line)}" for line in explanation.missing]


def follows_in_words(explanation: Explanation) -> str:
    """`8 more checkers found violations that may follow from this: ...`; empty if none did."""
    parts = []
    if explanation.follows:
        many = plural(
            len(explanation.follows),
            "more checker found violations that may follow from this",
            "more checkers found violations that may follow from this",
        )
        parts.append(f"{many}: {', '.join(explanation.follows)}.")
    if explanation.apart and explanation.validity is Validity.INVALID:
        few, many = (
            "another checker found violations of its own",
            "other checkers found violations of their own",
        )
        many = few.capitalize() if len(explanation.apart) == 1 else f"{len(explanation.apart)} {many}"
        parts.append(f"{many}: {', '.join(explanation.apart)}.")
    return " ".join(parts)


class Headline(msgspec.Struct, frozen=True):
    """The one answer of a run, and the sentence that says why."""

    validity: Validity
    why: str
    counts: str = ""
    """How many checkers found what, where they do not agree."""


NOT_JUDGED = "No checker judged this run. To have it judged: ackproof analyze, with the run's folder."


def headline(
    verdicts: Sequence[Verdict],
    claimed: Validity,
    required: Collection[str] = (),
    explanation: Explanation | None = None,
) -> Headline:
    """Combine what the run claims with its verdicts: the worst wins, and no verdict at all is `unknown`.

    `why` is what the explanation says. Without one it comes from the first verdict that decides it, root
    causes first: of a violation the title of its first evidence, else the summary.
    """
    if not verdicts:
        return Headline(Validity.worst([claimed, Validity.UNKNOWN]), NOT_JUDGED)
    validity = Validity.worst([claimed, combined(verdicts, required)])
    if validity is Validity.VALID:
        judged = sum(verdict.unjudged is None for verdict in verdicts)
        many = f"All {judged} checkers" if judged == len(verdicts) else f"{plural(judged, 'checker')}"
        many = "The one checker" if len(verdicts) == 1 else many
        return Headline(validity, f"{many} found nothing wrong.", _counts(verdicts))
    if explanation is not None and explanation.validity is validity:
        named = f"{explanation.cause}: " if validity is Validity.INVALID else ""
        return Headline(validity, f"{named}{explanation.headline}", _counts(verdicts))
    against = decisive(verdicts, required)
    for verdict in gravest_first(verdicts, required):
        if verdict.validity is validity and verdict in against:
            wrong = validity is Validity.INVALID and verdict.evidence
            reason = verdict.evidence[0].title if wrong else verdict.summary
            idle = (
                "" if verdict.unjudged is None else f" {IN_WORDS[verdict.mark][0]}, and the run requires it"
            )
            return Headline(validity, f"{verdict.checker}{idle}: {reason}", _counts(verdicts))
    why = f"The run as a whole is {validity.value}, although no single checker says so."
    return Headline(validity, why, _counts(verdicts))


def _counts(verdicts: Sequence[Verdict]) -> str:
    """`Of 25 checkers, 1 found a violation, 22 found nothing wrong and 2 were not exercised.`; nothing where
    all found nothing wrong."""
    number = counts_by_mark(verdicts)
    if number[Validity.VALID] == len(verdicts):
        return ""
    parts = [f"{number[mark]} {IN_WORDS[mark][number[mark] > 1]}" for mark in IN_WORDS if number[mark]]
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"Of {plural(len(verdicts), 'checker')}, {listed}."
