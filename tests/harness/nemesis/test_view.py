"""What a view of the cluster says of its leader."""

from __future__ import annotations

import pytest

from harness.nemesis.view import ClusterView, NodeView


def named(leader: str | None, term: int, *, leads: bool = False) -> NodeView:
    return NodeView(running=True, role="leader" if leads else "follower", term=term, leader=leader)


@pytest.mark.parametrize(
    ("nodes", "agreed"),
    [
        ((named("n1", 3, leads=True), named("n1", 3), named(None, 3)), "n1"),
        ((named("n1", 3, leads=True), named(None, 3), named(None, 3)), None),
        ((named("n1", 3, leads=True), named("n1", 2), named("n1", 2)), None),
        ((NodeView(running=False), named("n1", 3), named("n1", 3)), None),
        ((named("n1", 3, leads=True), named("n2", 4, leads=True), named("n2", 4)), "n2"),
    ],
    ids=["a majority", "no majority", "of another term", "the leader is down", "a deposed leader"],
)
def test_a_leader_is_agreed_on_once_a_majority_names_it_itself_included(
    nodes: tuple[NodeView, ...], agreed: str | None
) -> None:
    view = ClusterView({f"n{number}": node for number, node in enumerate(nodes, start=1)})
    assert view.agreed_leader() == agreed
