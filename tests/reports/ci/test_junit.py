"""What a CI server reads must never be green on unknown, and must always be XML that it accepts."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.verdict import Evidence, Unjudged, Validity, Verdict
from reports.ci.junit import junit
from reports.ci.suite import CiCase, suite_of
from tests.reports import synthetic
from tests.reports.ci.forms import OF_JUNIT, valid_junit, xsd
from tests.reports.ci.suites import suite


def root_of(verdicts: list[Verdict], name: str = "r", required: tuple[str, ...] = ()) -> ET.Element:
    """The root of the file of a run with these verdicts, which both schemas accept."""
    return valid_junit(junit(suite(verdicts, name, required)))


def test_each_checker_is_a_testcase_and_the_counts_are_right() -> None:
    verdicts = synthetic.invalid_verdicts(synthetic.recording().history)
    root = root_of(verdicts, "registry")
    cases = root.findall("testcase")
    assert [case.get("name") for case in cases] == [verdict.checker for verdict in verdicts]
    assert {case.get("classname") for case in cases} == {"registry"}
    assert root.get("tests") == str(len(verdicts))
    assert (root.get("failures"), root.get("errors"), root.get("time")) == ("2", "1", "31.200")


def test_the_seed_the_report_and_the_verdict_are_properties() -> None:
    found = {
        one.get("name"): one.get("value") for one in root_of(synthetic.valid_verdicts()).iter("property")
    }
    assert found == {
        "verdict": "valid",
        "why": "what was found",
        "began_at": "2026-11-28T13:42:00Z",
        "seed": "7",
        "report": "store/latest/report.html",
    }


def test_invalid_is_a_failure_with_its_evidence_and_valid_is_neither() -> None:
    verdicts = synthetic.invalid_verdicts(synthetic.recording().history)
    failure = root_of(verdicts).find(".//failure")
    assert failure is not None
    assert failure.get("message") == verdicts[0].evidence[0].title
    assert verdicts[0].evidence[0].text in (failure.text or "")
    assert f"operations: {verdicts[0].evidence[0].operations[0]}," in (failure.text or "")
    valid = root_of(synthetic.valid_verdicts())
    assert not valid.findall(".//failure") + valid.findall(".//error")


def test_unknown_is_an_error_and_never_skipped() -> None:
    root = root_of([Verdict("c", Validity.UNKNOWN, "could not decide")])
    error = root.find(".//error")
    assert error is not None
    assert error.get("message") == "could not decide"
    assert root.find(".//skipped") is None


@pytest.mark.parametrize("mark", Unjudged)
def test_what_judged_nothing_is_skipped_with_its_reason_unless_the_run_requires_it(mark: Unjudged) -> None:
    verdicts = [Verdict("a", Validity.VALID, "fine"), Verdict.marked("b", mark, "no node was restarted")]
    root = root_of(verdicts)
    skipped = root.find(".//skipped")
    assert skipped is not None
    assert skipped.get("message") == f"{mark}: no node was restarted"
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "0", "0", "1"]
    required = root_of(verdicts, required=("b",))
    counted = [required.get(name) for name in ("tests", "failures", "errors", "skipped")]
    applies = mark is not Unjudged.NOT_APPLICABLE
    assert counted == (["2", "0", "1", "0"] if applies else ["2", "0", "0", "1"])


def test_a_run_that_no_checker_judged_is_an_error() -> None:
    root = root_of([])
    assert (root.get("tests"), root.get("errors")) == ("1", "1")


@pytest.mark.parametrize(
    ("validity", "failures", "errors"),
    [(Validity.VALID, "0", "0"), (Validity.INVALID, "1", "0"), (Validity.UNKNOWN, "0", "1")],
)
def test_a_suite_whose_cases_do_not_say_it_is_not_green_either(
    validity: Validity, failures: str, errors: str
) -> None:
    passed = CiCase(name="a", end="passed")
    for cases in ((passed,), ()):
        made = suite_of("s", cases, validity, "why", began_at="2026-11-28T13:42:00Z", seconds=1)
        root = valid_junit(junit(made))
        assert (root.get("failures"), root.get("errors")) == (failures, errors)
        assert int(root.attrib["tests"]) >= 1


@given(st.text(st.characters()), st.sampled_from(list(Validity)))
def test_any_text_makes_well_formed_xml(text: str, validity: Validity) -> None:
    verdict = Verdict(text, validity, text, (Evidence(text, text, (1,), (), (text,)),), {}, (text,))
    assert len(root_of([verdict], text).findall(".//testcase")) == 1


def test_forbidden_characters_are_gone_but_not_hidden() -> None:
    xml = junit(suite([Verdict("c", Validity.INVALID, "a\x00b\x1b[31m\ufffe\ud800")]))
    assert "a\\x00b\\x1b[31m\\ufffe\\ud800" in xml.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        b'<testsuite name="r" tests="1" failures="0" errors="0" skipped="0"><testcase time="1"/></testsuite>',
        b'<testsuite name="r" failures="0" errors="0" skipped="0"/>',
        b'<testsuite name="r" tests="1" failures="0" errors="0" skipped="0"><testcase name="a" time="0">'
        b'<failure type="x"><b/></failure></testcase></testsuite>',
    ],
)
def test_the_published_schemas_refuse_what_is_not_theirs(wrong: bytes) -> None:
    for name in OF_JUNIT:
        assert not xsd(name).is_valid(ET.fromstring(wrong)), name
