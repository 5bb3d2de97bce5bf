"""Reads under leases: clocks that differ as much as they may, and the bugs that only these show."""

from __future__ import annotations

import pytest

from harness.errors import CouldNotRun
from harness.mutants.catalogue import MUTANTS
from harness.sim.explore.command import SearchBounds, explore
from harness.sim.explore.counterexample import walk
from harness.sim.explore.node.clocks import FAST_TICK, SLOW_TICK
from harness.sim.explore.node.steps import (
    AskRead,
    Crash,
    Event,
    HeartbeatDue,
    Sync,
    Take,
    TimeOut,
    TimePasses,
)
from harness.sim.explore.scope import Scope
from harness.sim.explore.search import PathStep, SearchResult, search
from harness.sim.explore.space import Space, State
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.raft.leases import LeaderLeases

LED = Scope(elections=1, proposals=0, heartbeats=1, reads=1, lease_ticks=2, pre_vote=False, start="led")
CRASH = Scope(
    elections=1, proposals=0, heartbeats=1, reads=1, crashes=1, lease_ticks=2, pre_vote=False, start="led"
)
BUG = MUTANTS["lease-without-clock-bound"].parts


class LongerByOne(LeaderLeases):
    """A lease lasts by the least amount longer than the promises that it counts on."""

    def lease_ns(self) -> int:
        return super().lease_ns() + 1


class PromisesNothing(LeaderLeases):
    """A node promises nothing, neither to a leader that it hears nor when it starts."""

    def promise(self) -> None:
        return


class Cluster:
    """A cluster to which one event after the other happens, each one that the scope allows."""

    def __init__(self, scope: Scope, parts: Parts) -> None:
        self.space = Space(scope, parts)
        self.state = self.space.first
        self.wrong: str | None = None

    def possible(self) -> list[Event]:
        return [self.space.events[move.event] for move, _ in self.space.moves(self.state) if not move.again]

    def happen(self, event: Event) -> None:
        """One event, and all writes after it."""
        assert self.wrong is None
        move, left = next(
            (move, left)
            for move, left in self.space.moves(self.state)
            if self.space.events[move.event] == event
        )
        after = self.space.after(self.state, move, left)
        wrong = after if isinstance(after, str) else self.space.wrong_in(after)
        if wrong is not None:
            self.wrong = wrong
            return
        assert isinstance(after, State)
        self.state = after
        for waits in self.possible():
            if isinstance(waits, Sync):
                self.happen(waits)
                return

    def deliver(self, sender: str, to: str) -> None:
        """All that is in transit between two nodes."""
        while self.wrong is None:
            takes = [one for one in self.possible() if isinstance(one, Take)]
            waiting = [one for one in takes if (one.sender, one.node) == (sender, to)]
            if not waiting:
                return
            self.happen(waiting[0])


def a_second_leader_is_elected_in_two_ticks(parts: Parts) -> Cluster:
    """n1's heartbeat reaches n2, whose answer is late; then n2 and n3 elect n2, which commits, and n1 is
    asked to read, if it comes to that."""
    cluster = Cluster(LED, parts)
    cluster.happen(HeartbeatDue("n1"))
    cluster.deliver("n1", "n2")
    cluster.happen(TimePasses("n1"))
    cluster.happen(TimePasses("n1"))
    cluster.deliver("n2", "n1")
    cluster.happen(TimeOut("n2"))
    for _ in range(2):
        cluster.deliver("n2", "n3")
        cluster.deliver("n3", "n2")
    cluster.happen(AskRead("n1", 2))
    return cluster


def found_in(scope: Scope, parts: Parts, *, most: int) -> SearchResult:
    return search(Space(scope, parts), lambda seen: "enough" if seen.states > most else None)


def test_a_lease_of_the_longest_time_that_clocks_allow_ends_before_the_promises() -> None:
    cluster = a_second_leader_is_elected_in_two_ticks(DEFAULT_PARTS)
    assert cluster.wrong is None
    assert len(cluster.space.past_of(cluster.state).committed) == 2
    assert not cluster.space.is_read_under_lease


@pytest.mark.parametrize("parts", [BUG, Parts(leases=LongerByOne)], ids=["no clock bound", "longer by one"])
def test_a_longer_lease_answers_a_stale_read(parts: Parts) -> None:
    cluster = a_second_leader_is_elected_in_two_ticks(parts)
    assert str(cluster.wrong).startswith("stale-read: n1 answers a read from index 1, although 2 ")
    assert cluster.space.is_read_under_lease


def test_a_node_that_started_again_has_promised_though_it_does_not_know_whom() -> None:
    def denied_after_a_crash(parts: Parts) -> bool:
        cluster = Cluster(CRASH, parts)
        cluster.happen(TimePasses("n1"))
        cluster.happen(HeartbeatDue("n1"))
        cluster.deliver("n1", "n2")
        cluster.deliver("n2", "n1")
        cluster.happen(TimePasses("n1"))
        cluster.happen(Crash("n2", 0))
        cluster.happen(TimeOut("n3"))
        for _ in range(2):
            cluster.deliver("n3", "n2")
            cluster.deliver("n2", "n3")
        return len(cluster.space.past_of(cluster.state).led) == 1

    assert denied_after_a_crash(DEFAULT_PARTS)
    assert not denied_after_a_crash(Parts(leases=PromisesNothing))


def test_time_passes_only_while_something_is_left_to_run_out_and_a_leaders_clock_is_the_slow_one() -> None:
    space = Space(LED)
    ticks = [
        (space.events[move.event], space.after(space.first, move, left))
        for move, left in space.moves(space.first)
        if isinstance(space.events[move.event], TimePasses)
    ]
    assert [event for event, _ in ticks] == [TimePasses("n1")]
    after = ticks[0][1]
    assert isinstance(after, State)
    moved = [
        space.nodes.things[new].core.state.now - space.nodes.things[old].core.state.now
        for old, new in zip(space.first.nodes, after.nodes, strict=True)
    ]
    assert moved == [SLOW_TICK, FAST_TICK, FAST_TICK]
    rested = Space(Scope(nodes=2, lease_ticks=1))
    events = [rested.events[move.event] for move, _ in rested.moves(rested.first)]
    assert not any(isinstance(event, TimePasses) for event in events)


def test_where_no_read_comes_under_a_lease_nothing_is_said_about_leases() -> None:
    scope = Scope(nodes=2, elections=0, proposals=0, reads=1, lease_ticks=1, pre_vote=False, start="led")
    found = found_in(scope, DEFAULT_PARTS, most=20_000)
    assert (found.outcome, found.why) == (
        "unknown",
        "no read came while a lease held; give reads, and heartbeats that renew a lease",
    )


def test_a_core_that_reads_under_leases_is_refused_where_clocks_leap() -> None:
    with pytest.raises(CouldNotRun, match="give --lease-ticks"):
        explore(Scope(reads=1), "lease-without-clock-bound", SearchBounds(), quiet=True)


@pytest.mark.campaign
def test_the_scope_of_leases_is_verified_and_asks_their_rules() -> None:
    explored = explore(LED, None, SearchBounds(), quiet=True)
    assert explored.found.outcome == "verified"
    assert explored.unasked["leases"] == ("give_up",)


@pytest.mark.campaign
def test_the_bug_is_found_and_its_steps_say_how_clocks_ran() -> None:
    found = found_in(LED, BUG, most=200_000)
    assert str(found.why).startswith("stale-read: ")
    walked = walk(LED, BUG, found.path)
    assert walked.violation == found.why
    assert any(line.startswith("time passes: ") for line in walked.story)
    assert found.path[0] == PathStep(TimeOut("n1"))
