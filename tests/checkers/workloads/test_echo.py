"""Echo: an answer that differs from what was sent, in value or in type, is a violation."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.verdict import Unjudged, Validity
from checkers.workloads.echo import Echo
from tests.checkers.builders import HistoryBuilder, recording


@pytest.mark.parametrize(("sent", "answer", "right"), [("a", "a", True), ("a", "b", False), (1, "1", False)])
def test_each_answer_is_compared(sent: Any, answer: Any, right: bool) -> None:
    built = HistoryBuilder()
    built.do("echo", None, "x", "x", node="n1")
    built.do("echo", None, sent, answer, node="n2")
    verdict = Echo().check(recording(built))
    assert verdict.validity is (Validity.VALID if right else Validity.INVALID)
    if not right:
        assert "n2 answered" in verdict.evidence[0].text
        assert verdict.evidence[0].operations == (2,)


def test_without_an_answer_nothing_is_judged() -> None:
    built = HistoryBuilder()
    built.invoke(0, "echo", None, "a")
    assert Echo().check(recording(built)).unjudged is Unjudged.NOT_EXERCISED
