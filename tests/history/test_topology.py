"""The topology that cut links leave, compared with the shapes of partitions and with counting by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.generator.draw import Draw
from harness.nemesis.action import Link
from harness.nemesis.faults.network.shapes import SHAPES, between
from history.topology import topology
from tests.harness.nemesis.views import draws, view

FIVE = ("n1", "n2", "n3", "n4", "n5")


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (between(FIVE[:2], FIVE[2:]), "n1, n2 | n3, n4, n5 (majority)"),
        (between(("n3",), ("n1", "n2", "n4", "n5")), "n3 | n1, n2, n4, n5 (majority)"),
        (between(FIVE[:2], FIVE[3:]), "n1, n2, n3, n4, n5 (majority); connected by n3"),
        ((("n1", "n2"),), "n1, n2, n3, n4, n5 (majority); one way: n2→n1"),
        (
            tuple((a, b) for a in FIVE for b in FIVE if a != b),
            "n1 | n2 | n3 | n4 | n5",
        ),
        (
            between(("n1",), FIVE[1:]) + between(("n2",), ("n4", "n5")),
            "n1 | n2, n3, n4, n5 (majority: n3, n4, n5); connected by n3",
        ),
        ((), "n1, n2, n3, n4, n5 (majority)"),
    ],
    ids=["halves", "isolated", "bridge", "one way", "nothing passes", "chain", "whole"],
)
def test_a_topology_in_words(cut: tuple[Link, ...], words: str) -> None:
    assert topology(FIVE, cut).words() == words


@given(draw=draws, target=st.sampled_from(sorted(SHAPES)), size=st.integers(3, 7))
def test_a_topology_is_what_counting_finds(draw: int, target: str, size: int) -> None:
    cluster = view(size, leader="n2")
    nodes = tuple(cluster.nodes)
    cut = set(SHAPES[target](cluster, Draw(draw)))
    found = topology(nodes, cut)
    assert sorted(node for group in found.groups for node in group) == sorted(nodes)
    peers = {a: {b for b in nodes if a != b and not {(a, b), (b, a)} & cut} for a in nodes}
    assert set(found.reach_majority) == {a for a in nodes if len(peers[a]) + 1 >= cluster.majority()}
    for group in found.groups:
        assert all(peers[node] <= set(group) for node in group)
    if target == "isolate-leader":
        assert found.groups == (("n2",), tuple(node for node in nodes if node != "n2"))
    if target == "majorities-ring":
        hears = {b: {a for a in nodes if a != b and (a, b) not in cut} for b in nodes}
        assert all(len(heard) + 1 >= cluster.majority() for heard in hears.values())
    if target == "bridge" and size >= 5:
        assert len(found.connectors) == 1
