"""A search says which rules it came to, and never `verified` of a bug whose rule it did not ask."""

from __future__ import annotations

import pytest

from harness.mutants.catalogue import MUTANTS
from harness.sim.explore.command import SearchBounds, explore
from harness.sim.explore.reached import watching
from harness.sim.explore.scope import Scope
from node_impl.core.build import DEFAULT_PARTS, RAFT_PARTS
from node_impl.core.raft.elections import Elections

SMALL = Scope(nodes=2, elections=1, proposals=1, crashes=1)
NO_BOUNDS = SearchBounds()


def test_the_correct_core_is_verified_and_the_rules_outside_the_scope_are_named() -> None:
    explored = explore(SMALL, None, NO_BOUNDS, quiet=True)
    assert explored.found.outcome == "verified"
    assert "may_grant_vote" not in explored.unasked["elections"]
    assert {"hears_a_majority", "check_quorum"} <= set(explored.unasked["elections"])
    assert "log_goes_on_from" in explored.unasked["snapshots"]
    assert "elections: 26 of 32; never: hears_a_majority, " in "\n".join(explored.rules)


@pytest.mark.parametrize("mutant", ["changes-overlap", "lead-without-quorum", "install-over-newer-state"])
def test_a_bug_whose_rule_the_scope_never_comes_to_is_not_verified(mutant: str) -> None:
    explored = explore(SMALL, mutant, NO_BOUNDS, quiet=True)
    assert explored.found.outcome == "unknown"
    assert "the scope never came to the broken rule" in (explored.found.why or "")


def test_a_scope_that_asks_the_rule_comes_to_it() -> None:
    checks = Scope(nodes=2, elections=1, proposals=0, checks=1, heartbeats=1)
    explored = explore(checks, "lead-without-quorum", NO_BOUNDS, quiet=True)
    assert "never came to" not in (explored.found.why or "")
    assert "hears_a_majority" not in explored.unasked["elections"]


def test_every_seeded_bug_of_the_core_has_methods_that_can_be_watched() -> None:
    for mutant in MUTANTS.values():
        if any(getattr(mutant.parts, part) is not getattr(DEFAULT_PARTS, part) for part in RAFT_PARTS):
            with watching(mutant.parts, RAFT_PARTS) as reached:
                assert any(reached.broken.values()), mutant.name


def test_after_the_search_the_classes_are_as_before() -> None:
    before = dict(vars(Elections))
    with watching(DEFAULT_PARTS, RAFT_PARTS):
        assert vars(Elections)["may_grant_vote"] is not before["may_grant_vote"]
    assert dict(vars(Elections)) == before
