"""Writes that arrive again, explored with the node's own state machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.sim.explore.command import SearchBounds, explore, replayed
from harness.sim.explore.counterexample import parts_of, walk
from harness.sim.explore.scope import Scope
from harness.sim.explore.search import search
from harness.sim.explore.space import Space
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.registry.sessions import Sessions

BOUNDS = SearchBounds(seconds=100)
REPEAT = Scope(nodes=2, proposals=1, repeats=1, pre_vote=False)
LATE = Scope(nodes=2, proposals=2, repeats=1, pre_vote=False)
FORGOTTEN = Scope(nodes=2, proposals=2, repeats=1, clients=2, pre_vote=False)
RESTORED = Scope(nodes=2, proposals=1, repeats=1, snapshots=1, crashes=1, pre_vote=False)


@pytest.mark.parametrize("scope", [REPEAT, LATE, FORGOTTEN], ids=["repeat", "late", "forgotten"])
def test_the_correct_state_machine_is_verified(scope: Scope) -> None:
    explored = explore(scope, None, BOUNDS, quiet=True)
    assert explored.found.outcome == "verified"
    assert "is_repeated" not in explored.unasked["sessions"]
    assert ("is_passed" in explored.unasked["sessions"]) is (scope is not LATE)
    assert ("_expired" in explored.unasked["sessions"]) is (scope is not FORGOTTEN)


@pytest.mark.parametrize(
    ("mutant", "scope", "wrong"),
    [
        ("retry-applied-twice", REPEAT, "applied-once: n1 carries out write 1 of client c1 twice"),
        ("old-sequence-applied", LATE, "applied-once: n1 carries out write 1 of client c1 twice"),
        ("sessions-never-forgotten", FORGOTTEN, "resources: n1 remembers 2 clients, and may remember 1"),
        (
            "sessions-not-in-snapshot",
            RESTORED,
            "state-machine-safety: n1 has applied 2 entries, and its state",
        ),
        (
            "indexes-lost-in-snapshot",
            RESTORED,
            "state-machine-safety: n1 has applied 2 entries, and its state",
        ),
        ("snapshot-applied-again", RESTORED, "state-machine-safety: n2 has applied 1 of term 1, and its log"),
    ],
)
def test_a_bug_of_the_state_machine_is_found_and_its_steps_can_be_taken_again(
    mutant: str, scope: Scope, wrong: str, tmp_path: Path
) -> None:
    explored = explore(scope, mutant, BOUNDS, out=tmp_path / "steps.json", quiet=True)
    assert (explored.violation or "").startswith(wrong)
    assert any("write 1 of client c1 arrives" in line for line in explored.story)
    assert replayed(tmp_path / "steps.json", anyway=False).violation == explored.violation


class _RefusesTheNext(Sessions):
    def is_passed(self, last_sequence: int, sequence: int) -> bool:
        return sequence <= last_sequence + 1


class _TakesAllForNew(Sessions):
    def may_begin(self, client: str) -> bool:
        return True


@pytest.mark.parametrize(
    ("sessions", "scope", "wrong"),
    [
        (_RefusesTheNext, LATE, "applied-once: n1 never carries out write 2 of client c1"),
        (_TakesAllForNew, FORGOTTEN, "applied-once: n1 carries out write 1 of client c1 twice"),
    ],
)
def test_a_write_that_is_left_out_or_comes_back_after_its_client_was_forgotten_is_named(
    sessions: type[Sessions], scope: Scope, wrong: str
) -> None:
    parts: Parts = replace(DEFAULT_PARTS, sessions=sessions)
    found = search(Space(scope, parts), lambda _: None)
    assert (found.outcome, found.why) == ("violation", wrong)
    assert walk(scope, parts, found.path).violation == wrong


@pytest.mark.parametrize("mutant", ["retry-applied-twice", "snapshot-applied-again"])
def test_without_repeated_writes_a_bug_of_the_state_machine_is_refused(mutant: str) -> None:
    with pytest.raises(CouldNotRun, match="give --repeats 1"):
        parts_of(mutant, Scope())


@pytest.mark.parametrize("mutant", ["deregister-forgotten", "swap-without-compare"])
def test_what_a_write_means_is_not_judged_and_so_never_verified(mutant: str) -> None:
    explored = explore(LATE, mutant, BOUNDS, quiet=True)
    assert explored.found.outcome == "unknown"
    assert "no invariant here says what a write means (registry." in (explored.found.why or "")
