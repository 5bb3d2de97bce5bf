"""JUnit XML, the form of test results that CI servers read: a testcase for each checker.

`invalid` is a `<failure>`. `unknown` is an `<error>`, not `<skipped>`: servers count skipped tests as green,
and a run that proves nothing must not pass a gate. For the same reason a checker that the run requires and
that judged nothing is an `<error>`, and a run that no checker judged holds one testcase, an error. A checker
that the run does not require is `<skipped>`, with the reason, if it was not exercised, is not applicable or
only measures. There is no standard; this is the subset that Jenkins, GitLab and GitHub's reporters share.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from xml.etree import ElementTree as ET

from checkers.check_all import decisive
from checkers.verdict import Evidence, Validity, Verdict
from reports.text import clean, shorten

LONGEST_TEXT = 20_000
"""The largest number of characters of one result; servers refuse or cut longer ones."""


def junit(verdicts: Sequence[Verdict], name: str, seconds: float, required: Collection[str] = ()) -> bytes:
    """The XML in UTF-8, for a suite with this name that took this number of seconds.

    `required` has the names of the checkers that the run requires.

    Characters that XML forbids are replaced by their escape (`\\x1b`), so nothing is hidden.
    """
    judged = list(verdicts) or [Verdict("checkers", Validity.UNKNOWN, "No checker judged this run.")]
    against = decisive(judged, required)
    tags = [_tag(verdict, verdict in against) for verdict in judged]
    counts = {
        "tests": str(len(judged)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": f"{seconds:.3f}",
    }
    suites = ET.Element("testsuites", {"name": clean(name), **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": clean(name), **counts})
    for verdict, tag in zip(judged, tags, strict=True):
        _case(suite, verdict, tag, name)
    ET.indent(suites)
    xml: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return xml


def _tag(verdict: Verdict, decides: bool) -> str:
    """The element that says how a testcase ended; none for one that passed."""
    if verdict.validity is Validity.VALID:
        return ""
    if not decides:
        return "skipped"
    return "failure" if verdict.validity is Validity.INVALID else "error"


def _case(suite: ET.Element, verdict: Verdict, tag: str, name: str) -> None:
    # One checker's own time is not known; the suite carries the run's.
    case = ET.SubElement(
        suite, "testcase", {"classname": clean(name), "name": clean(verdict.checker), "time": "0"}
    )
    if tag:
        wrong = verdict.validity is Validity.INVALID and verdict.evidence
        title = verdict.evidence[0].title if wrong else verdict.summary
        if verdict.unjudged is not None:
            title = f"{verdict.unjudged}: {title}"
        result = ET.SubElement(case, tag, {"type": verdict.mark.value, "message": clean(shorten(title, 500))})
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
