"""CTRF, Markdown and annotations say what the JUnit file says, and no text of a recording breaks them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.explanation import Explanation
from checkers.verdict import Evidence, Unjudged, Validity, Verdict
from reports.ci.ctrf import ctrf
from reports.ci.github import MOST, github_annotations
from reports.ci.markdown import markdown
from tests.reports import synthetic
from tests.reports.ci.forms import valid_ctrf
from tests.reports.ci.suites import suite

VERDICTS = [
    Verdict(
        "durability", Validity.INVALID, "1 was lost", (Evidence("r7 was lost", "By operation 4.", (4,)),)
    ),
    Verdict("recovery", Validity.UNKNOWN, "could not decide"),
    Verdict("health", Validity.VALID, "fine"),
    Verdict.marked("membership", Unjudged.NOT_EXERCISED, "no change"),
]


def test_ctrf_has_each_checker_and_unknown_is_failed() -> None:
    document = valid_ctrf(ctrf(suite(VERDICTS, "registry")))
    tests = {test["name"]: test for test in document["results"]["tests"]}
    assert [test["status"] for test in tests.values()] == ["failed", "failed", "passed", "skipped"]
    assert tests["recovery"]["rawStatus"] == "unknown"
    assert tests["durability"]["message"] == "r7 was lost"
    assert "operations: 4" in tests["durability"]["trace"]
    summary = document["results"]["summary"]
    assert (summary["start"], summary["duration"]) == (1795873320000, 31200)
    assert document["results"]["environment"]["extra"]["seed"] == "7"


def test_the_summary_has_the_verdict_the_story_what_failed_and_what_to_do_next() -> None:
    text = markdown(suite(VERDICTS, "registry")).decode()
    assert text.startswith("## ✕ registry: invalid\n\nwhat was found\n\n- 3.750 s  n1".replace("  n1", " n1"))
    assert "| ✕ | <code>durability</code> | r7 was lost |" in text
    assert "| ? | <code>recovery</code> | could not decide |" in text
    assert "4 in all: 1 passed, 1 failed, 1 unknown, 1 skipped; 31 s." in text
    assert "| seed | <code>7</code> |" in text
    assert text.endswith("```\nackproof run --seed 7\n```\n")


def test_a_valid_run_has_no_annotation_and_a_short_summary() -> None:
    valid = suite(synthetic.valid_verdicts(), "registry")
    assert github_annotations(valid) == []
    assert "<details>" not in markdown(valid).decode()


def test_annotations_name_what_failed_and_are_bounded() -> None:
    assert github_annotations(suite(VERDICTS, "a: b, c")) == [
        "::error title=a%3A b%2C c%3A durability::r7 was lost",
        "::error title=a%3A b%2C c%3A recovery::could not decide",
    ]
    many = [Verdict(f"c{n}", Validity.UNKNOWN, "could not decide") for n in range(40)]
    lines = github_annotations(suite(many))
    assert len(lines) == MOST
    assert lines[-1] == "::error title=r::31 more did not pass"


def test_the_case_of_the_root_cause_has_the_headline_and_the_others_what_they_found() -> None:
    others = [*VERDICTS, Verdict("expiry", Validity.INVALID, "1 too early", (Evidence("i1 expired", "..."),))]
    why = Explanation(validity=Validity.INVALID, headline="n2 forgot r7 at 3.2 s", cause="durability")
    assert github_annotations(suite(others, explanation=why)) == [
        "::error title=r%3A durability::n2 forgot r7 at 3.2 s",
        "::error title=r%3A expiry::i1 expired",
        "::error title=r%3A recovery::could not decide",
    ]


@pytest.mark.parametrize(
    "evil",
    [
        "<img src=x onerror=alert(1)>",
        "a|b\nc",
        "```\nout",
        "@maintainer fixes #1 https://example.org",
        "[x](javascript:alert(1))",
        "a%0A::error::b\r\n::set-env::c",
    ],
)
def test_a_hostile_text_is_only_text(evil: str) -> None:
    verdict = Verdict("c", Validity.INVALID, evil, (Evidence(evil, evil, (1,)),))
    made = suite([verdict], evil)
    lines = github_annotations(made)
    assert len(lines) == 1
    assert lines[0].isprintable()
    assert lines[0].count("::") == 2 + evil.count("::")
    text = markdown(made).decode()
    outside = text.partition("<details>")[0]
    assert "<img" not in outside
    assert "@maintainer" not in outside
    assert "](javascript" not in outside
    assert "https://" not in outside
    table = [line for line in outside.splitlines() if line.startswith("| ✕")]
    assert len(table) == 1
    valid_ctrf(ctrf(made))


@given(st.text(st.characters()), st.sampled_from(list(Validity)))
def test_any_text_can_be_shown(text: str, validity: Validity) -> None:
    verdict = Verdict(text, validity, text, (Evidence(text, text, (1,), (), (text,)),), {}, (text,))
    made = suite([verdict], text)
    valid_ctrf(ctrf(made))
    markdown(made)
    assert all("\n" not in line for line in github_annotations(made))
