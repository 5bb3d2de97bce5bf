from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.nemesis.action import Link
from harness.nemesis.faults.network.partition import Cut, Heal, PartitionPlanner
from harness.nemesis.faults.network.shapes import SHAPES
from harness.nemesis.targets import TargetError
from harness.nemesis.view import ClusterView
from tests.harness.nemesis.views import draws, invocation, sizes, view

PLANNER = PartitionPlanner()


def cut(shape: str, cluster: ClusterView, draw: int) -> set[Link]:
    """The links that a shape cuts."""
    actions = PLANNER.plan(invocation("partition", shape), cluster, draw)
    if not actions:
        return set()
    (action,) = actions
    assert isinstance(action, Cut)
    assert len(set(action.links)) == len(action.links), "a link is named once"
    return set(action.links)


def heard_by(name: str, cluster: ClusterView, links: set[Link]) -> frozenset[str]:
    return frozenset(other for other in cluster.nodes if other == name or (other, name) not in links)


def sides(cluster: ClusterView, links: set[Link]) -> set[frozenset[str]]:
    return {heard_by(name, cluster, links) for name in cluster.nodes}


@given(shape=st.sampled_from(sorted(SHAPES)), size=sizes, draw=draws, led=st.booleans())
def test_every_shape_cuts_links_between_different_nodes_and_repeats_its_choice(
    shape: str, size: int, draw: int, led: bool
) -> None:
    cluster = view(size, leader="n1" if led else None)
    links = cut(shape, cluster, draw)
    assert all(a != b and a in cluster.nodes and b in cluster.nodes for a, b in links)
    assert links == cut(shape, cluster, draw)


@given(shape=st.sampled_from(["halves", "random-halves"]), size=sizes, draw=draws)
def test_halves_are_two_sides_of_all_nodes_whose_sizes_differ_by_at_most_one(
    shape: str, size: int, draw: int
) -> None:
    cluster = view(size)
    links = cut(shape, cluster, draw)
    left, right = sides(cluster, links)
    assert left | right == set(cluster.nodes)
    assert not left & right
    assert abs(len(left) - len(right)) <= 1
    assert links == {(b, a) for a, b in links}, "both ways"


@given(size=sizes, draw=draws)
def test_isolating_one_leaves_the_others_connected(size: int, draw: int) -> None:
    cluster = view(size)
    assert sorted(len(side) for side in sides(cluster, cut("isolate-one", cluster, draw))) in (
        [1],  # of two nodes, each is alone
        [1, size - 1],
    )


@given(size=sizes, draw=draws, leader=st.integers(1, 9))
def test_isolating_the_leader_isolates_the_leader(size: int, draw: int, leader: int) -> None:
    name = f"n{(leader - 1) % size + 1}"
    cluster = view(size, leader=name)
    assert heard_by(name, cluster, cut("isolate-leader", cluster, draw)) == {name}


@given(size=sizes, draw=draws)
def test_isolating_the_leader_isolates_some_node_while_there_is_none(size: int, draw: int) -> None:
    cluster = view(size)
    links = cut("isolate-leader", cluster, draw)
    assert any(heard_by(name, cluster, links) == {name} for name in cluster.nodes)


@given(size=st.integers(3, 9), draw=draws)
def test_in_a_ring_of_majorities_every_node_hears_another_majority(size: int, draw: int) -> None:
    cluster = view(size)
    links = cut("majorities-ring", cluster, draw)
    heard = [heard_by(name, cluster, links) for name in cluster.nodes]
    assert all(len(majority) == cluster.majority() for majority in heard)
    assert len(set(heard)) == size
    if cluster.majority() % 2:
        assert links == {(b, a) for a, b in links}, "both ways, where that can be"


def test_two_nodes_have_no_ring_of_majorities() -> None:
    assert cut("majorities-ring", view(2), 0) == set()


@given(size=st.integers(3, 9), draw=draws)
def test_over_a_bridge_one_node_hears_all_and_the_sides_hear_only_it(size: int, draw: int) -> None:
    cluster = view(size)
    links = cut("bridge", cluster, draw)
    middle = [name for name in cluster.nodes if heard_by(name, cluster, links) == set(cluster.nodes)]
    assert len(middle) == 1
    left, right = (side - set(middle) for side in sides(cluster, links) if side != set(cluster.nodes))
    assert not left & right
    assert abs(len(left) - len(right)) <= 1


@given(size=sizes, draw=draws)
def test_a_one_way_cut_leaves_the_other_direction_whole(size: int, draw: int) -> None:
    cluster = view(size, leader="n1")
    links = cut("one-way", cluster, draw)
    assert links
    assert not links & {(b, a) for a, b in links}
    heard, deaf = {a for a, _ in links}, {b for _, b in links}
    assert not heard & deaf
    assert len(links) == len(heard) * len(deaf)


def test_a_one_way_cut_makes_leaders_deaf_and_mute() -> None:
    leader_side = {frozenset(cut("one-way", view(5, leader="n1"), draw)) for draw in range(200)}
    others = [f"n{number}" for number in range(2, 6)]
    assert frozenset((name, "n1") for name in others) in leader_side
    assert frozenset(("n1", name) for name in others) in leader_side


def test_heal_heals() -> None:
    assert PLANNER.plan(invocation("heal"), view(3), 0) == (Heal(),)


def test_an_unknown_shape_is_refused_with_all_there_are() -> None:
    with pytest.raises(TargetError, match="no partition is called 'thirds'; there are isolate-leader"):
        PLANNER.plan(invocation("partition", "thirds"), view(3), 0)


@given(size=sizes, draw=draws)
def test_in_a_stochastic_ring_every_node_hears_a_majority_and_no_more(size: int, draw: int) -> None:
    cluster = view(size)
    links = cut("stochastic-majorities-ring", cluster, draw)
    if size < 3:
        assert links == set()
    else:
        assert {len(heard_by(name, cluster, links)) for name in cluster.nodes} == {cluster.majority()}


@given(size=sizes, draw=draws)
def test_an_isolated_minority_leaves_a_majority_connected(size: int, draw: int) -> None:
    cluster = view(size)
    found = sorted(len(side) for side in sides(cluster, cut("isolate-minority", cluster, draw)))
    lonely = size - cluster.majority()
    links = cut("isolate-minority", cluster, draw)
    alone = [name for name in cluster.nodes if heard_by(name, cluster, links) == {name}]
    assert len(alone) >= lonely
    assert found[-1] == cluster.majority()


def test_a_grid_is_any_set_of_links() -> None:
    cluster = view(5)
    found = [cut("grid", cluster, draw) for draw in range(50)]
    assert len({frozenset(links) for links in found}) > 40
    assert any((b, a) not in links for links in found for a, b in links), "also one way"
    assert min(map(len, found)) < 5 < 10 < max(map(len, found))
