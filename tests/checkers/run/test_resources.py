"""Resources: sizes within and above the bounds of the nodes' settings."""

from __future__ import annotations

from checkers.run.resources import Resources
from checkers.verdict import Unjudged, Validity
from history import HeldSize
from tests.checkers.builders import recording


def test_sizes_within_their_bounds_are_valid_and_measured() -> None:
    sizes = (HeldSize("n1", 1, "sessions", 5, 7, 8), HeldSize("n2", 1, "sessions", 8, 9, 8))
    verdict = Resources().check(recording(sizes=sizes))
    assert verdict.validity is Validity.VALID
    assert verdict.measures == {"sessions": {"most": 8, "bound": 8}}


def test_a_size_above_its_bound_is_named_with_its_node_and_the_time() -> None:
    sizes = (HeldSize("n1", 1, "sessions", 5, 7, 8), HeldSize("n2", 3, "sessions", 9, 2_500_000_000, 8))
    verdict = Resources().check(recording(sizes=sizes))
    assert verdict.validity is Validity.INVALID
    title = "n2 held 9 sessions at 2.500 s in its life 3; its settings allow 8"
    assert verdict.evidence[0].title == title
    assert "In its life 3 n2 held 9 sessions at 2.500 s." in verdict.evidence[0].text


def test_a_run_whose_sizes_were_not_counted_does_not_exercise_it() -> None:
    assert Resources().check(recording()).mark is Unjudged.NOT_EXERCISED
