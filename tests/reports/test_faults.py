"""Fault periods and the nemesis' log from nemesis operations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.nemesis import NEMESES
from harness.nemesis.fault import Fault
from history import History, Operation
from history.nemesis import FaultKind
from reports.faults import FaultPeriod, fault_periods, nemesis_rows, took_effect
from reports.spans import Span, Spans
from tests import REPOSITORY

END = 1_000
KINDS = tuple(fault.kind for fault in NEMESES.values())
"""What a run's folder keeps of its faults."""


def act(kind: str, *nodes: str, effect: bool = True, error: str | None = None, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "nodes": list(nodes), "took_effect": effect, "error": error, **more}


def nemesis(*steps: tuple[int, str, list[dict[str, Any]] | None]) -> list[Span]:
    """Operations (time, f, actions); actions None: the completion is missing (only sensible for the last)."""
    operations: list[Operation] = []
    for at, f, actions in steps:
        operations.append(Operation(len(operations), at, -1, "invoke", f))
        if actions is not None:
            value = {"target": "leader", "leader": "n1", "actions": actions}
            operations.append(Operation(len(operations), at + 5, -1, "info", f, value=value))
    return Spans.of(History(operations)).nemesis()


def times(periods: list[FaultPeriod]) -> list[tuple[str, int, int, bool]]:
    return [(period.kind, period.begin, period.end, period.healed) for period in periods]


def test_a_period_reaches_from_the_invocation_that_broke_to_the_completion_that_mended() -> None:
    spans = nemesis(
        (100, "kill", [act("Kill", "n1")]),
        (200, "start", [act("Start", "n1")]),
        (300, "partition", [act("Cut")]),
        (400, "heal", [act("Heal")]),
        (500, "pause", [act("Pause", "n2")]),
        (600, "resume", [act("Resume", "n2")]),
    )
    assert times(fault_periods(spans, END, KINDS)) == [
        ("kill", 100, 205, True),
        ("partition", 300, 405, True),
        ("pause", 500, 605, True),
    ]


def test_a_fault_that_took_no_effect_has_no_period_but_a_line_in_the_log() -> None:
    spans = nemesis((100, "kill", [act("Kill", "n1", effect=False)]))
    assert fault_periods(spans, END, KINDS) == []
    assert [row.effect for row in nemesis_rows(spans)] == ["no effect"]


def test_the_final_heal_ends_everything() -> None:
    spans = nemesis(
        (100, "kill", [act("Kill", "n1")]),
        (150, "partition", [act("Cut")]),
        (300, "final-heal", [act("Heal")]),
    )
    assert times(fault_periods(spans, END, KINDS)) == [
        ("kill", 100, 305, True),
        ("partition", 150, 305, True),
    ]


def test_a_healing_that_reports_an_error_mends_nothing() -> None:
    spans = nemesis(
        (100, "kill", [act("Kill", "n1")]),
        (150, "partition", [act("Cut")]),
        (300, "final-heal", [act("Heal"), act("Start", "n1", error="port in use")]),
    )
    assert times(fault_periods(spans, END, KINDS)) == [
        ("kill", 100, END, False),
        ("partition", 150, 305, True),
    ]


def test_a_start_of_one_node_does_not_end_the_kill_of_another() -> None:
    spans = nemesis(
        (100, "kill", [act("Kill", "n1", "n2")]),
        (150, "kill", [act("Kill", "n3")]),
        (200, "start", [act("Start", "n1")]),
        (300, "start", [act("Start", "n2")]),
    )
    assert times(fault_periods(spans, END, KINDS)) == [("kill", 100, 305, True), ("kill", 150, END, False)]


def test_an_operation_that_kills_and_starts_ends_its_own_period() -> None:
    restart = FaultKind("restart", "restart", "heal-restart", begun_by=("Kill",), ended_by=("Start",))
    steps = [(10, "restart", [act("Kill", "n1"), act("Start", "n1")]), (50, "kill", [act("Kill", "n2")])]
    periods = fault_periods(nemesis(*steps), 100, (*KINDS, restart))
    assert [(period.nodes, period.healed) for period in periods] == [(("n1",), True), (("n2",), False)]
    assert periods[0].end < 50


def test_a_run_cut_short_in_mid_fault_leaves_the_period_open_to_the_end() -> None:
    for kinds in (KINDS, ()):
        spans = nemesis((100, "kill", None))
        assert times(fault_periods(spans, END, kinds)) == [("kill", 100, END, False)]
        spans = nemesis((100, "kill", [act("Kill", "n1")]), (200, "start", None))
        assert times(fault_periods(spans, END, kinds)) == [("kill", 100, END, True)]


def test_a_fault_of_a_shared_action_has_its_own_name_its_familys_hue_and_ends_by_its_heal() -> None:
    spans = nemesis(
        (100, "reorder", [act("Impair")]),
        (200, "full", [act("BreakDisk", "n1")]),
        (300, "heal-reorder", [act("EndImpairment")]),
        (400, "heal-full", [act("MendDisk", "n1"), act("Start", "n1")]),
    )
    periods = fault_periods(spans, END, KINDS)
    assert times(periods) == [("reorder", 100, 305, True), ("full", 200, 405, True)]
    assert [period.hue for period in periods] == ["wire", "disk"]


@pytest.mark.parametrize("fault", NEMESES.values(), ids=lambda fault: fault.name)
def test_every_fault_of_the_catalogue_has_a_period_and_a_colour(fault: Fault) -> None:
    broken = [act(action.__name__, "n1") for action in fault.begun_by[:1]] or [act("ChangeMembership", "n1")]
    mended = [act(action.__name__, "n1") for action in fault.ended_by[:1]]
    spans = nemesis((100, fault.begin, broken), (200, fault.end, mended), (300, "kill", [act("Kill", "n2")]))
    mine = [period for period in fault_periods(spans, END, (fault.kind,)) if period.kind == fault.name]
    if fault.course is not None:
        assert mine == [], "its steps leave nothing broken"
        return
    assert times(mine)[0] == (fault.name, 100, 205, True)
    css = (REPOSITORY / "reports" / "templates" / "report.css").read_text()
    assert mine[0].hue != "other"
    assert f".h-{mine[0].hue} " in css


def test_a_drift_is_shaded() -> None:
    spans = nemesis(
        (100, "drift", [act("SetRate", "n1"), act("SetRate", "n2", "n3")]),
        (300, "heal-drift", [act("ResetRate", "n1", "n2", "n3")]),
    )
    periods = fault_periods(spans, END, KINDS)
    assert times(periods) == [("drift", 100, 305, True)] * 2
    assert {period.hue for period in periods} == {"clock"}


def test_a_run_stored_without_kinds_is_shown_in_grey_by_the_names_of_its_operations() -> None:
    spans = nemesis(
        (100, "kill", [act("Kill", "n1")]),
        (200, "start", [act("Start", "n1")]),
        (300, "drift", [act("SetRate", "n1", effect=False)]),
        (400, "full", [act("BreakDisk", "n2")]),
        (500, "heal-full", [act("MendDisk", "n2")]),
    )
    periods = fault_periods(spans, END)
    assert times(periods) == [("kill", 100, 205, True), ("full", 400, 505, True)]
    assert {period.hue for period in periods} == {"other"}


def test_a_kind_of_fault_unknown_here_is_drawn_in_grey_until_its_own_heal() -> None:
    spans = nemesis((100, "clock-jump", []), (200, "heal-clock-jump", []), (300, "gremlin", []))
    periods = fault_periods(spans, END, KINDS)
    assert times(periods) == [("clock-jump", 100, 205, True), ("gremlin", 300, END, False)]
    assert [period.hue for period in periods] == ["other", "other"]


def test_a_leader_that_an_ambush_waited_for_has_a_period_of_its_own_name() -> None:
    waited = act("LieInWait", details={"changed": ["n3"], "term": 5})
    spans = nemesis(
        (100, "ambush", [act("Kill", "n1"), waited]),
        (300, "heal-ambush", [act("EndAmbush", "n1", "n2", "n3", effect=False), act("Start", "n1", "n3")]),
    )
    assert [period.label for period in fault_periods(spans, END, KINDS)] == [
        "ambush n1 (leader)",
        "ambush n3 (leader)",
    ]
    assert nemesis_rows(spans)[0].nodes == ("n1", "n3")


def test_the_label_names_the_node_and_why_it_was_chosen() -> None:
    [kill, cut] = fault_periods(
        nemesis((10, "kill", [act("Kill", "n4")]), (20, "partition", [act("Cut")])), END, KINDS
    )
    assert kill.label == "kill n4 (leader)"
    assert cut.label == "partition n1 (leader)"


def test_the_log_shows_links_details_errors_and_what_it_does_not_know() -> None:
    spans = nemesis(
        (10, "partition", [act("Cut", links=[["a", "b"]], details={"swallowed_messages": 12})]),
        (20, "kill", [act("Kill", "n1", effect=False, error="no such process")]),
        (30, "kill", []),
    )
    cut, failed, mute = nemesis_rows(spans)
    assert cut.details == ("cut a→b", "swallowed messages: 12")
    assert (failed.effect, failed.details) == ("failed", ("no such process",))
    assert mute.effect == "not known"
    assert took_effect(mute.span) is None


ACTION_KINDS = st.sampled_from(["Kill", "Start", "Pause", "Resume", "Cut", "Heal"])
NODES = st.lists(st.sampled_from(["n1", "n2", "n3"]), max_size=3, unique=True)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["kill", "start", "heal", "x", "final-heal"]),
            st.lists(st.tuples(ACTION_KINDS, NODES)),
        )
    ),
    st.sampled_from([(), KINDS]),
)
def test_periods_lie_within_the_run_and_are_in_order(
    steps: list[tuple[str, list[tuple[str, list[str]]]]], kinds: tuple[FaultKind, ...]
) -> None:
    spans = nemesis(
        *((10 * n, f, [act(kind, *nodes) for kind, nodes in acts]) for n, (f, acts) in enumerate(steps))
    )
    end = 10 * len(steps) + 10
    periods = fault_periods(spans, end, kinds)
    assert all(0 <= period.begin <= period.end <= end for period in periods)
    assert [period.begin for period in periods] == sorted(period.begin for period in periods)
    if steps and steps[-1][0] == "final-heal":
        last = 10 * (len(steps) - 1)
        assert all(period.healed for period in periods if period.begin < last)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["actions", "kind", "nodes", "links", "target", "details", "leader"]), inner
            )
        ),
    )
)
def test_no_completions_value_of_whatever_shape_breaks_the_log(value: Any) -> None:
    for shaped in (
        value,
        {"actions": [value]},
        {"actions": [{"kind": "Cut", "links": value, "nodes": value}]},
    ):
        history = History(
            [
                Operation(0, 0, -1, "invoke", "kill", value=value),
                Operation(1, 1, -1, "info", "kill", value=shaped),
            ]
        )
        spans = Spans.of(history).nemesis()
        assert len(nemesis_rows(spans)) == 1
        fault_periods(spans, END, KINDS)
