"""Lanes of roles and terms from traces and lives."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from checkers.verdict import EventRef
from history import History, NodeLife, NodeTrace, PolledStatus, Recording, TraceEvent
from history.units import SECOND_NS as S
from reports.faults import FaultPeriod
from reports.roles import RANK, RoleLanes, Segment, TraceMarks, coarsened, role_lanes
from tests.reports import synthetic

END = 10 * S


def event(seq: int, at_s: float, name: Any, term: int, role: str, life: int = 1) -> TraceEvent:
    return TraceEvent(seq, synthetic.CLOCK + int(at_s * S), name, term, role, 0, 0, 0, node="n1", life=life)


def one_node(
    *events: TraceEvent, lives: tuple[NodeLife, ...] = (), start: int | None = synthetic.CLOCK
) -> Recording:
    options = {} if start is None else {"monotonic_start_ns": start}
    return Recording(("n1",), History([]), {"n1": NodeTrace("n1", events)}, lives, options=options)


def lanes(recording: Recording, periods: tuple[FaultPeriod, ...] = ()) -> RoleLanes:
    return role_lanes(recording, TraceMarks(recording), periods, END)


WALK = (
    event(1, 0, "restart", 0, "follower"),
    event(2, 1, "term", 1, "candidate"),
    event(3, 1, "role", 1, "candidate"),
    event(4, 2, "role", 1, "leader"),
    event(1, 7, "restart", 1, "follower", life=2),
)


def test_a_lane_walks_through_roles_terms_and_down_times() -> None:
    lives = (NodeLife("n1", 1, 9, 0, 5 * S, -9, "kill"), NodeLife("n1", 2, 10, 6 * S))
    assert lanes(one_node(*WALK, lives=lives)).lanes["n1"] == (
        Segment("follower", 0, 0, 1 * S),
        Segment("candidate", 1, 1 * S, 2 * S),
        Segment("leader", 1, 2 * S, 5 * S),
        Segment("down", None, 5 * S, 6 * S),
        Segment("up", None, 6 * S, 7 * S),
        Segment("follower", 1, 7 * S, END),
    )


def test_without_lives_roles_are_drawn_and_the_lack_is_said() -> None:
    found = lanes(one_node(*WALK))
    assert found.lanes["n1"][-1] == Segment("follower", 1, 7 * S, END)
    assert "Down times are not shown" in found.missing[0]


def test_without_the_runs_clock_reading_only_up_and_down_are_drawn_and_the_reason_is_said() -> None:
    lives = (NodeLife("n1", 1, 9, 0, 5 * S, -9, "kill"),)
    found = lanes(one_node(*WALK, lives=lives, start=None))
    assert found.lanes["n1"] == (Segment("up", None, 0, 5 * S), Segment("down", None, 5 * S, END))
    assert "monotonic_start_ns" in found.missing[0]


def test_a_trace_of_another_machines_clock_is_not_placed_in_time() -> None:
    found = lanes(one_node(*WALK, start=synthetic.CLOCK + 3_600 * S))
    assert found.lanes["n1"] == ()
    assert "lie outside the run" in found.missing[0]


def test_without_a_trace_the_page_says_so() -> None:
    recording = Recording(("n1",), History([]))
    assert lanes(recording).missing == ("Roles and terms are not shown: the nodes left no trace.",)


def test_pauses_lie_over_the_node_they_struck_only() -> None:
    period = FaultPeriod("pause", 3 * S, 4 * S, 0, ("n1",), "pause n1", True)
    other = FaultPeriod("pause", 5 * S, 6 * S, 0, ("n2",), "pause n2", True)
    assert lanes(one_node(*WALK), (period, other)).pauses["n1"] == (Segment("paused", None, 3 * S, 4 * S),)


def test_every_lane_of_a_run_covers_it_without_gap_or_overlap() -> None:
    recording = synthetic.recording()
    end = 30 * S
    for lane in role_lanes(recording, TraceMarks(recording), (), end).lanes.values():
        assert (lane[0].begin, lane[-1].end) == (0, end)
        assert all(a.end == b.begin for a, b in pairwise(lane))


def test_an_event_is_found_by_node_life_and_sequence_and_its_absence_is_none() -> None:
    marks = TraceMarks(one_node(*WALK))
    assert marks.event(EventRef("n1", 2, 1)) == WALK[4]
    assert marks.event(EventRef("n1", 1, 3)) == WALK[2]
    for absent in (EventRef("n1", 1, 5), EventRef("n1", 3, 1), EventRef("n9", 1, 1)):
        assert marks.event(absent) is None


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(RANK)), st.integers(0, 5), st.integers(1, 50)),
        min_size=1,
        max_size=60,
    )
)
def test_coarsening_covers_the_run_and_never_hides_a_leader(steps: list[tuple[str, int, int]]) -> None:
    segments, at = [], 0
    for state, term, length in steps:
        segments.append(Segment(state, term, at, at + 100 * length))
        at += 100 * length
    merged = coarsened(segments, at, 7)
    assert len(merged) <= 7
    assert (merged[0].begin, merged[-1].end) == (0, at)
    assert {s.state for s in segments if s.state == "leader"} <= {s.state for s in merged}


def test_a_node_that_flaps_is_drawn_in_bounded_space() -> None:
    from reports.plots.frame import Frame
    from reports.plots.roles import roles_plot

    flapping = tuple(
        event(n + 1, n * 10 / 9_000, "role", n, "leader" if n % 2 else "follower") for n in range(9_000)
    )
    recording = msgspec.structs.replace(one_node(*flapping), lives=(NodeLife("n1", 1, 1, 0),))
    plot = roles_plot(lanes(recording), Frame(END, ()))
    assert plot is not None
    assert len(plot.svg) < 120_000
    assert any("changed too often to draw every change" in note for note in plot.notes)


def test_of_nodes_without_traces_the_lanes_show_what_they_answered() -> None:
    lives = (NodeLife("n1", 1, 9, 0, 5 * S, -9, "kill"), NodeLife("n1", 2, 10, 6 * S))
    answers = (
        PolledStatus("n1", 1 * S, "follower", 2),
        PolledStatus("n1", 2 * S, "leader", 3),
        PolledStatus("n1", 3 * S, "leader", 3),
        PolledStatus("n1", 7 * S, "follower", 0),
    )
    recording = Recording(("n1",), History([]), lives=lives, statuses=answers)
    found = lanes(recording)
    assert found.lanes["n1"] == (
        Segment("up", None, 0, 1 * S),
        Segment("follower", 2, 1 * S, 2 * S),
        Segment("leader", 3, 2 * S, 5 * S),
        Segment("down", None, 5 * S, 6 * S),
        Segment("up", None, 6 * S, 7 * S),
        Segment("follower", None, 7 * S, END),
    )
    assert found.missing[0].startswith("Roles and terms are what the nodes answered")
    assert TraceMarks(recording).leader_changes() == 0
    assert TraceMarks(Recording(("n1",), History([]), lives=lives)).leader_changes() is None
