"""What a campaign keeps of one run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from checkers.causes import root_causes_first
from checkers.check_all import Results
from checkers.verdict import Evidence, Validity, Verdict
from harness.sim.schedule.shrink import kind_of

LONGEST_TEXT = 400
_DETAILS = re.compile(r"\s*\([^()]*\)")


class Violation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One kind of violation that one checker found in one run."""

    checker: str
    kind: str
    """What kind it is, in words that are the same under other seeds."""
    title: str
    """The first of this kind, as the report shows it."""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one run was judged."""

    validity: Validity
    violations: tuple[Violation, ...] = ()
    """Root causes first."""
    unknown: tuple[str, ...] = ()
    """Checkers that could not decide."""
    summary: str = ""
    """What the first checker says that made the run invalid or unknown."""
    version: str = ""
    """The version of the program under test; empty if it is not known."""
    digest: str = ""
    """Of a simulated run: digits over its history and traces, the same for the same run."""
    folder: str = ""
    """Of a real run: its folder."""
    took_s: float = 0.0
    core_s: float = 0.0
    """Of a simulated run: seconds of one processor core, which other work on the machine hardly changes."""
    behaviours: tuple[int, ...] = ()
    """What the run did (watching/behaviours.py); a journal keeps only those that are new, in its own line."""
    latency_ms: float | None = None
    """The 99th percentile of the operations that ended ok, averaged over the kinds of operation by how many
    there are; None if none ended ok or the workload does not measure it."""
    unavailable_s: float | None = None
    """The longest time without an ok reply; None if the workload does not measure it."""

    def shown(self, violation: Violation) -> Violation | None:
        """The violation of the same checker and kind in this run; None if the run does not show it."""
        same = (violation.checker, violation.kind)
        return next((one for one in self.violations if (one.checker, one.kind) == same), None)


def outcome_of(found: Results, problem: str | None = None) -> Outcome:
    """What is kept of a run's results; `problem` is why it ended early, if it did."""
    violations: dict[tuple[str, str], Violation] = {}
    for explained in root_causes_first(found.verdicts):
        for violation in _violations(explained.verdict):
            violations.setdefault((violation.checker, violation.kind), violation)
    unknown = [one.checker for one in found.verdicts if one.mark is Validity.UNKNOWN]
    summary = problem or next((verdict.summary for verdict in found.decisive), "")
    return Outcome(
        found.validity,
        tuple(violations.values()),
        tuple(unknown),
        summary[:LONGEST_TEXT],
        latency_ms=_latency_ms(found),
        unavailable_s=_measure(found, "availability").get("overall", {}).get("longest_unavailable_s"),
    )


def _latency_ms(found: Results) -> float | None:
    rows = [row for row in _measure(found, "stats").get("by_f", {}).values() if row["ok"]]
    count = sum(row["ok"] for row in rows)
    return sum(row["ok"] * row["latency_ms"]["p99"] for row in rows) / count if count else None


def _measure(found: Results, checker: str) -> Mapping[str, Any]:
    """What a checker measured; nothing if the workload does not have it."""
    return next((one.measures for one in found.verdicts if one.checker == checker), {})


def _violations(verdict: Verdict) -> Iterator[Violation]:
    """Each violation that a verdict shows; a verdict that shows none by itself is one of unknown kind."""
    shown = [one for one in verdict.evidence if is_violation(one)]
    for one in shown:
        yield Violation(verdict.checker, kind_in_findings(one), one.title[:LONGEST_TEXT])
    if not shown:
        yield Violation(verdict.checker, "", verdict.summary[:LONGEST_TEXT])


def is_violation(evidence: Evidence) -> bool:
    """Whether evidence shows a violation. What names no operation, event or node says what was not judged."""
    return bool(evidence.operations or evidence.events or evidence.nodes)


def kind_in_findings(evidence: Evidence) -> str:
    """The kind of violation, without what stands in brackets, which are the details of one run."""
    return _DETAILS.sub("", kind_of(evidence))[:LONGEST_TEXT]
