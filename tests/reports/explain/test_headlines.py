"""A headline fits three lines of a terminal, and is cut at no word."""

from __future__ import annotations

import pytest

from reports.explain.sentences.headline import LONGEST
from tests.reports.simulated import OF_CLASS, judged

QUICK = ("lost update", "no recovery")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.campaign) for name in OF_CLASS]
)
def test_the_headline_of_each_class_of_violation_is_whole_within_three_lines(name: str) -> None:
    found = judged(name).about.explanation
    assert found is not None
    assert len(found.headline) <= LONGEST
    assert "…" not in found.headline
