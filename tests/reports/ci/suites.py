"""Suites of verdicts, for the tests of each format."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from checkers.check_all import combined
from checkers.explanation import Explanation
from checkers.verdict import Verdict
from reports.ci.suite import CiSuite, cases_of_verdicts, suite_of


def suite(
    verdicts: Sequence[Verdict],
    name: str = "r",
    required: Collection[str] = (),
    explanation: Explanation | None = None,
) -> CiSuite:
    """The suite of a run with these verdicts."""
    return suite_of(
        name,
        cases_of_verdicts(verdicts, required, explanation),
        combined(verdicts, required),
        "what was found",
        began_at="2026-11-28T13:42:00Z",
        seconds=31.2,
        story=("3.750 s  n1 was cut off",),
        facts={"seed": "7", "report": "store/latest/report.html"},
        next_=("ackproof run --seed 7",),
    )
