"""Verdicts in words, for the test that fails because of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_SHOWN, MOST_OF_OTHERS = 2, 1
"""Pieces of evidence of the first checker, and of each other one; the report has all of them."""
WIDTH = 110

Verdict = Mapping[str, Any]
"""A verdict as JSON has it: checker, validity, summary, evidence, and `unjudged` where nothing was judged."""


def lines_of(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What decided, a checker after the other, with the evidence of each."""
    for number, verdict in enumerate(verdicts):
        most = MOST_OF_OTHERS if number else MOST_SHOWN
        mark = verdict.get("unjudged") or verdict["validity"]
        yield from _wrapped(f"{verdict['checker']}: {mark}: {verdict['summary']}", "  ")
        evidence = verdict.get("evidence", ())
        for one in evidence[:most]:
            if one["title"] != verdict["summary"]:
                yield from _wrapped(one["title"], "    ")
            if one["text"] not in (verdict["summary"], one["title"]):
                yield from _wrapped(one["text"], "      ")
        if len(evidence) > most:
            yield f"    and {len(evidence) - most} more in the report"


def _wrapped(text: str, indent: str) -> Iterator[str]:
    for paragraph in text.splitlines():
        yield from textwrap.wrap(
            paragraph, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False
        ) or [""]
