"""The states of the links follow what the nemesis cut and healed, and each is drawn as the graph it was."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import pytest

from harness.nemesis.catalogue import kinds_of
from history import History, Operation
from history.units import SECOND_NS as S
from reports.moment.graph import RADIUS, Point, laid_out, partition_graph
from reports.moment.partitions import Partition, partitions
from reports.spans import Spans

FIVE = ("n1", "n2", "n3", "n4", "n5")
KINDS = kinds_of(("partition", "loss"))


def acted(index: int, at: int, f: str, *actions: dict[str, Any]) -> list[Operation]:
    """A nemesis operation that took a second."""
    value = {"leader": "n1", "term": 1, "actions": list(actions)}
    return [
        Operation(index, at * S, -1, "invoke", f),
        Operation(index + 1, (at + 1) * S, -1, "info", f, None, value),
    ]


def cut(*links: tuple[str, str], effect: bool | None = True, **details: Any) -> dict[str, Any]:
    return {"kind": "Cut", "links": [list(link) for link in links], "took_effect": effect, "details": details}


def heal(error: str | None = None) -> dict[str, Any]:
    return {"kind": "Heal", "took_effect": error is None, "error": error}


def found(*operations: list[Operation]) -> list[Partition]:
    history = History([one for pair in operations for one in pair])
    return partitions(Spans.of(history).nemesis(), FIVE, 100 * S, KINDS)


def between(one: tuple[str, ...], other: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(a, b) for a in one for b in other] + [(b, a) for a in one for b in other]


def test_a_partition_lasts_from_the_cut_to_the_heal_and_says_who_could_lead() -> None:
    [one] = found(
        acted(0, 1, "partition", cut(*between(("n1", "n2"), ("n3", "n4", "n5")))), acted(2, 5, "heal", heal())
    )
    assert (one.begin, one.end, one.operation, one.leader) == (1 * S, 6 * S, 0, "n1")
    assert one.left.reach_majority == ("n3", "n4", "n5")
    assert one.cannot_lead == ("n1", "n2")


def test_cuts_add_up_and_each_is_a_state_of_its_own() -> None:
    first, second = found(
        acted(0, 1, "partition", cut(("n1", "n2"), ("n2", "n1"))),
        acted(2, 3, "partition", cut(("n1", "n3"))),
    )
    assert (first.end, len(first.cut)) == (3 * S, 2)
    assert (second.end, len(second.cut)) == (100 * S, 3)
    assert second.left.one_way == (("n3", "n1"),)


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("partition", cut(("n1", "n2"), effect=False)),
        ("partition", {**cut(("n1", "n2")), "error": "no such link"}),
        ("partition", cut(("n1", "n9"))),
        ("loss", {**cut(("n1", "n2")), "kind": "Lose"}),
        ("kill", {"kind": "Kill", "nodes": ["n1"], "took_effect": True}),
    ],
)
def test_what_cut_nothing_between_the_nodes_is_no_partition(operation: str, action: dict[str, Any]) -> None:
    assert found(acted(0, 1, operation, action)) == []


def test_links_stay_cut_after_a_heal_that_failed() -> None:
    [one] = found(
        acted(0, 1, "partition", cut(("n1", "n2"))), acted(2, 5, "heal", heal(error="the host is gone"))
    )
    assert one.end == 100 * S


def test_a_cut_of_unknown_effect_is_drawn_and_says_so() -> None:
    [one] = found(acted(0, 1, "partition", cut(("n1", "n2"), effect=None)), acted(2, 3, "final-heal", heal()))
    assert not one.is_known
    assert one.end == 4 * S


def state(*links: tuple[str, str]) -> Partition:
    return Partition(FIVE, frozenset(links), 0, S, 7, None, is_known=True)


def test_a_picture_has_every_node_and_every_kind_of_link() -> None:
    svg = partition_graph(state(*between(("n1",), ("n2", "n3")), ("n4", "n1")), "p")
    assert svg is not None
    assert svg.count('class="link-cut"') == 2
    assert svg.count('class="link-one-way"') == 1
    assert svg.count('class="link-whole"') == 7
    assert svg.count('class="cannot-lead"') == 1
    assert "n1 could not reach a majority." in svg


@pytest.mark.parametrize("alone", [("n3",), ("n1", "n2"), ("n1", "n3", "n5"), FIVE[:4]])
def test_no_line_passes_behind_a_node_of_another(alone: tuple[str, ...]) -> None:
    rest = tuple(node for node in FIVE if node not in alone)
    places, width, height = laid_out(state(*between(alone, rest)))
    assert set(places) == set(FIVE)
    assert all(0 < x < width and 0 < y < height for x, y in places.values())
    for a, b in combinations(FIVE, 2):
        for node in set(FIVE) - {a, b}:
            assert from_line(places[a], places[b], places[node]) > RADIUS, (a, b, node)


def from_line(one: Point, other: Point, place: Point) -> float:
    """How near the points of a line come to a place."""
    (x1, y1), (x2, y2), (x, y) = one, other, place
    steps = [step / 200 for step in range(201)]
    return min(math.hypot(x1 + (x2 - x1) * s - x, y1 + (y2 - y1) * s - y) for s in steps)


def test_the_middle_of_a_bridge_lies_between_the_halves_that_it_connects() -> None:
    bridge = state(*between(("n1", "n2"), ("n4", "n5")))
    assert bridge.left.connectors == ("n3",)
    places, _, _ = laid_out(bridge)
    ends = [[places[node] for node in half] for half in (("n1", "n2"), ("n4", "n5"))]
    middles = [(sum(x for x, _ in half) / 2, sum(y for _, y in half) / 2) for half in ends]
    (x1, y1), (x2, y2) = middles
    x, y = places["n3"]
    assert min(x1, x2) - 8 <= x <= max(x1, x2) + 8
    assert min(y1, y2) - 8 <= y <= max(y1, y2) + 8


def test_of_a_cluster_too_large_for_a_picture_only_the_words_are_shown() -> None:
    many = tuple(f"n{number}" for number in range(30))
    one = Partition(many, frozenset({("n1", "n2")}), 0, S, 7, None, is_known=True)
    assert partition_graph(one, "p") is None
    assert len(one.left.reach_majority) == 30
