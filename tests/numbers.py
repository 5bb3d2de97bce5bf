"""Which numbers a verdict names that are no operation's: an operation's is the index of its invocation."""

from __future__ import annotations

import re

from checkers.verdict import Evidence, Verdict
from history import History
from history.history import INVOKE

_NAMED = re.compile(r"\boperation (\d{1,9})\b|\boperations (\d{1,9}(?:(?:, | and )\d{1,9})*)", re.IGNORECASE)
_KEYS = frozenset({"operation", "after_operation", "longest_without_ok_after_operation"})
"""The measures that name an operation."""


def numbers_in(text: str) -> set[int]:
    """The operations that a text names."""
    return {int(number) for match in _NAMED.finditer(text) for number in re.findall(r"\d+", match[0])}


def named_by(evidence: Evidence) -> set[int]:
    """All operations that a piece of evidence names, in words or not."""
    found = {*evidence.operations, *(number for one in evidence.links for number in (one.source, one.target))}
    texts = (evidence.title, evidence.text, *(link.text for link in evidence.links))
    return found.union(*map(numbers_in, texts))


def misnamed(history: History, verdict: Verdict) -> list[int]:
    """The numbers that a verdict names and that are the index of a completion."""
    found = numbers_in(verdict.summary) | _measured(verdict.measures)
    found = found.union(*map(named_by, verdict.evidence))
    types = history.columns.type
    return sorted(number for number in found if number < len(history) and types[number] != INVOKE)


def _measured(measures: object) -> set[int]:
    match measures:
        case dict():
            own = {int(value) for key, value in measures.items() if key in _KEYS and value is not None}
            return own.union(*map(_measured, measures.values()))
        case list() | tuple():
            return set[int]().union(*map(_measured, measures))
    return set()
