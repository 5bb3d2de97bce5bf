"""The picture of a violation: what it shows, that it fits a screen, and what it is without traces."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import msgspec
import pytest

from checkers.verdict import EventRef, Evidence
from history import History, NodeTrace, Operation, Recording, TraceEntry, TraceEvent
from history.units import MILLISECOND_NS as MS
from history.units import SECOND_NS as S
from reports.faults import fault_periods
from reports.plots.picture.axis import CondensedTime
from reports.plots.picture.drawing import WIDTH, picture
from reports.plots.picture.logs import LogTable, log_table
from reports.plots.picture.moments import Focus, Subject, moments
from reports.plots.picture.scene import MOST_LANES, Scene, scene_of
from reports.roles import TraceMarks, role_lanes
from reports.spans import Spans, end_of_run
from tests.reports import simulated
from tests.reports.simulated import OF_CLASS

TALLEST = 620
"""The height at which a picture of this width still stands in the first screen of 1280 x 800."""


def scene(recording: Recording, about: Evidence | Subject) -> Scene | None:
    subject = Subject.of_evidence(about) if isinstance(about, Evidence) else about
    spans, marks = Spans.of(recording.history), TraceMarks(recording)
    end = end_of_run(recording.history)
    periods = fault_periods(spans.nemesis(), end, recording.fault_kinds)
    return scene_of(subject, recording, spans, marks, role_lanes(recording, marks, periods, end), periods)


def scene_of_class(name: str) -> tuple[Subject, Scene]:
    """The subject and the scene of one class of violation (`tests.reports.simulated`)."""
    judged = simulated.judged(name)
    assert judged.about.explanation is not None
    subject = Subject.of_explanation(judged.about.explanation)
    assert subject is not None
    found = scene(judged.recording, subject)
    assert found is not None
    return subject, found


def drawn(found: Scene) -> ElementTree.Element:
    return ElementTree.fromstring(str(picture(found, "p").svg))


def words(svg: ElementTree.Element) -> str:
    return " ".join(svg.itertext())


def event(seq: int, at: int, name: str, node: str, term: int = 1, **more: object) -> TraceEvent:
    return TraceEvent(seq, at, name, term, "follower", 0, 0, 0, node=node, life=1, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OF_CLASS)
def test_each_class_of_violation_has_a_picture_that_fits_the_screen_and_shows_what_is_named(
    name: str,
) -> None:
    judged = simulated.judged(name)
    subject, found = scene_of_class(name)
    svg = drawn(found)
    assert float(svg.attrib["width"]) == WIDTH
    assert float(svg.attrib["height"]) <= TALLEST
    shown = words(svg)
    spans = Spans.of(judged.recording.history)
    clients = [spans.span(at) for at in map(spans.position, subject.operations) if at is not None]
    for span in [one for one in clients if not one.is_nemesis][-5:]:
        assert f"{span.index} {span.f}" in shown
    wrong = {(one.node, one.life, one.seq) for one in subject.wrong}
    crossed = [moment for moment in found.moments if moment.is_wrong]
    assert len(crossed) == len(wrong)
    assert subject.title[:60] in shown


def test_the_order_of_instants_is_exact_and_a_long_pause_is_marked_and_drawn_short() -> None:
    times = [0, 10, 1 * MS, 2 * MS, 30 * S]
    axis = CondensedTime(times, 0, 400)
    assert all(before < after for before, after in pairwise(axis.places))
    assert axis.places[-1] == 400
    assert [pause for _, _, pause in axis.pauses] == [30 * S - 2 * MS]
    assert axis(15 * S) < 400


def test_two_events_of_one_node_at_one_instant_are_one_mark() -> None:
    events = (
        event(1, 5, "term", "n1", 2),
        event(2, 5, "vote", "n1", 2, vote="n2"),
        event(3, 5, "role", "n1", 2),
        event(4, 9, "vote", "n1", 2, vote="n3"),
    )
    recording = Recording(
        ("n1",), History([]), {"n1": NodeTrace("n1", events)}, options={"monotonic_start_ns": 0}
    )
    evidence = Evidence("twice", "", events=(EventRef("n1", 1, 2), EventRef("n1", 1, 4)))
    marks = TraceMarks(recording)
    focus = Focus.of(Subject.of_evidence(evidence), Spans.of(recording.history), marks)
    assert focus is not None
    chosen, _ = moments(recording, marks, focus, {})
    assert [(one.at, one.words) for one in chosen] == [
        (5, "votes for n2, term 2"),
        (9, "votes for n3, term 2"),
    ]


def operations() -> History:
    return History(
        [
            Operation(0, 5 * MS, 0, "invoke", "register", "svc", "r1", node="n1"),
            Operation(1, 9 * MS, 0, "ok", "register", "svc", "r1", node="n1", raft_index=2),
            Operation(2, 12 * MS, 1, "invoke", "lookup", "svc", node="n2"),
            Operation(3, 20 * MS, 1, "ok", "lookup", "svc", None, node="n2"),
        ]
    )


def test_a_system_without_traces_gets_its_clients_and_says_so() -> None:
    found = scene(Recording(("n1", "n2"), operations()), Evidence("lost", "it was", operations=(0, 2)))
    assert found is not None
    assert found.nodes == ()
    assert "left no trace" in " ".join(found.notes)
    assert "0 register r1" in words(drawn(found))
    assert "2 lookup" in words(drawn(found))


def test_evidence_that_names_nothing_has_no_picture() -> None:
    assert scene(Recording(("n1",), operations()), Evidence("lost", "it was")) is None
    assert scene(Recording(("n1",), History([])), Evidence("lost", "it was", operations=(7,))) is None


def test_of_a_large_cluster_the_nodes_that_take_part_have_lanes() -> None:
    nodes = tuple(f"n{number}" for number in range(1, 30))
    traces = {node: NodeTrace(node, (event(1, 1, "term", node),)) for node in nodes}
    traces["n28"] = NodeTrace("n28", (event(1, 1, "restart", "n28"), event(2, 6 * MS, "role", "n28")))
    recording = Recording(nodes, operations(), traces, options={"monotonic_start_ns": 0})
    found = scene(recording, Evidence("x", "", (0,), (EventRef("n28", 1, 2),), ("n28",)))
    assert found is not None
    assert len(found.nodes) == MOST_LANES
    assert "n28" in found.nodes
    assert "22 more nodes are not drawn." in found.notes


def split_logs() -> Recording:
    def appended(node: str, seq: int, at: int, *entries: TraceEntry) -> TraceEvent:
        return event(seq, at, "append", node, entries=entries)

    first = TraceEntry(1, 1, "aa")
    traces = {
        "n1": (appended("n1", 1, 6 * MS, first, TraceEntry(2, 1, "bb", "0")),),
        "n2": (appended("n2", 1, 6 * MS, first), appended("n2", 2, 7 * MS, TraceEntry(2, 2, "cc"))),
        "n3": (
            appended("n3", 1, 6 * MS, first, TraceEntry(2, 1, "bb", "0")),
            event(2, 8 * MS, "truncate", "n3", index=2),
            appended("n3", 3, 9 * MS, TraceEntry(2, 2, "cc")),
            event(4, 99 * MS, "truncate", "n3", index=1),
        ),
    }
    return Recording(
        ("n1", "n2", "n3"),
        operations(),
        {node: NodeTrace(node, events) for node, events in traces.items()},
        options={"monotonic_start_ns": 0},
    )


def logs(recording: Recording, evidence: Evidence) -> LogTable | None:
    spans, marks = Spans.of(recording.history), TraceMarks(recording)
    focus = Focus.of(Subject.of_evidence(evidence), spans, marks)
    assert focus is not None
    return log_table(recording, spans, marks, focus)


def test_the_logs_stand_next_to_one_another_and_what_differs_is_marked() -> None:
    table = logs(split_logs(), Evidence("lost", "", operations=(0, 2)))
    assert table is not None
    assert table.is_split
    rows = dict(table.rows)
    assert [cell.differs for cell in rows[1]] == [False, False, False]
    assert [cell.differs for cell in rows[2]] == [True, False, False]
    assert [cell.term for cell in rows[2]] == [1, 2, 2]
    assert rows[2][0].command == "register svc r1"
    assert rows[2][0].operation == 0


def test_without_traces_there_are_no_logs_to_show() -> None:
    bare = msgspec.structs.replace(split_logs(), traces={})
    assert logs(bare, Evidence("lost", "", operations=(0,))) is None
