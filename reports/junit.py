"""JUnit XML, the form of test results that CI servers read: a testcase for each checker.

`invalid` is a `<failure>`. `unknown` is an `<error>`, not `<skipped>`: servers count skipped tests as green,
and a run that proves nothing must not pass a gate. For the same reason a run that no checker judged holds
one testcase, an error. There is no standard; this is the subset that Jenkins, GitLab and GitHub's
reporters share.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from checkers.verdict import Evidence, Validity, Verdict
from reports.text import clean, shorten

LONGEST_TEXT = 20_000
"""The largest number of characters of one result; servers refuse or cut longer ones."""


def junit(verdicts: Sequence[Verdict], name: str, seconds: float) -> bytes:
    """The XML in UTF-8, for a suite with this name that took this number of seconds.

    Characters that XML forbids are replaced by their escape (`\\x1b`), so nothing is hidden.
    """
    judged = list(verdicts) or [Verdict("checkers", Validity.UNKNOWN, "No checker judged this run.")]
    counts = {
        "tests": str(len(judged)),
        "failures": str(sum(verdict.validity is Validity.INVALID for verdict in judged)),
        "errors": str(sum(verdict.validity is Validity.UNKNOWN for verdict in judged)),
        "skipped": "0",
        "time": f"{seconds:.3f}",
    }
    suites = ET.Element("testsuites", {"name": clean(name), **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": clean(name), **counts})
    for verdict in judged:
        _case(suite, verdict, name)
    ET.indent(suites)
    xml: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return xml


def _case(suite: ET.Element, verdict: Verdict, name: str) -> None:
    # One checker's own time is not known; the suite carries the run's.
    case = ET.SubElement(
        suite, "testcase", {"classname": clean(name), "name": clean(verdict.checker), "time": "0"}
    )
    if verdict.validity is not Validity.VALID:
        tag = "failure" if verdict.validity is Validity.INVALID else "error"
        wrong = verdict.validity is Validity.INVALID and verdict.evidence
        title = verdict.evidence[0].title if wrong else verdict.summary
        result = ET.SubElement(
            case, tag, {"type": verdict.validity.value, "message": clean(shorten(title, 500))}
        )
        result.text = clean(shorten(_explained(verdict), LONGEST_TEXT))
    lines = "\n".join([verdict.summary, *(f"Not checked: {caveat}" for caveat in verdict.caveats)])
    ET.SubElement(case, "system-out").text = clean(shorten(lines, LONGEST_TEXT))


def _explained(verdict: Verdict) -> str:
    return "\n\n".join([verdict.summary, *(_evidence(evidence) for evidence in verdict.evidence)])


def _evidence(evidence: Evidence) -> str:
    lines = [evidence.title, evidence.text]
    if evidence.operations:
        lines.append("operations: " + ", ".join(map(str, evidence.operations)))
    if evidence.events:
        lines.append(
            "trace events: "
            + ", ".join(f"{ref.node} life {ref.life} seq {ref.seq}" for ref in evidence.events)
        )
    if evidence.nodes:
        lines.append("nodes: " + ", ".join(evidence.nodes))
    return "\n".join(line for line in lines if line)
