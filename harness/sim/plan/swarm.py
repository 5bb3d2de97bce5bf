"""What one seed goes through: swarm testing.

Each seed enables a few kinds of fault of its own, and draws how bad each is. A run with everything on at once
hides bugs: faults mask one another, and progress stops before a rare one bites (Groce, Zhang, Eide, Chen &
Regehr, "Swarm Testing", ISSTA 2012).
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.nemesis import NEMESES
from harness.nemesis.faults.clock.drift import LARGEST_PERCENT
from harness.nemesis.schedule import Pace
from harness.run.test import Test
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.plan import fitting
from harness.sim.plan.disk_faults import disk_faults
from harness.sim.plan.for_core import faults_for_core, plan_for_core
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.profiles import (
    ELECTIONS_MS,
    FAULT_RATES,
    HEARTBEATS_AN_ELECTION,
    PROFILES,
    REQUESTS_MS,
    Profile,
    leader_churn,
    plain_clients,
    session_bound,
    settings,
)
from harness.sim.plan.quorum_end import quorum_end
from harness.sim.plan.scheduled_faults import CrashAfterElection, CrashAtEffect, ScheduledFault
from harness.sim.plan.stream import Stream
from harness.workload import workload
from history.units import MILLISECOND_NS

EFFECTS_A_SECOND = 700
"""About how many effects a node has: crashes are drawn among them."""
OFTEN_DRAWN = ("kill", "power", "partition", "pause", "terminate", "membership", "drift", "ambush")
"""Faults that bring about most of what a consensus protocol must survive; the others are drawn less often, so
that a seed has only a few faults."""
ONE_IN_OFTEN, ONE_IN_OTHERS, ONE_IN_SPARING = 3, 12, 3
"""How likely a fault is; in a profile with troubles of its own it is less likely by the last factor."""
_PPM_A_PERCENT = 10_000
FRUITLESS = {"membership": ("add",)}
"""Targets that are never all that a fault has: with all nodes voting there is none to add."""
ELECTIONS_AN_AMBUSH = 6
"""For how many election time-outs an ambush waits: a leader has to be lost, and the next one elected."""
LEAST_AMBUSH_MS = 1500
ELECTIONS_A_CHANGE = 24
"""Within how many election time-outs a change of the members should be committed, whatever else goes on."""
RARELY_MET = frozenset({"ambush", "disk-error", "full", "reorder", "torn", "membership"})
"""Faults that need something of the cluster: a leader, a write, two messages at once. They get two turns."""


def plan_of(seed: int, options: SeedOptions | None = None) -> Plan:
    """Draw the plan of a seed: the same everywhere, and another for each seed."""
    options = options or SeedOptions()
    draw = Stream(seed, "swarm")
    profile = Stream(seed, "profile").choose(PROFILES)
    nodes = draw.choose((3, 3, 3, 3, 3, 5) if profile == "leader-churn" else (3, 3, 3, 5, 5, 4))
    concurrency, rate = draw.between(4, 10), draw.choose((20, 40, 60, 100))
    if profile == "many-clients":
        concurrency, rate = draw.between(24, 40), draw.choose((100, 200))
    rates = FAULT_RATES[profile](Stream(seed, "fault rates"))
    election_ms = fitting.election_ms(Stream(seed, "time-outs").choose(ELECTIONS_MS[profile]), rates)
    nemesis = _nemesis(seed, profile, options.nodes or nodes) if options.nemesis is None else options.nemesis
    if options.core is not None:
        nemesis = faults_for_core(nemesis, options.core, are_drawn=options.nemesis is None)
    pace = _pace(seed, profile, nemesis, election_ms)
    if options.time_limit_s and options.nemesis is None:
        nemesis, pace = _within(options.time_limit_s, seed, profile, nemesis, election_ms)
    least = draw.between(8, 10) if profile == "leader-churn" else draw.between(3, 6)
    least = max(least, fitting.seconds_for_operations(options.rate or rate))
    seconds = options.time_limit_s or max(least, _seconds_for_faults(pace, nemesis, election_ms))
    concurrency, rate = options.concurrency or concurrency, options.rate or rate
    writers = -(-concurrency // 2)
    names = tuple(f"n{number}" for number in range(1, (options.nodes or nodes) + 1))
    work = workload(options.workload, names, concurrency)
    test = Test(
        nodes=names,
        workload=options.workload,
        nemesis=nemesis,
        concurrency=concurrency,
        plain_clients=0 if work.retries else plain_clients(Stream(seed, "plain clients"), writers),
        rate=float(rate),
        time_limit_s=float(seconds),
        heartbeat_ms=election_ms // HEARTBEATS_AN_ELECTION[profile],
        election_ms=election_ms,
        request_timeout_ms=fitting.request_timeout_ms(REQUESTS_MS[profile], rates),
        seed=seed,
        mutant=options.mutant,
        lease=options.lease,
        clock_drift_bound_percent=LARGEST_PERCENT,
        minimum_acknowledged=10,
    )
    faults = _scheduled_faults(Stream(seed, "scheduled faults"), names, seconds)
    if profile == "leader-churn":
        faults = (*faults, *leader_churn(Stream(seed, "leader churn"), names, election_ms))
    bounds = {
        **settings(Stream(seed, "settings"), profile, rates, rate),
        **session_bound(Stream(seed, "session bound"), writers),
    }
    faults = (*faults, *disk_faults(Stream(seed, "disk faults"), names))
    plan = Plan(
        test=test,
        fault_rates=rates,
        pace=pace,
        drift_ppm={} if options.right_clocks else _drift(Stream(seed, "drift"), names, profile),
        scheduled_faults=faults,
        in_order=draw.chance(1, 2) and profile != "late-messages",
        settings=bounds,
        quorum_end=quorum_end(
            Stream(seed, "quorum end"), test, profile, pre_vote=bool(bounds.get("pre_vote", True))
        ),
        overtime_s=0 if options.time_limit_s else fitting.MOST_OVERTIME_S,
    )
    return plan if options.core is None else plan_for_core(plan, options.core)


def _nemesis(seed: int, profile: Profile, nodes: int) -> tuple[str, ...]:
    """Draw faults of the nemesis that a correct system survives, each with all of its targets or with one.

    Each fault draws for itself, whatever other faults there are; only `rot` gives way to `membership`: its
    node stays down, and a minority of all nodes may be half of the voters.
    """
    sparing = 1 if profile in ("mixed", "late-messages") else ONE_IN_SPARING
    chosen: dict[str, str] = {"partition": "partition:isolate-leader"} if profile == "many-clients" else {}
    for name, fault in NEMESES.items():
        if fault.lacks(SIM) is not None or fault.breaks is not None or name in chosen:
            continue
        draw = Stream(seed, "nemesis", name)
        if draw.chance(1, sparing * (ONE_IN_OFTEN if name in OFTEN_DRAWN else ONE_IN_OTHERS)):
            target = draw.choose([one for one in fault.targets if one not in FRUITLESS.get(name, ())])
            chosen[name] = f"{name}:{target}" if draw.chance(1, 3) else name
    if "membership" in chosen:
        chosen.pop("rot", None)
    return tuple(text for name, text in chosen.items() if NEMESES[name].fewest_nodes <= nodes)


def _within(
    limit_s: int, seed: int, profile: Profile, nemesis: tuple[str, ...], election_ms: int
) -> tuple[tuple[str, ...], Pace]:
    """Leave out drawn faults until each of the others has its turn within this limit, which the user chose.
    The last one stays unless it waits for the cluster: it begins in time, and is cut short."""
    draw = Stream(seed, "left out")
    while True:
        pace = _pace(seed, profile, nemesis, election_ms)
        takes_s = _seconds_for_faults(pace, nemesis, election_ms)
        if takes_s <= limit_s or (len(nemesis) == 1 and not RARELY_MET.intersection(_kinds(nemesis))):
            return nemesis, pace
        left_out = draw.choose(nemesis)
        nemesis = tuple(fault for fault in nemesis if fault != left_out)


def _kinds(nemesis: Sequence[str]) -> list[str]:
    return [fault.partition(":")[0] for fault in nemesis]


def _pace(seed: int, profile: Profile, nemesis: Sequence[str], election_ms: int) -> Pace:
    """Draw faults that last longer than an election, or shorter; and calms that let a leader settle, or
    not."""
    at_least_ms = 2 * election_ms if profile == "many-clients" else 0
    if "ambush" in _kinds(nemesis):
        at_least_ms = max(ELECTIONS_AN_AMBUSH * election_ms, LEAST_AMBUSH_MS)
    draw = Stream(seed, "pace")
    fault, calm = draw.choose((100, 300, 600, 1200)), draw.choose((50, 200, 500, 1000))
    fault = max(fault, at_least_ms)
    return Pace((fault, 2 * fault), (calm, 2 * calm), (0, draw.choose((10, 100, 500))))


def _seconds_for_faults(pace: Pace, nemesis: Sequence[str], election_ms: int) -> int:
    """How long it takes until every kind of fault has had its turn, and then all of them at once: a round
    takes a calm and a fault, and the time between the faults of one round. Twice that, if one of them may
    have met nothing in its first turn. A change of the members has to be committed, too."""
    kinds = _kinds(nemesis)
    faults = len(kinds)
    rounds = faults + 1 if faults > 1 else faults
    took = rounds * (pace.calm_ms[1] + pace.fault_ms[1]) + 2 * faults * pace.overlap_ms[1]
    turns = 1 if RARELY_MET.isdisjoint(kinds) else 2
    change = ELECTIONS_A_CHANGE * election_ms if "membership" in kinds else 0
    return -(-max(turns * took, change) // 1000)


def _drift(draw: Stream, names: tuple[str, ...], profile: Profile) -> dict[str, int]:
    largest = LARGEST_PERCENT * _PPM_A_PERCENT
    worst = draw.choose((0, largest) if profile == "many-clients" else (0, 0, 200, 50_000, largest))
    return {name: draw.between(-worst, worst) for name in names} if worst else {}


def _scheduled_faults(draw: Stream, names: tuple[str, ...], seconds: int) -> tuple[ScheduledFault, ...]:
    """Draw a few crashes at any effect, and a few soon after an election."""
    found: list[ScheduledFault] = []

    def how_many(numerator: int, denominator: int, most: int) -> range:
        return range(draw.between(1, most) if draw.chance(numerator, denominator) else 0)

    def down() -> int:
        return draw.between(20, 1500) * MILLISECOND_NS

    for _ in how_many(1, 2, 6):
        effect = draw.between(1, EFFECTS_A_SECOND * seconds)
        found.append(CrashAtEffect(draw.choose(names), effect, draw.chance(1, 2), down()))
    for _ in how_many(1, 3, 8):
        effects = draw.between(1, draw.choose((30, 100, 400)))
        found.append(
            CrashAfterElection(draw.choose(names), draw.between(1, 3), effects, draw.chance(1, 2), down())
        )
    return tuple(found)
