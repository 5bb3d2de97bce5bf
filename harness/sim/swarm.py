"""What one seed goes through: swarm testing.

Each seed enables its own few kinds of fault, and draws how bad each is. A run with everything on at
once hides bugs: faults mask one another, and progress stops before a rare one bites (Groce, Zhang,
Eide, Chen & Regehr, "Swarm Testing", ISSTA 2012).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.nemesis import NEMESES
from harness.nemesis.drift import LARGEST_PERCENT
from harness.nemesis.schedule import Pace
from harness.sim.chance import Stream
from harness.sim.disk import Failure
from harness.sim.fates import DELAYS_US, WRITES_US, Weather
from harness.sim.incidents import BadWrite, ClockJump, Coup, Crash, Incident, Reset, Rot
from harness.test import Test

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
EFFECTS_A_SECOND = 700
"""About how many effects a node has: crashes are drawn among so many."""
WRITES_A_SECOND = 20
_PPM_A_PERCENT = 10_000

ELECTIONS_MS = (500, 500, 250, 120)
"""The least election time-out. Short ones, below what some links take, make elections many: votes split and
come late, and leaders are deposed before they know of it."""
HEARTBEATS_AN_ELECTION = 5


class Turn(msgspec.Struct, frozen=True):
    """From a time on, what befalls messages, writes and elections, and whom faults hit, is drawn anew."""

    at: int
    """Virtual nanoseconds."""
    seed: int


class Plan(msgspec.Struct, frozen=True):
    """All that determines a run, beside the code: the test, and the world it runs in."""

    test: Test
    weather: Weather = Weather()
    pace: Pace = Pace()
    """Of the nemesis's faults."""
    drift_ppm: Mapping[str, int] = {}
    """By node; 0 for those that are not named."""
    incidents: tuple[Incident, ...] = ()
    in_order: bool = True
    """Whether messages on one link keep their order, as TCP's do."""
    kill_loses_power: bool = False
    settings: Mapping[str, int | bool] = {}
    """Of the nodes' configuration (node_impl/config.py), where not the default: small bounds bring about
    often what is rare with usual ones."""
    turns: tuple[Turn, ...] = ()
    """By time. A run with turns is the seed's own up to the first of them."""


class Wishes(msgspec.Struct, frozen=True):
    """What is not left to the seed; None is."""

    nodes: int | None = None
    concurrency: int | None = None
    rate: int | None = None
    """Client operations a simulated second."""
    time_limit_s: int | None = None
    """Simulated seconds of work and faults."""
    nemesis: tuple[str, ...] | None = None
    workload: str = "registry"
    mutant: str | None = None
    lease: bool = False
    """Reads under a lease: clocks then drift within its bound, and never leap."""
    right_clocks: bool = False
    """No clock drifts or leaps, but by a fault that the nemesis is asked for."""


def plan_of(seed: int, wishes: Wishes | None = None) -> Plan:
    """The plan of a seed: the same everywhere, and another for each seed."""
    wishes = wishes or Wishes()
    draw = Stream(seed, "swarm")
    nodes = draw.choose((3, 3, 3, 5, 5, 4))
    concurrency, rate = draw.between(4, 10), draw.choose((20, 40, 60, 100))
    pace = _pace(Stream(seed, "pace"))
    election_ms = Stream(seed, "time-outs").choose(ELECTIONS_MS)
    nemesis = _nemesis(seed) if wishes.nemesis is None else wishes.nemesis
    seconds = max(draw.between(3, 6), _seconds_for_each_once(pace, len(nemesis)))
    kinds = [fault.partition(":")[0] for fault in nemesis]
    count = wishes.nodes or nodes
    names = tuple(f"n{number}" for number in range(1, count + 1))
    seconds = wishes.time_limit_s or seconds
    test = Test(
        nodes=names,
        workload=wishes.workload,
        nemesis=nemesis,
        concurrency=wishes.concurrency or concurrency,
        rate=float(wishes.rate or rate),
        time_limit_s=float(seconds),
        heartbeat_ms=election_ms // HEARTBEATS_AN_ELECTION,
        election_ms=election_ms,
        seed=seed,
        mutant=wishes.mutant,
        lease=wishes.lease,
        clock_drift_bound_percent=LARGEST_PERCENT,
        minimum_acknowledged=10,
    )
    incidents = _incidents(Stream(seed, "incidents"), names, seconds, may_rot="membership" not in kinds)
    if wishes.lease or wishes.right_clocks:
        incidents = tuple(incident for incident in incidents if not isinstance(incident, ClockJump))
    return Plan(
        test=test,
        weather=_weather(Stream(seed, "weather")),
        pace=pace,
        drift_ppm={} if wishes.right_clocks else _drift(Stream(seed, "drift"), names),
        incidents=incidents,
        in_order=draw.chance(1, 2),
        kill_loses_power=draw.chance(1, 2),
        settings=_settings(Stream(seed, "settings")),
    )


def _nemesis(seed: int) -> tuple[str, ...]:
    """Fault packages, each all of its targets or one; each draws for itself, whatever others there are."""
    chosen: list[str] = []
    for name, package in NEMESES.items():
        draw = Stream(seed, "nemesis", name)
        if "sim" in package.worlds and draw.chance(1, 2):
            target = draw.choose(package.targets)
            chosen.append(f"{name}:{target}" if draw.chance(1, 3) else name)
    return tuple(chosen)


def _weather(draw: Stream) -> Weather:
    def rate() -> int:
        return draw.between(1, draw.choose((10, 50, 100, 300))) if draw.chance(1, 3) else 0

    return Weather(
        delays=draw.some(tuple(DELAYS_US), 1, 2) or ("near",),
        writes=draw.some(tuple(WRITES_US), 1, 2) or ("fast",),
        lost=rate(),
        repeated=rate(),
        slow=rate(),
        client_reset=rate(),
    )


def _pace(draw: Stream) -> Pace:
    """Faults that last longer than an election, or shorter; calms that let a leader settle, or do not."""
    fault, calm = draw.choose((100, 300, 600, 1200)), draw.choose((50, 200, 500, 1000))
    return Pace((fault, 2 * fault), (calm, 2 * calm), (0, draw.choose((10, 100, 500))))


def _seconds_for_each_once(pace: Pace, faults: int) -> int:
    """So that every kind of fault has its turn: a round of each takes a calm and a fault, at the most."""
    return -(-faults * (pace.calm_ms[1] + pace.fault_ms[1]) // 1000)


def _drift(draw: Stream, names: tuple[str, ...]) -> dict[str, int]:
    worst = draw.choose((0, 0, 200, 50_000, LARGEST_PERCENT * _PPM_A_PERCENT))
    return {name: draw.between(-worst, worst) for name in names} if worst else {}


def _settings(draw: Stream) -> dict[str, int | bool]:
    found: dict[str, int | bool] = {}
    if draw.chance(1, 2):
        found["max_batch_entries"] = draw.choose((1, 1, 2, 8))
    if draw.chance(1, 3):
        found["max_in_flight"] = 1
    if draw.chance(1, 2):
        found["snapshot_entries"] = draw.choose((3, 10, 30))
        found["snapshot_trailing"] = draw.choose((0, 2, 10))
        found["snapshot_chunk_bytes"] = draw.choose((64, 1024, 262_144))
    if draw.chance(1, 4):
        found["max_apply_entries"] = draw.choose((1, 5))
    if draw.chance(1, 3):
        found["pre_vote"] = False
    return found


def _incidents(draw: Stream, names: tuple[str, ...], seconds: int, may_rot: bool) -> tuple[Incident, ...]:
    """A few of some kinds. Logs rot at a minority only, and not where a minority of all nodes may be half of
    the voters: a rotten log is refused for good, as it must be."""
    found: list[Incident] = []

    def how_many(numerator: int, denominator: int, most: int) -> range:
        return range(draw.between(1, most) if draw.chance(numerator, denominator) else 0)

    def down() -> int:
        return draw.between(20, 1500) * MILLISECOND_NS

    for _ in how_many(1, 2, 6):
        effect = draw.between(1, EFFECTS_A_SECOND * seconds)
        found.append(Crash(draw.choose(names), effect, draw.chance(1, 2), down()))
    for _ in how_many(1, 4, 3):
        failure: Failure = "full" if draw.chance(1, 2) else "fsync-error"
        write = draw.between(1, WRITES_A_SECOND * seconds)
        found.append(BadWrite(draw.choose(names), write, failure, down()))
    for _ in how_many(1, 4, 6):
        at = draw.between(0, 1000 * seconds) * MILLISECOND_NS
        found.append(ClockJump(draw.choose(names), at, draw.between(1, 3000) * MILLISECOND_NS))
    for _ in how_many(1, 3, 20):
        sender = draw.choose(names)
        receiver = draw.choose([name for name in names if name != sender])
        found.append(Reset(sender, receiver, draw.between(0, 1000 * seconds) * MILLISECOND_NS))
    for _ in how_many(1, 3, 8):
        effects = draw.between(1, draw.choose((30, 100, 400)))
        found.append(Coup(draw.choose(names), draw.between(1, 3), effects, draw.chance(1, 2), down()))
    if may_rot and len(names) >= 3 and draw.chance(1, 10):
        found.append(Rot(draw.choose(names), draw.between(2, 4), draw.bits()))
    return tuple(found)
