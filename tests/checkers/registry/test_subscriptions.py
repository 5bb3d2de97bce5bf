"""Subscriptions: a node that forgets a subscriber is found; one that was stopped is not accused."""

from __future__ import annotations

import msgspec
import pytest

from checkers.registry.subscriptions import REAL_BOUND_NS, VIRTUAL_BOUND_NS, Subscriptions
from checkers.verdict import Validity, Verdict
from history import NodeTrace, Recording, TraceEntry, TraceEvent
from history.stored.trace import EventName
from history.units import MILLISECOND_NS, SECOND_NS
from tests.checkers.builders import NODES, HistoryBuilder

WAIT_MS = 1000
LATE_NS = VIRTUAL_BOUND_NS + MILLISECOND_NS


class Lines:
    """The trace of n1, a line after the other."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []
        self.applied = 0

    def add(self, at: int, event: EventName, **more: object) -> Lines:
        self.applied = int(str(more.pop("applied", self.applied)))
        seq = len(self.events) + 1
        line = TraceEvent(seq, at, event, 1, "follower", 9, self.applied, 9, node="n1", life=1)
        self.events.append(msgspec.structs.replace(line, **more))
        return self

    def restart(self) -> Lines:
        return self.add(0, "restart")

    def hold(self, at: int = SECOND_NS) -> Lines:
        return self.add(at, "hold", op="1")

    def change(self, at: int, index: int = 3) -> Lines:
        return self.add(at, "apply", applied=index, entries=(TraceEntry(index, 1, "h", "0"),))

    def receive(self, at: int) -> Lines:
        return self.add(at, "receive", peer="n2")

    def answer(self, at: int) -> Lines:
        return self.add(at, "answer", op="1")


def check(lines: Lines, *, gaps: tuple[str, ...] = (), options: dict[str, object] | None = None) -> Verdict:
    """Operation 0 registers an instance of svc; operation 1 subscribes to svc for a second."""
    history = HistoryBuilder()
    history.invoke(1, "register", "svc/10.0.0.1:80", "r0", node="n2")
    history.invoke(2, "subscribe", "svc", WAIT_MS, node="n1")
    traces = {"n1": NodeTrace("n1", tuple(lines.events), gaps)}
    return Subscriptions().check(Recording(NODES, history.history(), traces, options=options or {}))


def woken(late_ns: int) -> Lines:
    """A change after 0.1 s, another event this much later, and then the answer."""
    changed = SECOND_NS + 100 * MILLISECOND_NS
    return Lines().restart().hold().change(changed).receive(changed + late_ns).answer(changed + late_ns)


def test_a_subscriber_that_is_answered_with_the_change_is_valid() -> None:
    verdict = check(woken(0))
    assert verdict.validity is Validity.VALID
    assert verdict.measures["answered_by_a_change"] == 1


def test_a_node_that_works_on_and_answers_later_is_invalid_and_its_lines_are_named() -> None:
    verdict = check(woken(LATE_NS))
    assert verdict.validity is Validity.INVALID
    assert verdict.summary == "n1 kept the subscriber of svc waiting for 0.021 s too long"
    assert "After n1 had the change at index 3, it was answered 0.021 s later" in verdict.evidence[0].text
    assert verdict.evidence[0].operations == (1,)
    assert [one.seq for one in verdict.evidence[0].events] == [2, 3, 5]


def test_on_a_real_clock_a_node_may_take_a_second() -> None:
    real: dict[str, object] = {"monotonic_start_ns": 5}
    assert check(woken(REAL_BOUND_NS), options=real).validity is Validity.VALID
    assert check(woken(REAL_BOUND_NS + 1), options=real).validity is Validity.INVALID


def test_a_node_that_stood_still_took_no_event_and_is_not_accused() -> None:
    changed = SECOND_NS + 100 * MILLISECOND_NS
    assert check(Lines().restart().hold().change(changed).answer(9 * SECOND_NS)).validity is Validity.VALID


def test_a_change_that_a_snapshot_brought_counts() -> None:
    """Index 3 was applied elsewhere; n1 has it from a snapshot up to index 5."""
    changed = SECOND_NS + 100 * MILLISECOND_NS
    elsewhere = Lines().restart().change(changed)
    for late_ns, validity in ((0, Validity.VALID), (LATE_NS, Validity.INVALID)):
        lines = Lines().restart().hold().add(changed, "snapshot", applied=5, index=5, peer="n2")
        lines.receive(changed).receive(changed + late_ns).answer(changed + late_ns)
        history = HistoryBuilder()
        history.invoke(1, "register", "svc/10.0.0.1:80", "r0", node="n2")
        history.invoke(2, "subscribe", "svc", WAIT_MS, node="n1")
        traces = {"n1": NodeTrace("n1", tuple(lines.events)), "n2": NodeTrace("n2", tuple(elsewhere.events))}
        verdict = Subscriptions().check(Recording(NODES, history.history(), traces))
        assert verdict.validity is validity
        if validity is Validity.VALID:
            assert verdict.measures["answered_by_a_snapshot"] == 1
        else:
            assert "took over in a snapshot" in (verdict.evidence[0].kind or "")


@pytest.mark.parametrize("late_ns", [0, LATE_NS])
def test_a_subscriber_waits_no_longer_than_its_time(late_ns: int) -> None:
    over = SECOND_NS + WAIT_MS * MILLISECOND_NS
    lines = Lines().restart().hold().receive(over).receive(over + late_ns).answer(over + late_ns)
    verdict = check(lines)
    if late_ns:
        assert verdict.validity is Validity.INVALID
        assert "After its time was over, it was answered 0.021 s later" in verdict.evidence[0].text
    else:
        assert verdict.validity is Validity.UNKNOWN  # nothing was answered by a change
        assert verdict.measures["answered_at_their_time"] == 1


def test_a_slow_clock_makes_the_time_longer() -> None:
    over = SECOND_NS + WAIT_MS * MILLISECOND_NS
    lines = Lines().restart().hold().receive(over).receive(over + LATE_NS).answer(over + LATE_NS)
    assert check(lines, options={"clock_drift_bound_percent": 20}).validity is Validity.UNKNOWN


def test_a_subscriber_that_is_never_answered_is_found_at_the_end_of_the_life() -> None:
    changed = SECOND_NS + 100 * MILLISECOND_NS
    lines = Lines().restart().hold().change(changed).receive(changed + LATE_NS)
    assert check(lines).validity is Validity.INVALID
    assert check(lines.restart()).validity is Validity.INVALID
    soon = Lines().restart().hold().change(changed)
    assert check(soon).validity is Validity.UNKNOWN


def test_a_change_of_another_service_and_an_earlier_one_wake_nobody() -> None:
    changed = SECOND_NS + 100 * MILLISECOND_NS
    earlier = Lines().restart().change(0).hold().receive(changed).answer(changed)
    assert check(earlier).measures["answered_by_a_change"] == 0
    other = Lines().restart().hold().change(changed).receive(changed + LATE_NS).answer(changed + LATE_NS)
    history = HistoryBuilder()
    history.invoke(1, "register", "other/10.0.0.1:80", "r0", node="n2")
    history.invoke(2, "subscribe", "svc", WAIT_MS, node="n1")
    traces = {"n1": NodeTrace("n1", tuple(other.events))}
    assert Subscriptions().check(Recording(NODES, history.history(), traces)).validity is Validity.UNKNOWN


def test_missing_lines_and_missing_traces_are_not_valid() -> None:
    assert check(woken(0), gaps=("n1's life 1 lacks lines",)).validity is Validity.UNKNOWN
    assert check(woken(LATE_NS), gaps=("n1's life 1 lacks lines",)).validity is Validity.INVALID
    assert check(Lines()).validity is Validity.UNKNOWN
    assert "writes no traces" in check(Lines(), options={"lacks": ["traces"]}).summary
