"""JUnit XML, the form of test results that CI servers read.

There is no standard, but there are two schemas: that of Jenkins (`junit-10.xsd` of its xUnit plugin) and
that of Maven Surefire (`surefire-test-report.xsd`). What is written here is valid by both: one `testsuite`
at the root, its properties first, and in each `testcase` the result before the output. GitLab and the
reporters for GitHub read that, too.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reports.ci.suite import CiCase, CiSuite
from reports.text import clean, shorten

LONGEST_MESSAGE = 500
LONGEST_TEXT = 20_000
"""The largest number of characters of one result; servers refuse or cut longer ones."""


def junit(suite: CiSuite) -> bytes:
    """The XML in UTF-8.

    Characters that XML forbids are replaced by their escape (`\\x1b`), so nothing is hidden.
    """
    attributes = {
        "name": clean(suite.name),
        "tests": str(len(suite.cases)),
        "failures": str(suite.number("failure")),
        "errors": str(suite.number("error")),
        "skipped": str(suite.number("skipped")),
        "time": f"{suite.seconds:.3f}",
    }
    root = ET.Element("testsuite", attributes)
    properties = ET.SubElement(root, "properties")
    facts = {"verdict": suite.validity.value, "why": suite.why, "began_at": suite.began_at, **suite.facts}
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": clean(name), "value": _text(value)})
    for case in suite.cases:
        _case(root, case, suite.name)
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _case(root: ET.Element, case: CiCase, suite: str) -> None:
    own = {
        "classname": clean(suite),
        "name": _text(case.name, LONGEST_MESSAGE),
        "time": f"{case.seconds:.3f}",
    }
    found = ET.SubElement(root, "testcase", own)
    if case.end != "passed":
        result = ET.SubElement(found, case.end, {"message": _text(case.message, LONGEST_MESSAGE)})
        if case.end != "skipped":  # Surefire's schema has no type there
            result.set("type", clean(case.mark) or case.end)
        result.text = _text(case.text)
    if case.output:
        ET.SubElement(found, "system-out").text = _text(case.output)


def _text(text: str, longest: int = LONGEST_TEXT) -> str:
    return clean(shorten(text, longest))
