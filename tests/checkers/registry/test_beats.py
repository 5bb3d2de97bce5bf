"""Beats: decisions that come too early or never, and instances that revive."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from checkers.registry.beats import Beats
from checkers.verdict import Unjudged, Validity, Verdict
from harness.client.codecs.ephemeral import TIMES
from history import NodeTrace, TraceEntry, TraceEvent
from history.units import MILLISECOND_NS
from tests.checkers.builders import HistoryBuilder, recording

KEY = "svc/10.0.0.1:80"
REGISTERED = 2


class _Led:
    """n1 leads from the first millisecond on; lines come each 20 ms, so that it is seen awake."""

    def __init__(self) -> None:
        self.built = HistoryBuilder()
        self.lines: list[tuple[int, str, tuple[TraceEntry, ...], int]] = [(1, "role", (), 0)]
        self._line(2, "append", TraceEntry(1, 1, "h1"))
        self._line(3, "apply", TraceEntry(1, 1, "h1"), applied=1)
        operation = self.built.invoke(1, "register", KEY, "r1")
        self.built.wait(5)
        self.built.ok(1, "r1", node="n1", raft_index=REGISTERED)
        entry = TraceEntry(REGISTERED, 1, "h2", str(operation))
        self._line(4, "append", entry)
        self._line(5, "apply", entry, applied=REGISTERED)

    def _line(self, at_ms: int, event: str, entry: TraceEntry, applied: int = 0) -> None:
        self.lines.append((at_ms, event, (entry,), applied))

    def beat(self, at_ms: int) -> None:
        self.built.wait(at_ms - self.built.now // MILLISECOND_NS - 1)
        self.built.do("beat", KEY, None, "taken", node="n1", raft_index=REGISTERED)

    def decide(self, at_ms: int, to: str, index: int) -> None:
        entry = TraceEntry(index, 1, f"h{index}", f"expire:{to}:{REGISTERED}:{KEY}")
        self._line(at_ms, "append", entry)
        self._line(at_ms + 1, "apply", entry, applied=index)

    def verdict(
        self, until_ms: int, recorded_until_ms: int | None = None, others: Sequence[NodeTrace] = ()
    ) -> Verdict:
        """The verdict of a trace that goes on until then, and of a history that ends then or before."""
        recorded_ms = until_ms if recorded_until_ms is None else recorded_until_ms
        self.built.wait(max(0, recorded_ms - self.built.now // MILLISECOND_NS))
        self.built.do("lookup", KEY, None, "r1", node="n1")
        applied, events = 0, []
        ticks = [(ms, "send", (), 0) for ms in range(10, until_ms, 20)]
        for seq, (ms, name, entries, now) in enumerate(sorted([*self.lines, *ticks]), start=1):
            applied = max(applied, now)
            at = ms * MILLISECOND_NS
            events.append(
                TraceEvent(
                    seq, at, name, 1, "leader", applied, applied, applied,  # type: ignore[arg-type]
                    entries=entries, node="n1", life=1,
                )
            )  # fmt: skip
        options = {"clock_drift_bound_percent": 10, "election_ms": 100}
        traces = {trace.node: trace for trace in (NodeTrace("n1", tuple(events)), *others)}
        return Beats().check(recording(self.built, traces=traces, options=options))


def test_the_times_are_those_that_clients_give_their_instances() -> None:
    given = TIMES["preserved.heart.beat.timeout"], TIMES["preserved.ip.delete.timeout"]
    assert given == (str(Beats().timeout_ms), str(Beats().delete_ms))


def test_decisions_after_the_times_of_a_silent_instance_are_valid() -> None:
    led = _Led()
    led.decide(306, "unhealthy", 3)
    led.decide(606, "removed", 4)
    verdict = led.verdict(2000)
    assert verdict.validity is Validity.VALID
    assert verdict.measures["decisions"] == 2


def test_an_instance_that_beat_just_before_was_removed_too_early() -> None:
    led = _Led()
    led.beat(400)
    led.decide(606, "removed", 3)
    verdict = led.verdict(2000)
    assert verdict.validity is Validity.INVALID
    assert "n1 called svc/10.0.0.1:80 removed 206 ms after a beat that it took" in verdict.summary


def test_a_silent_instance_that_is_never_removed_was_kept_too_long() -> None:
    led = _Led()
    led.decide(306, "unhealthy", 3)
    verdict = led.verdict(2000)
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].kind == "a silent instance was kept too long"


def test_a_history_that_was_cut_shows_no_silence_after_its_end() -> None:
    led = _Led()
    led.decide(306, "unhealthy", 3)
    assert led.verdict(2000, recorded_until_ms=400).validity is not Validity.INVALID


def test_beats_that_are_still_under_way_may_have_kept_it() -> None:
    led = _Led()
    led.built.do("beat", KEY, None, None, "fail", node="n1")
    assert led.verdict(2000).mark is Unjudged.NOT_EXERCISED


def test_an_unhealthy_instance_that_beats_has_to_be_healthy_again() -> None:
    for revives in (True, False):
        led = _Led()
        led.decide(306, "unhealthy", 3)
        led.beat(400)
        if revives:
            led.decide(400, "healthy", 4)
        verdict = led.verdict(700)
        assert verdict.validity is (Validity.VALID if revives else Validity.INVALID)
        assert revives or verdict.evidence[0].kind == "an instance that beats again stays unhealthy"


@pytest.mark.parametrize(("next_life_ms", "is_judged"), [(390, True), (450, False), (None, False)])
def test_a_beat_that_a_leader_may_have_taken_after_its_last_line_is_not_the_other_leaders(
    next_life_ms: int | None, is_judged: bool
) -> None:
    led = _Led()
    led.decide(306, "unhealthy", 3)
    led.beat(400)
    lives = [(1, 380, 2, "leader")] + ([] if next_life_ms is None else [(2, next_life_ms, 2, "follower")])
    lines = [
        TraceEvent(
            1, ms * MILLISECOND_NS, "role", term, role, 0, 0, 0, node="n2", life=life,
        )
        for life, ms, term, role in lives
    ]  # fmt: skip
    verdict = led.verdict(700, others=[NodeTrace("n2", tuple(lines))])
    assert (verdict.validity is Validity.INVALID) is is_judged


def test_without_known_clocks_nothing_is_judged() -> None:
    assert Beats().check(recording()).mark is Unjudged.NOT_EXERCISED
