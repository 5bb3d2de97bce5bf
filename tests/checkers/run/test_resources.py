"""Resources: sizes within and above the bounds of the nodes' settings."""

from __future__ import annotations

from checkers.run.resources import Resources
from checkers.verdict import EventRef, Unjudged, Validity
from history import HeldSize, NodeTrace, TraceEvent
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


def test_the_last_request_that_the_trace_names_by_then_is_evidence() -> None:
    def event(seq: int, at: int, op: str | None, life: int = 3) -> TraceEvent:
        return TraceEvent(seq, at, "append", 2, "leader", 0, 0, 1, op=op, node="n2", life=life)

    events = (event(9, 1, "70", 2), event(1, 5, "72"), event(2, 6, None), event(3, 8, "74"))
    sizes = (HeldSize("n2", 3, "sessions", 9, 7, 8),)
    verdict = Resources().check(recording(sizes=sizes, traces={"n2": NodeTrace("n2", events)}))
    assert verdict.evidence[0].operations == (72,)
    assert verdict.evidence[0].events == (EventRef("n2", 3, 1),)
