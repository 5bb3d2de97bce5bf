"""What a report says of the run as a whole, beside the recording and the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from checkers.verdict import Validity, Verdict

SYMBOLS = {Validity.VALID: "✓", Validity.INVALID: "✕", Validity.UNKNOWN: "?"}
_RANK = {Validity.INVALID: 0, Validity.UNKNOWN: 1, Validity.VALID: 2}


class StoredFile(msgspec.Struct, frozen=True):
    """A file of the run's store, named relative to the report's own folder."""

    path: str
    size: int
    """Bytes."""


class ReportAbout(msgspec.Struct, frozen=True):
    """Facts of one run that neither its history nor its verdicts hold."""

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


def gravest_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Invalid, unknown, valid; within each as given."""
    return sorted(verdicts, key=lambda verdict: _RANK[verdict.validity])


class Outcome(msgspec.Struct, frozen=True):
    """The one answer of a run, and the sentence that says why."""

    validity: Validity
    why: str


def outcome(verdicts: Sequence[Verdict], claimed: Validity) -> Outcome:
    """Combine what the run claims of itself with its verdicts; the worst wins, and no verdict is `unknown`.

    `why` is the title of the first evidence of the first verdict that decides it, or that verdict's summary.
    """
    if not verdicts:
        return Outcome(Validity.worst([claimed, Validity.UNKNOWN]), "No checker judged this run.")
    validity = Validity.worst([claimed, *(verdict.validity for verdict in verdicts)])
    if validity is Validity.VALID:
        many = "The one checker" if len(verdicts) == 1 else f"All {len(verdicts)} checkers"
        return Outcome(validity, f"{many} found nothing wrong.")
    for verdict in verdicts:
        if verdict.validity is validity:
            said = verdict.evidence[0].title if verdict.evidence else verdict.summary
            return Outcome(validity, f"{verdict.checker}: {said}")
    return Outcome(validity, f"The run as a whole is {validity.value}; no single checker says so.")
