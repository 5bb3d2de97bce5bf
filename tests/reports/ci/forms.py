"""What a file must keep to so that CI servers read it: the published schemas, and what is true of ours.

- JUnit: the schemas of Jenkins' xUnit plugin (junit-10.xsd) and of Maven Surefire (surefire-test-report.xsd).
- CTRF: the schema of ctrf.io, version 1.0.0.

`schemas/README.md` says from where they are. What they leave open stands here: the counts, the order.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import xmlschema

SCHEMAS = Path(__file__).parent / "schemas"
OF_JUNIT = ("junit-10.xsd", "surefire-test-report.xsd")
_TIME = re.compile(r"\d+\.\d{3}")
_RESULTS = ("failure", "skipped", "error")
_ORDER = (*_RESULTS, "system-out")


@cache
def xsd(name: str) -> Any:
    """A published schema of JUnit files."""
    return xmlschema.XMLSchema(str(SCHEMAS / name))


@cache
def _ctrf_schema() -> Any:
    schema = json.loads((SCHEMAS / "ctrf.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def valid_junit(xml: bytes) -> ET.Element:
    """The root of a JUnit file that both schemas accept."""
    root = ET.fromstring(xml)
    for name in OF_JUNIT:
        xsd(name).validate(root)
    assert root.tag == "testsuite"
    assert list(root.keys()) == ["name", "tests", "failures", "errors", "skipped", "time"]
    assert _TIME.fullmatch(root.attrib["time"])
    properties, *cases = root
    assert properties.tag == "properties"
    for one in properties:
        assert (one.tag, list(one.keys()), len(one)) == ("property", ["name", "value"], 0)
    for case in cases:
        assert case.tag == "testcase"
        assert list(case.keys()) == ["classname", "name", "time"]
        assert _TIME.fullmatch(case.attrib["time"])
        tags = [child.tag for child in case]
        assert tags == sorted(tags, key=_ORDER.index)
        assert sum(tag in _RESULTS for tag in tags) <= 1
        assert tags.count("system-out") <= 1
        for child in case:
            expected = {"failure": ["message", "type"], "error": ["message", "type"], "skipped": ["message"]}
            assert list(child.keys()) == expected.get(child.tag, [])
            assert len(child) == 0
    counted = {"tests": len(cases)}
    counted |= {
        f"{tag}s" if tag != "skipped" else tag: len(root.findall(f"testcase/{tag}")) for tag in _RESULTS
    }
    assert {name: int(root.attrib[name]) for name in counted} == counted
    return root


def valid_ctrf(text: bytes) -> dict[str, Any]:
    """A CTRF document that its schema accepts."""
    document: dict[str, Any] = json.loads(text)
    _ctrf_schema().validate(document)
    assert document.keys() <= {"reportFormat", "specVersion", "timestamp", "generatedBy", "results"}
    assert (document["reportFormat"], document["specVersion"]) == ("CTRF", "1.0.0")
    results = document["results"]
    assert results.keys() == {"tool", "summary", "tests", "environment"}
    assert results["tool"].keys() == {"name", "version"}
    states = ("passed", "failed", "skipped", "pending", "other")
    summary = results["summary"]
    assert summary.keys() == {"tests", *states, "start", "stop", "duration", "extra"}
    assert all(isinstance(summary[name], int) for name in ("tests", *states, "start", "stop", "duration"))
    for test in results["tests"]:
        allowed = {"name", "status", "duration", "suite", "rawStatus", "message", "trace", "stdout"}
        assert test.keys() <= allowed
        assert test["name"]
        assert test["status"] in states
        assert isinstance(test["duration"], int)
    assert summary["tests"] == len(results["tests"])
    for state in states:
        assert summary[state] == sum(test["status"] == state for test in results["tests"])
    assert results["environment"].keys() <= {"reportName", "appName", "testEnvironment", "extra"}
    return document
