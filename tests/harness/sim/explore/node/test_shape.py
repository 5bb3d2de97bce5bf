"""Two nodes of one shape do the same: the claim on which everything else here rests."""

from __future__ import annotations

import copy
from collections import defaultdict

import pytest

from harness.sim.explore.node import shape
from harness.sim.explore.node.copying import copied
from harness.sim.explore.node.member import Member, happens
from harness.sim.explore.node.shape import renamed, shape_of
from harness.sim.explore.scope import Scope
from harness.sim.explore.space import Space, State, StepOutcome
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.followers import Followers
from node_impl.core.raft.reads import ReadRounds

SCOPES = [
    Scope(nodes=2, elections=2, proposals=1, crashes=1, heartbeats=1),
    Scope(nodes=2, elections=2, proposals=1, reads=1, checks=1, pre_vote=False, disk="any"),
    Scope(nodes=3, elections=1, proposals=1, pre_vote=False),
    Scope(
        nodes=2,
        elections=1,
        proposals=0,
        crashes=1,
        heartbeats=1,
        reads=1,
        lease_ticks=3,
        pre_vote=False,
        start="led",
    ),
    Scope(nodes=2, elections=1, proposals=2, repeats=1, pairs=1, snapshots=1, crashes=1, pre_vote=False),
]


class Twins(Space):
    """Keeps other nodes of each shape too, that came about in other ways."""

    def __init__(self, scope: Scope, parts: Parts = DEFAULT_PARTS) -> None:
        self.twins: dict[int, list[Member]] = defaultdict(list)
        super().__init__(scope, parts, symmetry=False)

    def _number(self, member: Member) -> int:
        number = super()._number(member)
        if len(self.twins[number]) < 4:
            self.twins[number].append(member)
        return number


def explored_twins(scope: Scope, most: int) -> Twins:
    space = Twins(scope)
    known, waiting = {space.first}, [space.first]
    for state in waiting:
        for move, left in space.moves(state):
            after = space.after(state, move, left)
            if isinstance(after, State) and after not in known and len(known) < most:
                known.add(after)
                waiting.append(after)
    return space


def disagreements(space: Twins) -> list[str]:
    """Nodes of one shape that an event makes different, or has say different things."""
    found = []
    for (node, number), outcome in tuple(space._outcomes.items()):
        for twin in space.twins[node]:
            other: StepOutcome = space._in_numbers(happens(twin, space.events[number]))
            if other != outcome:
                found.append(f"{space.events[number]}: {outcome} and {other}")
    return found


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.in_words())
def test_nodes_of_one_shape_answer_every_event_alike_however_they_came_about(scope: Scope) -> None:
    space = explored_twins(scope, most=4000)
    assert sum(len(twins) > 1 for twins in space.twins.values()) > 20
    assert disagreements(space) == []


@pytest.mark.parametrize(
    ("owner", "attributes", "scope"),
    [
        (Followers, ("by_name",), SCOPES[1]),
        (ReadRounds, ("number", "_waiting", "_open", "confirmed"), SCOPES[1]),
        (Elections, ("is_pre_candidate",), SCOPES[0]),
    ],
)
def test_a_shape_that_left_out_something_that_matters_would_be_caught(
    owner: type, attributes: tuple[str, ...], scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out = {**shape.LEFT_OUT, owner: shape.LEFT_OUT.get(owner, frozenset()) | {*attributes}}
    monkeypatch.setattr(shape, "LEFT_OUT", left_out)
    assert disagreements(explored_twins(scope, most=2500))


def test_what_holds_nothing_that_is_known_has_no_shape_rather_than_an_empty_one() -> None:
    with pytest.raises(TypeError, match="nothing is known"):
        shape_of(object())
    with pytest.raises(TypeError, match="not known"):
        copied(object())


def test_what_somebody_adds_to_a_core_counts_without_being_named() -> None:
    class Remembers(Elections):
        heartbeats_seen = 0

    space = Space(SCOPES[0], Parts(elections=Remembers))
    member = space.nodes.things[space.first.nodes[0]]
    before = shape_of(member.core)
    core = copied(member.core)
    assert shape_of(core) == before
    core.elections.heartbeats_seen = 1  # type: ignore[attr-defined]
    assert shape_of(core) != before


def test_a_copy_is_as_deep_as_it_has_to_be_and_an_event_leaves_the_node_as_it_was() -> None:
    space = explored_twins(SCOPES[1], most=1500)
    shapes = {number: member.shape(quorum_is_checked=True) for number, member in space.nodes.things.items()}
    for node, number in tuple(space._outcomes):
        happens(space.nodes.things[node], space.events[number])
    for number, member in space.nodes.things.items():
        assert member.shape(quorum_is_checked=True) == shapes[number]
        assert shape_of(copied(member.core)) == shape_of(copy.deepcopy(member.core)) == shape_of(member.core)


def test_renaming_back_gives_the_same_shape() -> None:
    space = explored_twins(SCOPES[0], most=500)
    there = {"n1": "n2", "n2": "n1"}
    for member in space.nodes.things.values():
        one = member.shape(quorum_is_checked=False)
        assert renamed(renamed(one, there), there) == one
        assert renamed(one, there) != one
