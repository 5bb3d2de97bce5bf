"""Annotations of GitHub: lines of a job's output that GitHub shows on top of the job and of the change."""

from __future__ import annotations

from reports.ci.suite import CiSuite
from reports.text import clean, shorten

MOST = 10
"""GitHub shows at most this number for one step."""
LONGEST_TEXT = 2_000


def github_annotations(suite: CiSuite) -> list[str]:
    """A line for each case that keeps the suite from being green, the gravest first; at most `MOST`."""
    against = suite.against
    shown = against if len(against) <= MOST else against[: MOST - 1]
    lines = [_line(f"{suite.name}: {case.name}", f"{case.message or case.mark}") for case in shown]
    if len(shown) < len(against):
        lines.append(_line(suite.name, f"{len(against) - len(shown)} more did not pass"))
    return lines


def _line(title: str, message: str) -> str:
    return f"::error title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """A message as GitHub's runner reads it: what would end the line is escaped."""
    safe = clean(shorten(text, LONGEST_TEXT))
    return safe.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
