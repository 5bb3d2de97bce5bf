"""Verification in a scope: what is exhausted holds, what is broken is found, nothing is left out unseen."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import pytest

from harness.mutants.catalogue import MUTANTS
from harness.sim.explore import invariants
from harness.sim.explore.invariants import Past
from harness.sim.explore.scope import DiskPace, Scope
from harness.sim.explore.search import SearchProgress, SearchResult, search
from harness.sim.explore.space import NotDead, Space, State
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.events import Configuration, Entry
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.member.configurations import encode_configuration
from node_impl.core.raft.messages import RequestVoteReply
from node_impl.core.raft.replication import Replication

SMALL = Scope(nodes=2, elections=2, proposals=1, crashes=1)
TWO_TERMS = Scope(nodes=3, elections=2, proposals=0, pre_vote=False)
BROKEN = Scope(nodes=3, elections=2, proposals=1, crashes=1, pre_vote=False)
FIGURE_8 = Scope(nodes=3, elections=2, proposals=0, pre_vote=False, batch=1, start="figure-8")


def on(_seen: SearchProgress) -> None:
    """Never enough."""


def explored(scope: Scope, parts: Parts = DEFAULT_PARTS, most: int = 60_000) -> SearchResult:
    """What a search comes to; a bound on states, so that a search that went wrong ends."""
    return search(Space(scope, parts), lambda seen: "enough" if seen.states > most else None)


class CommitsEarlierTerms(Replication):
    """Counts copies of entries of earlier terms, which Figure 8 of the paper shows to be wrong."""

    def may_commit_by_counting(self, index: int) -> bool:
        return True


class CountsOldVotes(Elections):
    """Takes a vote that was given in an earlier term."""

    def on_request_vote_reply(self, voter: str, reply: RequestVoteReply) -> None:
        if self._state.role == "candidate" and not self.is_pre_candidate and reply.granted:
            self._count_vote(voter)


# ---- the correct core ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope",
    [
        SMALL,
        Scope(nodes=2, elections=1, proposals=2, crashes=1, disk="any"),
        Scope(nodes=2, elections=2, proposals=0, reads=1, pre_vote=False),
        Scope(nodes=2, elections=1, proposals=0, duplicates=1, checks=1, heartbeats=1, pre_vote=False),
        Scope(nodes=3, elections=1, proposals=1, pre_vote=False),
        Scope(nodes=3, elections=1, proposals=0, changes=1, pre_vote=False),
        Scope(nodes=2, voters=1, elections=1, proposals=1, changes=2, crashes=1, pre_vote=False),
        Scope(nodes=2, elections=1, proposals=1, snapshots=1, crashes=2, pre_vote=False),
        Scope(nodes=2, elections=2, proposals=0, transfers=1, pre_vote=False),
    ],
    ids=lambda scope: scope.in_words(),
)
def test_the_core_keeps_every_invariant_in_every_state_of_a_small_scope(scope: Scope) -> None:
    found = explored(scope)
    assert (found.outcome, found.why) == ("verified", None)
    assert found.committed >= 1
    assert found.seen.frontier == 0


def test_what_was_looked_up_is_run_far_more_seldom_than_it_is_used() -> None:
    found = explored(Scope(nodes=3, elections=1, proposals=0))
    assert found.core_steps * 5 < found.seen.steps


# ---- broken cores ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mutant", "scope", "invariant"),
    [
        ("vote-twice", BROKEN, "one-vote-a-term"),
        ("half-is-a-majority", BROKEN, "election-safety"),
        ("vote-not-persisted", BROKEN, "one-vote-a-term"),
        ("forgetful", BROKEN, "term-monotonic"),
        ("term-not-persisted", BROKEN, "term-monotonic"),
        ("send-before-fsync", BROKEN, "term-monotonic"),
        ("assume-all-matched", BROKEN, "committed-never-lost"),
        ("vote-without-log-check", TWO_TERMS, "leader-completeness"),
        ("discard-on-election", TWO_TERMS, "leader-completeness"),
        (
            "count-own-unsynced",
            Scope(elections=1, proposals=0, disk="any", pre_vote=False),
            "committed-never-lost",
        ),
        (
            "truncate-on-stale-append",
            Scope(elections=1, duplicates=1, pre_vote=False),
            "committed-never-lost",
        ),
        (
            "commit-unmatched",
            Scope(elections=1, proposals=0, heartbeats=1, pre_vote=False, start="figure-8"),
            "state-machine-safety",
        ),
        (
            "previous-term-unchecked",
            Scope(elections=1, proposals=0, pre_vote=False, start="figure-8"),
            "log-matching",
        ),
        (
            "read-before-first-commit",
            Scope(nodes=2, elections=2, proposals=0, reads=1, crashes=1, pre_vote=False),
            "stale-read",
        ),
    ],
)
def test_a_seeded_bug_of_the_core_is_found_in_a_small_scope(
    mutant: str, scope: Scope, invariant: str
) -> None:
    found = explored(scope, MUTANTS[mutant].parts)
    assert found.outcome == "violation"
    assert found.why is not None
    assert found.why.startswith(f"{invariant}: ")


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("mutant", "scope", "invariant"),
    [
        ("obey-deposed-leaders", BROKEN, "committed-never-lost"),
        ("unconfirmed-reads", Scope(elections=2, proposals=0, reads=1, pre_vote=False), "stale-read"),
    ],
)
def test_a_bug_that_takes_more_states_is_found_too(mutant: str, scope: Scope, invariant: str) -> None:
    test_a_seeded_bug_of_the_core_is_found_in_a_small_scope(mutant, scope, invariant)


@pytest.mark.campaign
@pytest.mark.parametrize("disk", ["prompt", "any"])
def test_three_nodes_hold_through_an_election_a_write_and_a_crash(disk: DiskPace) -> None:
    found = explored(Scope(crashes=1, disk=disk), most=100_000)
    assert (found.outcome, found.why) == ("verified", None)
    assert found.committed == 2


def test_counting_copies_of_earlier_terms_is_found_from_the_disks_of_figure_8() -> None:
    found = explored(FIGURE_8, Parts(replication=CommitsEarlierTerms))
    assert found.outcome == "violation"
    assert found.why is not None
    assert found.why.startswith("leader-completeness: n3 leads term 5 without entry 2")


def test_a_counterexample_takes_as_few_steps_as_any() -> None:
    """With half the votes enough, two nodes only have to stand, each its own voter."""
    found = explored(BROKEN, MUTANTS["half-is-a-majority"].parts)
    kinds = [type(step.event).__name__ for step in found.path]
    assert sorted(kinds) == ["Sync", "Sync", "Sync", "TimeOut", "TimeOut"]


def test_with_an_invariant_that_is_wrong_the_correct_core_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the search does come to where invariants could break, and looks."""
    nobody_leads = lambda past, name, term, log: f"nobody leads: {name} does"  # noqa: E731
    monkeypatch.setattr(invariants, "elected", nobody_leads)
    assert explored(SMALL).outcome == "violation"
    monkeypatch.undo()
    monkeypatch.setattr(invariants, "commits", lambda *_: "nothing is committed")
    assert explored(SMALL).outcome == "violation"
    monkeypatch.undo()

    def on_all(
        _past: Past, disks: Mapping[str, invariants.Log], _: invariants.Voters, **__: bool
    ) -> str | None:
        return None if len({*disks.values()}) < 2 else "no"

    monkeypatch.setattr(invariants, "nothing_is_lost", on_all)
    assert explored(SMALL).outcome == "violation"
    monkeypatch.undo()
    monkeypatch.setattr(invariants, "logs_match", lambda logs: "longer" if len(logs) > 1 else None)
    assert explored(SMALL).outcome == "violation"


# ---- what must not be called verified --------------------------------------------------------------------


def test_a_scope_that_was_not_exhausted_is_unknown_and_says_how_far_it_came() -> None:
    found = search(Space(SMALL), lambda seen: "enough" if seen.depth >= 5 else None)
    assert (found.outcome, found.why) == ("unknown", "enough")
    assert found.seen.frontier > 0
    assert found.seen.depth >= 5


@pytest.mark.parametrize("scope", [Scope(nodes=2, elections=0), Scope(nodes=2, elections=0, crashes=1)])
def test_a_scope_in_which_nothing_can_happen_proves_nothing(scope: Scope) -> None:
    found = explored(scope)
    assert found.outcome == "unknown"
    assert found.why is not None
    assert "proves nothing" in found.why


# ---- what makes it small ---------------------------------------------------------------------------------


def all_states(space: Space) -> set[State]:
    """Every state there is, none taken for another."""
    known = {space.first}
    waiting = deque(known)
    while waiting:
        state = waiting.popleft()
        for move, left in space.moves(state):
            after = space.after(state, move, left)
            assert isinstance(after, State)
            if after not in known:
                known.add(after)
                waiting.append(after)
    return known


@pytest.mark.parametrize(
    "scope",
    [
        Scope(nodes=2, elections=2, proposals=0, crashes=1, pre_vote=False),
        Scope(nodes=3, elections=1, proposals=0, pre_vote=False),
    ],
    ids=lambda scope: scope.in_words(),
)
def test_symmetry_leaves_one_state_of_each_kind_and_none_out(scope: Scope) -> None:
    space = Space(scope)
    states = all_states(space)
    kinds = {space.key(state) for state in states}
    found = explored(scope)
    assert found.seen.states == len(kinds) < len(states)


def test_a_search_without_symmetry_sees_every_state() -> None:
    scope = Scope(nodes=2, elections=2, proposals=0, crashes=1, pre_vote=False)
    found = search(Space(scope, symmetry=False), on)
    assert found.outcome == "verified"
    assert found.seen.states == len(all_states(Space(scope)))


def test_dropping_dead_replies_changes_only_what_is_in_transit() -> None:
    scope = Scope(nodes=2, elections=2, proposals=1, crashes=1, pre_vote=False)
    with_them, without = Space(scope, keep_dead=True), Space(scope)
    kept, dropped = all_states(with_them), all_states(without)
    assert len(dropped) < len(kept)

    def seen(space: Space, states: set[State]) -> set[object]:
        """Nodes by their shapes, and the past: numbers mean something in their own space alone."""
        return {
            (
                tuple(space.nodes.things[node].shape(quorum_is_checked=False) for node in state.nodes),
                tuple(space.past_of(state)),
            )
            for state in states
        }

    assert seen(without, dropped) == seen(with_them, kept)


def test_a_core_that_reacts_to_dead_replies_is_not_explored_without_them() -> None:
    scope = Scope(nodes=2, elections=2, proposals=0, pre_vote=False)
    with pytest.raises(NotDead, match="still reacts"):
        explored(scope, Parts(elections=CountsOldVotes))
    assert search(Space(scope, Parts(elections=CountsOldVotes), keep_dead=True), on).outcome != "unknown"


# ---- invariants by themselves ----------------------------------------------------------------------------


def test_invariants_say_what_is_wrong() -> None:
    one, other = Entry(1, 1, "command", b"a"), Entry(1, 1, "command", b"b")
    past = Past(frozenset({(2, "n1")}), ((one, 1),))
    assert isinstance(invariants.elected(past, "n1", 3, (one,)), Past)
    assert "both lead term 2" in str(invariants.elected(past, "n2", 2, (one,)))
    assert "without entry 1" in str(invariants.elected(past, "n2", 3, (other,)))
    assert isinstance(invariants.commits(past, "n2", 3, [one], {}), Past)
    assert "was committed" in str(invariants.commits(past, "n2", 3, [other], {}))
    assert "leads term 4 without it" in str(invariants.commits(past, "n2", 3, [one], {"n3": (4, ())}))
    assert invariants.logs_match([(one,), (one,), ()]) is None
    assert invariants.logs_match([(one,), (other,)]) is not None


def test_a_committed_entry_must_be_on_the_disks_of_a_majority_of_the_voters() -> None:
    one, other = Entry(1, 1, "command", b"a"), Entry(1, 1, "command", b"b")
    past = Past(frozenset(), ((one, 1),))

    def lost(may_change: bool, **disks: tuple[Entry, ...]) -> bool:
        voters = frozenset(name for name in disks if name != "learner")
        return invariants.nothing_is_lost(past, disks, voters, may_change=may_change) is not None

    for may_change in (False, True):
        assert not lost(may_change, n1=(one,), n2=(one,), n3=())
        assert lost(may_change, n1=(one,), n2=(other,), n3=())
        assert lost(may_change, n1=(one,), n2=(), n3=(), learner=(one,))
        assert not lost(may_change, n1=(one,), learner=())
    assert lost(False, n1=(one,), n2=(one,), n3=(), n4=())
    assert not lost(True, n1=(one,), n2=(one,), n3=(), n4=())


def test_the_voters_are_those_of_the_newest_configuration_that_is_committed() -> None:
    change = Entry(2, 1, "configuration", encode_configuration(Configuration(("n1", "n2"), ("n3",))))
    first = frozenset({"n1", "n2", "n4"})
    noop = Entry(1, 1, "noop")
    assert invariants.voters_of(Past(frozenset(), ((noop, 1),)), first) == first
    assert invariants.voters_of(Past(frozenset(), ((noop, 1), (change, 1))), first) == {"n1", "n2"}
