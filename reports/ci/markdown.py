"""A summary in Markdown, for a pull request or the page of a CI job.

Texts may come from a recording, so anything that Markdown or HTML would read as more than text is escaped,
and a name after an @ calls no one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from checkers.verdict import Validity
from reports.about import SYMBOLS
from reports.ci.suite import CaseEnd, CiCase, CiSuite
from reports.text import clean, shorten

MOST_CASES = 25
LONGEST_TEXT = 500
LONGEST_EVIDENCE = 4_000
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")
_ZERO_WIDTH = "\N{ZERO WIDTH SPACE}"
_WORDS: Mapping[CaseEnd, str] = {
    "passed": "passed",
    "failure": "failed",
    "error": "unknown",
    "skipped": "skipped",
}


def markdown(suite: CiSuite) -> bytes:
    """The summary in UTF-8: the verdict, the story, what failed, the facts, and what to do next."""
    return "".join(f"{line}\n" for line in _lines(suite)).encode()


def _lines(suite: CiSuite) -> Iterator[str]:
    yield f"## {SYMBOLS[suite.validity]} {text(suite.name)}: {suite.validity.value}"
    yield ""
    yield text(suite.why)
    if suite.story:
        yield ""
        yield from (f"- {text(line)}" for line in suite.story)
    yield from _cases(suite)
    yield ""
    numbers = ", ".join(f"{suite.number(end)} {words}" for end, words in _WORDS.items() if suite.number(end))
    yield f"{len(suite.cases)} in all: {numbers}; {suite.seconds:.0f} s."
    if suite.facts:
        yield ""
        yield from ("| | |", "|---|---|")
        yield from (f"| {text(name)} | {code(value)} |" for name, value in suite.facts.items())
    if suite.next:
        yield from ("", "Next:", "", *_block("\n".join(suite.next)))


def _cases(suite: CiSuite) -> Iterator[str]:
    against = suite.against
    if not against:
        return
    yield from ("", "| | | |", "|---|---|---|")
    for case in against[:MOST_CASES]:
        yield f"| {_symbol(case)} | {code(case.name)} | {text(case.message)} |"
    if len(against) > MOST_CASES:
        yield f"| | and {len(against) - MOST_CASES} more | |"
    first = against[0]
    if first.text:
        yield from ("", f"<details><summary>What shows it: {text(first.name)}</summary>", "")
        yield from _block(shorten(first.text, LONGEST_EVIDENCE))
        yield from ("", "</details>")


def _symbol(case: CiCase) -> str:
    return SYMBOLS[Validity.INVALID if case.end == "failure" else Validity.UNKNOWN]


def text(words: str) -> str:
    """Any text as one line of Markdown that shows just it."""
    line = " ".join(clean(shorten(words, LONGEST_TEXT)).split())
    escaped = _SPECIAL.sub(r"\\\1", html.escape(line, quote=False))
    return escaped.replace("@", f"@{_ZERO_WIDTH}").replace("://", f":{_ZERO_WIDTH}//")


def code(words: str) -> str:
    """Any text as one piece of code in a line, or in a cell of a table."""
    line = " ".join(clean(shorten(words, LONGEST_TEXT)).split())
    return (
        f"<code>{html.escape(line).replace('|', '&#124;').replace('@', f'@{_ZERO_WIDTH}')}</code>"
        if line
        else ""
    )


def _block(words: str) -> list[str]:
    """Any text as a block of code, within a fence that is longer than any in it."""
    longest = max((len(found) for found in re.findall(r"`+", words)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *clean(words).split("\n"), fence]
