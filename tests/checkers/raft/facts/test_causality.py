"""The slice of events before a violation holds exactly what happened before it."""

from __future__ import annotations

import networkx as nx

from checkers.raft.facts.causality import happened_before, in_causal_order, ref_of
from checkers.verdict import EventRef
from history import NodeTrace, TraceEvent


def trace(node: str, *lines: tuple[str, str | None]) -> NodeTrace:
    """A node's events by name, each with the id of its message."""
    events = tuple(
        TraceEvent(seq, seq, name, 1, "follower", 0, 0, 0, message_id=message, node=node, life=1)  # type: ignore[arg-type]
        for seq, (name, message) in enumerate(lines, start=1)
    )
    return NodeTrace(node, events)


TRACES = {
    "a": trace("a", ("restart", None), ("send", "m1"), ("commit", None), ("send", "m2")),
    "b": trace("b", ("restart", None), ("receive", "m1"), ("send", "m3"), ("commit", None)),
    "c": trace("c", ("receive", "m3"), ("acknowledge", None), ("receive", "m2"), ("stop", None)),
}
ACKNOWLEDGED = EventRef("c", 1, 2)


def test_a_slice_follows_messages_back_and_leaves_out_what_came_later_or_beside() -> None:
    found = happened_before(TRACES, [ACKNOWLEDGED])
    assert set(found.nodes) == {
        EventRef(*place)
        for place in (
            ("a", 1, 1),
            ("a", 1, 2),
            ("b", 1, 1),
            ("b", 1, 2),
            ("b", 1, 3),
            ("c", 1, 1),
            ("c", 1, 2),
        )
    }
    kinds = nx.get_edge_attributes(found, "kind")
    assert kinds[EventRef("a", 1, 2), EventRef("b", 1, 2)] == "message"
    assert kinds[EventRef("b", 1, 3), EventRef("c", 1, 1)] == "message"
    assert sorted(kinds.values()) == ["message", "message", "next", "next", "next", "next"]


def test_events_come_in_causal_order() -> None:
    order = [ref_of(event) for event in in_causal_order(happened_before(TRACES, [ACKNOWLEDGED]))]
    assert order[-1] == ACKNOWLEDGED
    assert order.index(EventRef("a", 1, 2)) < order.index(EventRef("b", 1, 2))
    assert order.index(EventRef("b", 1, 3)) < order.index(EventRef("c", 1, 1))


def test_only_the_latest_events_of_each_node_are_kept() -> None:
    found = happened_before(TRACES, [ACKNOWLEDGED], most_each=1)
    assert set(found.nodes) == {ACKNOWLEDGED}
    two = happened_before(TRACES, [ACKNOWLEDGED], most_each=2)
    assert EventRef("b", 1, 3) in two
    assert EventRef("b", 1, 1) not in two


def test_several_events_share_one_slice_also_a_send() -> None:
    found = happened_before(TRACES, [EventRef("b", 1, 4), EventRef("a", 1, 4)])
    assert EventRef("a", 1, 3) in found
    assert not any(ref.node == "c" for ref in found)


def test_an_event_that_no_trace_has_rests_on_nothing() -> None:
    assert len(happened_before(TRACES, [EventRef("z", 1, 1)])) == 0
