"""What a CI server reads must never be green on unknown, and must always be XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.verdict import Evidence, Unjudged, Validity, Verdict
from reports.junit import junit
from tests.reports import synthetic


def test_each_checker_is_a_testcase_and_the_counts_are_right() -> None:
    verdicts = synthetic.invalid_verdicts(synthetic.recording().history)
    root = ET.fromstring(junit(verdicts, "registry", 31.2))
    [suite] = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [verdict.checker for verdict in verdicts]
    for level in (root, suite):
        assert level.get("tests") == str(len(verdicts))
        assert level.get("failures") == str(len(suite.findall("testcase/failure"))) == "2"
        assert level.get("errors") == str(len(suite.findall("testcase/error"))) == "1"
        assert level.get("time") == "31.200"


def test_invalid_is_a_failure_with_its_evidence_and_valid_is_neither() -> None:
    verdicts = synthetic.invalid_verdicts(synthetic.recording().history)
    failure = ET.fromstring(junit(verdicts, "r", 1)).find(".//failure")
    assert failure is not None
    assert failure.get("message") == verdicts[0].evidence[0].title
    assert verdicts[0].evidence[0].text in (failure.text or "")
    assert f"operations: {verdicts[0].evidence[0].operations[0]}," in (failure.text or "")
    valid = ET.fromstring(junit(synthetic.valid_verdicts(), "r", 1))
    assert not valid.findall(".//failure") + valid.findall(".//error")


def test_unknown_is_an_error_and_never_skipped() -> None:
    root = ET.fromstring(junit([Verdict("c", Validity.UNKNOWN, "could not decide")], "r", 1))
    error = root.find(".//error")
    assert error is not None
    assert error.get("message") == "could not decide"
    assert root.find(".//skipped") is None


@pytest.mark.parametrize("mark", Unjudged)
def test_what_judged_nothing_is_skipped_with_its_reason_unless_the_run_requires_it(mark: Unjudged) -> None:
    verdicts = [Verdict("a", Validity.VALID, "fine"), Verdict.marked("b", mark, "no node was restarted")]
    root = ET.fromstring(junit(verdicts, "r", 1))
    skipped = root.find(".//skipped")
    assert skipped is not None
    assert (skipped.get("type"), skipped.get("message")) == (mark.value, f"{mark}: no node was restarted")
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "0", "0", "1"]
    required = ET.fromstring(junit(verdicts, "r", 1, {"b"}))
    counted = [required.get(name) for name in ("tests", "failures", "errors", "skipped")]
    applies = mark is not Unjudged.NOT_APPLICABLE
    assert counted == (["2", "0", "1", "0"] if applies else ["2", "0", "0", "1"])


def test_a_run_that_no_checker_judged_is_an_error() -> None:
    root = ET.fromstring(junit([], "r", 1))
    assert (root.get("tests"), root.get("errors")) == ("1", "1")


@given(st.text(st.characters()), st.sampled_from(list(Validity)))
def test_any_text_makes_well_formed_xml(text: str, validity: Validity) -> None:
    verdict = Verdict(text, validity, text, (Evidence(text, text, (1,), (), (text,)),), {}, (text,))
    root = ET.fromstring(junit([verdict], text, 1))
    assert len(root.findall(".//testcase")) == 1


def test_forbidden_characters_are_gone_but_not_hidden() -> None:
    xml = junit([Verdict("c", Validity.INVALID, "a\x00b\x1b[31m\ufffe\ud800")], "r", 1)
    assert "a\\x00b\\x1b[31m\\ufffe\\ud800" in xml.decode()
