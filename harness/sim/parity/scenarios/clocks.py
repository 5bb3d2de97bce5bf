"""Clocks that are set, and clocks that run slow or fast."""

from __future__ import annotations

from harness.nemesis.faults.clock.clock import SetClock
from harness.nemesis.faults.clock.drift import ResetRate, SetRate
from harness.nemesis.mechanisms.clocks import WALL_CLOCKS
from harness.sim.parity.scenario import Fact, Scenario, Seen, Stage, others, yes

STEP_S = 3600
MEASURED_S = 3.0


async def _step(stage: Stage) -> Seen:
    leader = await stage.leader()
    term = await stage.term(leader)
    world = stage.arena.world
    ahead = "nothing shows a time of day"
    if stage.arena.name is not None:
        await stage.do(SetClock((leader,), STEP_S))
        shown = await world.mechanism(WALL_CLOCKS).ahead_s(leader)
        ahead = "an hour ahead" if shown is not None and abs(shown - STEP_S) < 60 else f"{shown} s ahead"
    await stage.sleep(4.0)
    return {
        "time of day that the leader shows": ahead,
        "leader and term stay": yes(
            (await stage.node(leader)).role == "leader" and await stage.term(leader) == term
        ),
        "write to the leader": await stage.write(leader, "k", "a"),
    }


async def _heartbeats(stage: Stage, leader: str, follower: str) -> int:
    first = len(stage.messages("send", leader, follower, "AppendEntries"))
    await stage.sleep(MEASURED_S)
    return len(stage.messages("send", leader, follower, "AppendEntries")) - first


async def _drift(stage: Stage) -> Seen:
    leader = await stage.leader()
    follower = others(leader)[0]
    usual = await _heartbeats(stage, leader, follower)
    await stage.do(SetRate((leader,), -20))
    slow = await _heartbeats(stage, leader, follower)
    await stage.do(SetRate((leader,), 20))
    fast = await _heartbeats(stage, leader, follower)
    await stage.do(ResetRate((leader,)))
    return {
        "heartbeats of a leader whose clock is 20 % slow": _share(slow, usual),
        "heartbeats of a leader whose clock is 20 % fast": _share(fast, usual),
        "the same node leads": yes(await stage.leader() == leader),
    }


def _share(number: int, usual: int) -> str:
    """How often they came, compared with the usual number; a busy machine is late now and then."""
    if number < 0.93 * usual:
        return "fewer"
    return "more" if number > 1.07 * usual else "as usual"


CLOCKS = (
    Scenario(
        "step",
        "the leader's wall clock is set an hour ahead",
        _step,
        (
            Fact(
                "time of day that the leader shows",
                "nothing shows a time of day",
                {"local": "an hour ahead"},
                "No part of the node that is simulated reads a wall clock; only the HTTP server's Date does. "
                "So the simulator has no such fault, and the kernel shows that the node ignores it.",
            ),
            Fact("leader and term stay", "yes"),
            Fact("write to the leader", "ok"),
        ),
        faults=("clock",),
    ),
    Scenario(
        "drift",
        "the leader's monotonic clock runs 20 % slow, and then 20 % fast",
        _drift,
        (
            Fact("heartbeats of a leader whose clock is 20 % slow", "fewer"),
            Fact("heartbeats of a leader whose clock is 20 % fast", "more"),
            Fact("the same node leads", "yes"),
        ),
        faults=("drift",),
    ),
)
