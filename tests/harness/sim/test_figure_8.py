"""Raft's Figure 8, played: a majority holds an entry of an earlier term, and yet it is overwritten.

Chance comes to it in few seeds but those of unrest, so it is directed here. Messages and writes take 1 ms
each, and what a step depends on is read off the run so far.
"""

from __future__ import annotations

from checkers.verdict import Validity
from harness.mutants.catalogue import MUTANTS
from harness.nemesis.action import Action
from harness.nemesis.faults.network.partition import Cut, Heal
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.run.test import Test
from harness.sim.plan.plan import Plan
from harness.sim.run import SimulatedRun, run
from harness.sim.schedule.overrides import ElectionOverride, Overrides, ScriptedDecisions
from harness.sim.schedule.schedule import Schedule, ScheduleStep, Script, ScriptedNemesis
from harness.sim.schedule.shrink import verdict_of
from history.units import MILLISECOND_NS as MS
from node_impl.core.build import DEFAULT_PARTS, Parts

A, B, C = "n1", "n2", "n3"
SETTINGS = {"pre_vote": False, "max_batch_entries": 1, "max_in_flight": 1}
FIRST, LATE = 0, 480 * MS
ELECTIONS = tuple(
    ElectionOverride(node, number, adds)
    for node, adds in ((A, FIRST), (B, 240 * MS), (C, LATE))
    for number in range(1, 40)
)


def played(steps: tuple[ScheduleStep, ...], until: int, parts: Parts) -> SimulatedRun:
    test = Test(nodes=(A, B, C), nemesis=("kill", "partition"), concurrency=1, minimum_acknowledged=1)
    schedule = Schedule(
        plan=Plan(test=test, settings=SETTINGS),
        until=until,
        steps=steps,
        overrides=Overrides(elections=ELECTIONS),
    )
    return run(
        schedule.plan,
        parts=parts,
        decisions=ScriptedDecisions(schedule.overrides),
        script=Script(schedule.steps, schedule.until),
        perform=lambda operation, world: ScriptedNemesis(()).perform(operation, world, 0),
    )


def act(at: int, *actions: Action) -> ScheduleStep:
    return ScheduleStep(at, -1, "act", actions=actions)


def began_to_lead(ran: SimulatedRun, node: str, after: int) -> int:
    """When the node was first elected after that time."""
    was = ""
    for lives in ran.traces[node]:
        for line in lives:
            if line.role == "leader" and was != "leader" and line.at > after:
                return line.at
            was = line.role
    raise AssertionError(f"{node} was not elected after {after // MS} ms")


def figure_8(parts: Parts) -> SimulatedRun:
    both = ((A, B), (A, C), (B, A), (C, A))
    # (a) A leads, is cut off, and appends an entry that nobody else gets.
    steps: tuple[ScheduleStep, ...] = (
        act(1000 * MS, Cut(both)),
        ScheduleStep(1010 * MS, 0, "register", "svc-0/10.0.0.1:8080", "r0", A),
        act(1050 * MS, Kill((A,))),
    )
    # (b) B is elected by C, and its first entry reaches nobody either; then it goes down.
    led = began_to_lead(played(steps, 3000 * MS, parts), B, 1000 * MS)
    steps = (*steps, act(led - MS // 2, Cut(((B, C),))), act(led + 20 * MS, Kill((B,))))
    # (c) A comes back, is elected by C, and sends it the entry; what it sends next is lost.
    back = led + 100 * MS
    steps = (*steps, act(back, Heal(), Start((A,))))
    led = began_to_lead(played(steps, back + 3000 * MS, parts), A, back)
    steps = (*steps, act(led + 3 * MS + MS // 2, Cut(((A, C),))), act(led + 20 * MS, Kill((A,))))
    # (d) B comes back, is elected by C, and overwrites the entry.
    back = led + 100 * MS
    steps = (*steps, act(back, Heal(), Start((B,))))
    return played(steps, back + 3000 * MS, parts)


def test_an_entry_of_an_earlier_term_that_was_counted_as_committed_is_lost() -> None:
    ran = figure_8(MUTANTS["commit-earlier-terms"].parts)
    assert verdict_of(ran, "leader-completeness").validity is Validity.INVALID
    assert verdict_of(ran, "committed-never-truncated").validity is Validity.INVALID


def test_a_leader_that_counts_its_own_term_alone_never_said_that_it_was() -> None:
    ran = figure_8(DEFAULT_PARTS)
    began_to_lead(ran, B, 4000 * MS)
    for checker in ("leader-completeness", "committed-never-truncated", "state-machine-safety"):
        assert verdict_of(ran, checker).validity is not Validity.INVALID
