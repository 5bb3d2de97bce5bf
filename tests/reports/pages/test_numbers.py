"""One operation has one number, that of its invocation, wherever a report, a file or a text names it."""

from __future__ import annotations

import re

import msgspec
import pytest

from ackproof.results import CommandResult, result_of
from checkers.check_all import Results
from history.history import INVOKE
from reports.ci.ctrf import ctrf
from reports.ci.junit import junit
from reports.ci.markdown import markdown
from reports.ci.suite import CiSuite, cases_of_verdicts, story_of, suite_of
from reports.html import render
from reports.terminal import plain
from tests.numbers import misnamed, numbers_in
from tests.reports.simulated import OF_CLASS, Judged, judged

QUICK = ("lost update", "early expiry")


@pytest.fixture(
    params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.campaign) for name in OF_CLASS]
)
def run(request: pytest.FixtureRequest) -> Judged:
    """A simulated run with a seeded bug."""
    return judged(request.param)


def test_every_output_names_an_operation_by_the_index_of_its_invocation(run: Judged) -> None:
    history = run.recording.history
    for verdict in run.verdicts:
        assert misnamed(history, verdict) == [], verdict.checker
    suite = suite_in(run)
    texts = {
        "terminal": plain(run.verdicts, required=run.about.required, about=run.about, width=10_000),
        "JUnit": junit(suite).decode(),
        "CTRF": ctrf(suite).decode(),
        "Markdown": markdown(suite).decode(),
    }
    for name, text in texts.items():
        numbers = numbers_in(text) | {int(one) for line in LISTED.findall(text) for one in line.split(", ")}
        assert numbers, name
        assert [number for number in numbers if history.columns.type[number] != INVOKE] == [], name


LISTED = re.compile(r"(?:^|\\n)operations: ([\d, ]+\d)", re.MULTILINE)


def test_a_link_of_the_page_leads_to_the_row_of_the_operation_that_its_words_name(run: Judged) -> None:
    history = run.recording.history
    page = render(run.recording, run.verdicts, run.about)
    rows = re.findall(r'<tr id="op-(\d+)"[^>]*><td class="n">(\d+)</td>', page)
    assert rows
    assert [row for row in rows if row[0] != row[1]] == []
    assert [number for number, _ in rows if history.columns.type[int(number)] != INVOKE] == []
    links = re.findall(r'href="#op-(\d+)"[^>]*>([^<]*)<', page)
    assert links
    assert [link for link in links if link[0] not in re.findall(r"\d+", link[1])] == []
    assert {number for number, _ in links} <= {number for number, _ in rows}


def test_json_has_the_numbers_of_the_evidence(run: Judged) -> None:
    results = Results.of(run.verdicts, run.about.required, explanation=run.about.explanation)
    found = msgspec.json.decode(msgspec.json.encode(result_of("sim", 1, results)), type=CommandResult)
    for verdict, given in zip(found.verdicts, run.verdicts, strict=True):
        assert [one.operations for one in verdict.evidence] == [one.operations for one in given.evidence]


def suite_in(run: Judged) -> CiSuite:
    """What CI servers are shown of a run."""
    explanation = run.about.explanation
    assert explanation is not None
    return suite_of(
        "a run",
        cases_of_verdicts(run.verdicts, run.about.required, run.about.explanation),
        run.about.validity,
        explanation.headline,
        began_at="2026-11-28T13:42:00Z",
        seconds=1.0,
        story=story_of(explanation),
    )
