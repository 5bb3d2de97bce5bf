"""Random walks: they find what lies deep, by steps that are real and needed, and they prove nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from harness.mutants.catalogue import MUTANTS
from harness.sim.explore import walks
from harness.sim.explore.command import SearchBounds, explore, show
from harness.sim.explore.counterexample import walk
from harness.sim.explore.node.steps import Sync, TimeOut
from harness.sim.explore.scope import Scope
from harness.sim.explore.search import PathStep, SearchProgress, SearchResult
from harness.sim.explore.space import NotDead, Space, State
from harness.sim.explore.walks import _Walks, least_shared, walk_at_random
from node_impl.core.build import DEFAULT_PARTS, Parts

INSTALL = Scope(elections=1, proposals=1, snapshots=1, duplicates=1, heartbeats=1, pre_vote=False)
OVERLAP = Scope(elections=2, proposals=0, changes=2, pre_vote=False)
WIDE = Scope(
    nodes=4,
    voters=3,
    elections=3,
    proposals=2,
    crashes=2,
    heartbeats=2,
    checks=1,
    duplicates=1,
    reads=1,
    changes=3,
    transfers=1,
    snapshots=1,
    disk="any",
)


def walked(scope: Scope, parts: Parts = DEFAULT_PARTS, *, seed: int = 1, most: int = 20_000) -> SearchResult:
    """What walks come to within about `most` steps."""

    def enough(seen: SearchProgress) -> str | None:
        return "enough" if seen.steps >= most else None

    try:
        return walk_at_random(Space(scope, parts), seed, enough)
    except NotDead:
        return walk_at_random(Space(scope, parts, keep_dead=True), seed, enough)


def taken(scope: Scope, parts: Parts, path: Sequence[PathStep]) -> str | None:
    """What these steps break, if each of them may happen where it stands."""
    space = Space(scope, parts)
    state = space.first
    for step in path:
        possible = {(space.events[move.event], move.again): (move, left) for move, left in space.moves(state)}
        if (step.event, step.again) not in possible:
            return None
        after = space.after(state, *possible[step.event, step.again])
        if isinstance(after, str):
            return after
        wrong = space.wrong_in(after)
        if wrong is not None:
            return wrong
        state = after
    return None


@pytest.mark.parametrize(
    ("mutant", "scope", "invariant"),
    [
        ("install-over-newer-state", INSTALL, "commit-monotonic"),
        ("changes-overlap", OVERLAP, "leader-completeness"),
    ],
)
def test_a_bug_that_a_search_of_every_state_takes_minutes_for_is_found(
    mutant: str, scope: Scope, invariant: str
) -> None:
    parts = MUTANTS[mutant].parts
    found = walked(scope, parts)
    assert (found.outcome, str(found.why).partition(":")[0]) == ("violation", invariant)
    assert walk(scope, parts, found.path).violation == found.why
    assert taken(scope, parts, found.path) == found.why
    for place in range(len(found.path)):
        without = (*found.path[:place], *found.path[place + 1 :])
        assert not str(taken(scope, parts, without)).startswith(invariant), (
            f"step {place + 1} can be left out"
        )


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [3, 4])
def test_figure_8_is_found_from_empty_disks(seed: int) -> None:
    """Raft's Figure 8, in some 36 steps; 37,543 steps of walks with seed 3."""
    scope = Scope(elections=5, proposals=0, batch=1, pre_vote=False)
    found = walked(scope, MUTANTS["commit-earlier-terms"].parts, seed=seed, most=2_000_000)
    assert found.outcome == "violation"
    assert found.elected >= 3


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [11, 12])
def test_the_bug_of_2015_in_membership_changes_is_found_from_empty_disks(seed: int) -> None:
    """Two leaders each change one voter of one configuration; 10,529 steps of walks with seed 11."""
    scope = Scope(nodes=4, elections=3, proposals=0, changes=2, pre_vote=False)
    found = walked(scope, MUTANTS["change-before-own-commit"].parts, seed=seed, most=1_000_000)
    assert str(found.why).startswith("leader-completeness: ")


@pytest.mark.parametrize(
    ("configurations", "shared"),
    [
        (["abc"], 1),
        (["abcd"], 2),
        (["abcd", "abc"], 1),
        (["abc", "bcd"], 0),
        (["abc", "abcde"], 0),
        (["ab", "cd"], 0),
        (["a", "b"], 0),
    ],
)
def test_the_least_that_majorities_share(configurations: list[str], shared: int) -> None:
    assert least_shared([tuple(one) for one in configurations]) == shared


def test_states_that_differ_in_names_and_wasted_elections_have_one_outline() -> None:
    space = Space(Scope(nodes=4, elections=2, proposals=0, changes=2, pre_vote=False))
    walking = _Walks(space, 1, lambda _seen: "enough")

    def after_time_outs(*names: str) -> State:
        state = space.first
        for name in names:
            for event in (TimeOut(name), Sync(name, 1)):
                move, left = next(
                    (move, left)
                    for move, left in space.moves(state)
                    if space.events[move.event] == event and not move.again
                )
                after = space.after(state, move, left)
                assert isinstance(after, State)
                state = after
        return state

    once, other, twice = after_time_outs("n1"), after_time_outs("n3"), after_time_outs("n1", "n1")
    assert walking._outline(once) == walking._outline(other) == walking._outline(twice)
    assert walking._outline(once) != walking._outline(space.first)


@pytest.mark.parametrize("scope", [INSTALL, OVERLAP, WIDE], ids=["snapshots", "changes", "everything"])
def test_the_core_breaks_nothing_and_that_proves_nothing(scope: Scope) -> None:
    found = walked(scope, most=6_000)
    assert (found.outcome, found.path) == ("unknown", ())
    assert found.elected
    assert found.committed
    assert found.walks > 1


def test_the_same_seed_takes_the_same_walks_and_another_one_others() -> None:
    one, again, other = (walked(INSTALL, seed=seed, most=2_000) for seed in (5, 5, 6))
    assert one == again
    assert one.seen != other.seen


def test_where_nothing_can_happen_the_walks_end_at_once() -> None:
    found = explore(Scope(elections=0, crashes=0), None, SearchBounds(), walks_seed=1, quiet=True)
    assert (found.found.outcome, found.found.why) == ("unknown", "nothing can happen in this scope")


@pytest.mark.parametrize("least", [1, 400])
def test_walks_that_meet_nothing_new_end(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "LEAST_IN_VAIN", least)
    small = Scope(elections=1, proposals=0, crashes=0)
    found = explore(small, "vote-twice", SearchBounds(), walks_seed=1, quiet=True).found
    assert found.outcome == "unknown"
    assert found.why is not None
    in_vain = int(found.why.removeprefix("the last ").partition(" walks met nothing new")[0])
    met_the_last = found.walks - in_vain
    assert met_the_last > 1
    assert in_vain == max(least, walks.TIMES_IN_VAIN * met_the_last)
    assert found.seen.states < 100


def test_a_violation_is_shown_with_walks_and_outlines(capsys: pytest.CaptureFixture[str]) -> None:
    found = explore(INSTALL, "install-over-newer-state", SearchBounds(), walks_seed=1, quiet=True)
    show(found, None)
    printed = capsys.readouterr().out
    assert "walks by chance" in printed
    assert "commit-monotonic" in printed
    assert msgspec.to_builtins(found)["found"]["walks"] == found.found.walks > 0
