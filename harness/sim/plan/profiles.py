"""Profiles: what a seed has most of. Some bugs need several rare things at once, which come together here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from harness.sim.plan import fitting
from harness.sim.plan.fault_rates import DELAYS_US, WRITES_US, FaultRates
from harness.sim.plan.scheduled_faults import CrashAfterElection, MuteLeader, ScheduledFault
from harness.sim.plan.stream import Stream
from history.units import MILLISECOND_NS
from node_impl.core.config import NodeConfig

Profile = Literal["mixed", "many-clients", "leader-churn", "late-messages"]
PROFILES: tuple[Profile, ...] = (
    *("mixed",) * 5,
    *("many-clients",) * 2,
    "leader-churn",
    *("late-messages",) * 2,
)
"""Each of these ten is equally likely. `mixed` draws each kind of fault by itself. `many-clients` has many
clients who soon give up, and leaders that are cut off together with some of them. `leader-churn` has leaders
that hardly any node hears, one after the other, and one entry to a message. `late-messages` has messages that
come late, twice and out of order, client connections that break at once, and snapshots all the time."""

ELECTIONS_MS: dict[Profile, tuple[int, ...]] = {
    "mixed": (500, 500, 250, 120),
    "many-clients": (1000,),
    "leader-churn": (250, 120),
    "late-messages": (500, 500, 250, 120),
}
"""The least election time-out. Short ones, below what some links take, make many elections: votes split and
come late, and leaders are deposed before they know of it. A long one leaves time between the moment when a
leader is deposed and the moment when it knows."""
HEARTBEATS_AN_ELECTION: dict[Profile, int] = {
    "mixed": 5,
    "many-clients": 20,
    "leader-churn": 5,
    "late-messages": 5,
}
REQUESTS_MS: dict[Profile, int] = {
    "mixed": 2000,
    "many-clients": 150,
    "leader-churn": 2000,
    "late-messages": 2000,
}
"""How long a node tries to answer a client. Many clients have a short time, so that not all of them wait for
a leader that is gone."""
CHURNED_ELECTIONS = 16
"""For how many elections of each node `leader_churn` schedules a fault."""


def _mixed(draw: Stream) -> FaultRates:
    def rate() -> int:
        return draw.between(1, draw.choose((10, 50, 100, 300))) if draw.chance(1, 3) else 0

    return FaultRates(
        delays=draw.some(tuple(DELAYS_US), 1, 2) or ("near",),
        writes=draw.some(tuple(WRITES_US), 1, 2) or ("fast",),
        packet_loss_per_mille=rate(),
        packet_replay_per_mille=rate(),
        packet_delay_per_mille=rate(),
        client_reset_per_mille=rate(),
        client_delay_per_mille=rate(),
    )


def _late_messages(draw: Stream) -> FaultRates:
    """Many messages come late or twice, and clients repeat requests that are still under way."""

    def rate() -> int:
        return draw.between(100, 250)

    return FaultRates(
        delays=draw.some(tuple(DELAYS_US), 1, 2) or ("near",),
        writes=draw.some(tuple(WRITES_US), 1, 2) or ("fast",),
        packet_replay_per_mille=rate(),
        packet_delay_per_mille=rate(),
        client_reset_per_mille=rate(),
        client_delay_per_mille=draw.choose((0, 20, 100)),
    )


def _leader_churn(draw: Stream) -> FaultRates:
    """Elections take little time, so that there are many."""
    return msgspec.structs.replace(_mixed(draw), delays=("near",), writes=("fast",), packet_loss_per_mille=0)


FAULT_RATES: dict[Profile, Callable[[Stream], FaultRates]] = {
    "mixed": _mixed,
    "many-clients": _mixed,
    "leader-churn": _leader_churn,
    "late-messages": _late_messages,
}
"""How each profile draws its fault rates."""


def settings(draw: Stream, profile: Profile, rates: FaultRates, rate: float) -> dict[str, int | bool]:
    """Draw small bounds for the nodes' settings, with which the links can carry the load.

    Args:
        rates: what the links are like.
        rate: client operations a second.
    """
    found: dict[str, int | bool] = {}
    if profile == "leader-churn":
        return {"max_batch_entries": 1, "max_in_flight": 1, "pre_vote": draw.chance(1, 2)}
    if draw.chance(1, 2):
        found["max_batch_entries"] = draw.choose((1, 1, 2, 8))
    if draw.chance(1, 3):
        found["max_in_flight"] = 1
    if draw.chance(1, 2) or profile == "late-messages":
        found["snapshot_entries"] = draw.choose((3, 10, 30))
        found["snapshot_trailing"] = draw.choose((0, 2, 10))
        found["snapshot_chunk_bytes"] = draw.choose((64, 1024, 262_144))
    if draw.chance(1, 4):
        found["max_apply_entries"] = draw.choose((1, 5))
    if draw.chance(1, 3):
        found["pre_vote"] = False
    if "max_batch_entries" in found or "max_in_flight" in found:
        defaults = NodeConfig()
        batch = found.get("max_batch_entries", defaults.max_batch_entries)
        in_flight = found.get("max_in_flight", defaults.max_in_flight)
        found["max_batch_entries"] = fitting.max_batch_entries(batch, in_flight, rate, rates)
    return found


def session_bound(draw: Stream, writers: int) -> dict[str, int | bool]:
    """In a third of the seeds, have nodes remember few clients: about as many as write at a time.

    With fewer, clients would be forgotten between any two of their writes, and nothing else would happen.
    """
    if not draw.chance(1, 3):
        return {}
    return {"max_clients": max(2, writers * draw.choose((1, 1, 2, 4)))}


def plain_clients(draw: Stream, writers: int) -> int:
    """How many of the clients that write do so without a session: none, some, or all."""
    return draw.choose((0, 0, 1, writers // 3, writers // 2, writers))


def leader_churn(draw: Stream, names: tuple[str, ...], election_ms: int) -> tuple[ScheduledFault, ...]:
    """End most leaderships before they begin: no node hears the leader, or one other node hears a few
    messages; or the leader crashes soon after its election, and returns at once or after others have led."""
    found: list[ScheduledFault] = []
    for name in names:
        others = [other for other in names if other != name]
        for election in range(1, CHURNED_ELECTIONS + 1):
            kind = draw.below(8)
            if kind < 6:
                hears = draw.choose(others) if kind < 3 else None
                for_ns = draw.choose((2, 3, 4)) * election_ms * MILLISECOND_NS
                heard = draw.between(1, 4)
                found.extend(
                    MuteLeader(name, election, one, heard if one == hears else 0, for_ns) for one in others
                )
            elif kind == 6:
                effects = draw.between(1, draw.choose((10, 20, 40)))
                down_ns = draw.between(20, draw.choose((100, 500, 1500))) * MILLISECOND_NS
                found.append(CrashAfterElection(name, election, effects, draw.chance(1, 4), down_ns))
    return tuple(found)
