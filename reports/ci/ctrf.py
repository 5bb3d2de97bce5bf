"""CTRF, the Common Test Report Format (ctrf.io), version 1.0.0: test results as one JSON document.

Its states are passed, failed, skipped, pending and other. What is unknown is `failed`, as readers may take
`other` for green; the verdict itself stands in `rawStatus`.
"""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from typing import Any

import msgspec

from reports.ci.suite import CaseEnd, CiCase, CiSuite
from reports.text import clean, shorten

LONGEST_TEXT = 20_000
_STATUS: dict[CaseEnd, str] = {
    "passed": "passed",
    "failure": "failed",
    "error": "failed",
    "skipped": "skipped",
}


def ctrf(suite: CiSuite) -> bytes:
    """The JSON document in UTF-8."""
    status = [_STATUS[case.end] for case in suite.cases]
    start = round(datetime.fromisoformat(suite.began_at).timestamp() * 1000)
    took = round(suite.seconds * 1000)
    system = suite.facts.get("system")
    environment = {
        "reportName": clean(suite.name),
        "testEnvironment": clean(suite.facts.get("world", "")),
        **({} if system is None else {"appName": clean(system)}),
        "extra": {name: clean(value) for name, value in suite.facts.items()},
    }
    document = {
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        "timestamp": suite.began_at,
        "generatedBy": "ackproof",
        "results": {
            "tool": {"name": "ackproof", "version": version("ackproof")},
            "summary": {
                "tests": len(status),
                **{name: status.count(name) for name in ("passed", "failed", "skipped", "pending", "other")},
                "start": start,
                "stop": start + took,
                "duration": took,
                "extra": {"validity": suite.validity.value, "why": clean(suite.why)},
            },
            "tests": [_test(case, suite.name) for case in suite.cases],
            "environment": {name: value for name, value in environment.items() if value},
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _test(case: CiCase, suite: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": _text(case.name) or "(no name)",
        "status": _STATUS[case.end],
        "duration": round(case.seconds * 1000),
        "suite": [clean(suite)],
        "rawStatus": clean(case.mark) or case.end,
    }
    if case.message:
        found["message"] = _text(case.message)
    if case.text:
        found["trace"] = _text(case.text)
    if case.output:
        found["stdout"] = _text(case.output).split("\n")
    return found


def _text(text: str) -> str:
    return clean(shorten(text, LONGEST_TEXT))
