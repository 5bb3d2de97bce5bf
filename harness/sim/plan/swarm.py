"""What one seed goes through: swarm testing.

Each seed enables its own few kinds of fault, and draws how bad each is. A run with everything on at
once hides bugs: faults mask one another, and progress stops before a rare one bites (Groce, Zhang,
Eide, Chen & Regehr, "Swarm Testing", ISSTA 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from harness.nemesis import NEMESES
from harness.nemesis.drift import LARGEST_PERCENT
from harness.nemesis.schedule import Pace
from harness.run.test import Test
from harness.sim.plan.chance import Stream
from harness.sim.plan.fates import DELAYS_US, WRITES_US, Weather
from harness.sim.plan.incidents import BadWrite, ClockJump, Coup, Crash, Hush, Incident, Reset, Rot
from harness.sim.world.disk import Failure

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
EFFECTS_A_SECOND = 700
"""About how many effects a node has: crashes are drawn among so many."""
WRITES_A_SECOND = 20
_PPM_A_PERCENT = 10_000

Season = Literal["usual", "crowd", "unrest", "tangle"]
SEASONS: tuple[Season, ...] = (*("usual",) * 5, *("crowd",) * 2, "unrest", *("tangle",) * 2)
"""What a seed has most of, each equally likely. Some bugs need several rare things at once, which `usual`
draws each by itself: `crowd` has many clients who soon give up, and leaders that are cut off with some of
them; `unrest` leaders whom hardly anybody hears, one after the other, with one entry to a message; `tangle`
messages that come late, twice and out of order, requests whose connection breaks at once, and snapshots all
the time."""
_ELECTIONS_MS: dict[Season, tuple[int, ...]] = {
    "usual": (500, 500, 250, 120),
    "crowd": (1000,),
    "unrest": (250, 120),
    "tangle": (500, 500, 250, 120),
}
"""The least election time-out. Short ones, below what some links take, make elections many: votes split and
come late, and leaders are deposed before they know of it. With a long one there is time between a leader's
being deposed and its knowing."""
HEARTBEATS_AN_ELECTION: dict[Season, int] = {"usual": 5, "crowd": 20, "unrest": 5, "tangle": 5}
REQUESTS_MS: dict[Season, int] = {"usual": 2000, "crowd": 150, "unrest": 2000, "tangle": 2000}
"""How long a node tries to answer. Shortly, so that clients do not all wait for a leader that is gone."""
UNQUIET_LEADS = 16


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
    """Of the nodes' configuration (node_impl/core/config.py), where not the default: small bounds bring about
    often what is rare with usual ones."""


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
    season = Stream(seed, "season").choose(SEASONS)
    nodes = draw.choose((3, 3, 3, 3, 3, 5) if season == "unrest" else (3, 3, 3, 5, 5, 4))
    concurrency, rate = draw.between(4, 10), draw.choose((20, 40, 60, 100))
    if season == "crowd":
        concurrency, rate = draw.between(24, 40), draw.choose((100, 200))
    election_ms = Stream(seed, "time-outs").choose(_ELECTIONS_MS[season])
    nemesis = _nemesis(seed, season) if wishes.nemesis is None else wishes.nemesis
    kinds = [fault.partition(":")[0] for fault in nemesis]
    waits_ms = 2 * election_ms if season == "crowd" or "ambush" in kinds else 0
    pace = _pace(Stream(seed, "pace"), at_least_ms=waits_ms)
    least = draw.between(8, 10) if season == "unrest" else draw.between(3, 6)
    seconds = max(least, _seconds_for_all_rounds(pace, len(nemesis)))
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
        heartbeat_ms=election_ms // HEARTBEATS_AN_ELECTION[season],
        election_ms=election_ms,
        request_timeout_ms=REQUESTS_MS[season],
        seed=seed,
        mutant=wishes.mutant,
        lease=wishes.lease,
        clock_drift_bound_percent=LARGEST_PERCENT,
        minimum_acknowledged=10,
    )
    incidents = _incidents(Stream(seed, "incidents"), names, seconds, may_rot="membership" not in kinds)
    if season == "unrest":
        incidents = (*incidents, *_unrest(Stream(seed, "unrest"), names, election_ms))
    if wishes.lease or wishes.right_clocks:
        incidents = tuple(incident for incident in incidents if not isinstance(incident, ClockJump))
    return Plan(
        test=test,
        weather=_WEATHERS[season](Stream(seed, "weather")),
        pace=pace,
        drift_ppm={} if wishes.right_clocks else _drift(Stream(seed, "drift"), names, season),
        incidents=incidents,
        in_order=draw.chance(1, 2) and season != "tangle",
        kill_loses_power=draw.chance(1, 2),
        settings=_settings(Stream(seed, "settings"), season),
    )


def _nemesis(seed: int, season: Season) -> tuple[str, ...]:
    """Fault packages, each all of its targets or one; each draws for itself, whatever others there are. Where
    a season has its own troubles, there are few others."""
    one_in = 2 if season in ("usual", "tangle") else 6
    chosen: list[str] = ["partition:isolate-leader"] if season == "crowd" else []
    for name, package in NEMESES.items():
        draw = Stream(seed, "nemesis", name)
        if "sim" not in package.worlds or (season == "crowd" and name == "partition"):
            continue
        if draw.chance(1, one_in):
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


def _tangle(draw: Stream) -> Weather:
    """Much comes late or twice, and clients send again what is still under way."""

    def rate() -> int:
        return draw.between(100, 250)

    return Weather(
        delays=draw.some(tuple(DELAYS_US), 1, 2) or ("near",),
        writes=draw.some(tuple(WRITES_US), 1, 2) or ("fast",),
        repeated=rate(),
        slow=rate(),
        client_reset=rate(),
    )


def _near(draw: Stream) -> Weather:
    """Elections take little time, so that there are many."""
    return msgspec.structs.replace(_weather(draw), delays=("near",), writes=("fast",), lost=0)


_WEATHERS: dict[Season, Callable[[Stream], Weather]] = {
    "usual": _weather,
    "crowd": _weather,
    "unrest": _near,
    "tangle": _tangle,
}


def _pace(draw: Stream, *, at_least_ms: int) -> Pace:
    """Faults that last longer than an election, or shorter; calms that let a leader settle, or do not."""
    fault, calm = draw.choose((100, 300, 600, 1200)), draw.choose((50, 200, 500, 1000))
    fault = max(fault, at_least_ms)
    return Pace((fault, 2 * fault), (calm, 2 * calm), (0, draw.choose((10, 100, 500))))


def _seconds_for_all_rounds(pace: Pace, faults: int) -> int:
    """So that every kind of fault has its turn, and then all of them at once: a round takes a calm and a
    fault, at the most, but for what passes between faults of one round."""
    rounds = faults + 1 if faults > 1 else faults
    took = rounds * (pace.calm_ms[1] + pace.fault_ms[1]) + 2 * faults * pace.overlap_ms[1]
    return -(-took // 1000)


def _drift(draw: Stream, names: tuple[str, ...], season: Season) -> dict[str, int]:
    largest = LARGEST_PERCENT * _PPM_A_PERCENT
    worst = draw.choose((0, largest) if season == "crowd" else (0, 0, 200, 50_000, largest))
    return {name: draw.between(-worst, worst) for name in names} if worst else {}


def _settings(draw: Stream, season: Season) -> dict[str, int | bool]:
    found: dict[str, int | bool] = {}
    if season == "unrest":
        return {"max_batch_entries": 1, "max_in_flight": 1, "pre_vote": draw.chance(1, 2)}
    if draw.chance(1, 2):
        found["max_batch_entries"] = draw.choose((1, 1, 2, 8))
    if draw.chance(1, 3):
        found["max_in_flight"] = 1
    if draw.chance(1, 2) or season == "tangle":
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


def _unrest(draw: Stream, names: tuple[str, ...], election_ms: int) -> tuple[Incident, ...]:
    """Most leads are over before they begin: nobody hears the leader, or one other does for some messages; or
    it ends soon after it began, and comes back at once, or when others have led."""
    found: list[Incident] = []
    for name in names:
        others = [other for other in names if other != name]
        for lead in range(1, UNQUIET_LEADS + 1):
            kind = draw.below(8)
            if kind < 6:
                hears = draw.choose(others) if kind < 3 else None
                for_ns = draw.choose((2, 3, 4)) * election_ms * MILLISECOND_NS
                heard = draw.between(1, 4)
                found.extend(Hush(name, lead, one, heard if one == hears else 0, for_ns) for one in others)
            elif kind == 6:
                effects = draw.between(1, draw.choose((10, 20, 40)))
                down_ns = draw.between(20, draw.choose((100, 500, 1500))) * MILLISECOND_NS
                found.append(Coup(name, lead, effects, draw.chance(1, 4), down_ns))
    return tuple(found)
