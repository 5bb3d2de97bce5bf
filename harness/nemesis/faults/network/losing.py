"""What a cut and a loss have in common: when links that are to swallow packets are known to do so.

A rule that is in place shows nothing yet: nodes may be down, may have nothing to send, or may send it some
other way (a port that was not cut, a connection that the other end dialled). What shows an effect is what
the links have swallowed since this very action.
"""

from __future__ import annotations

from harness.nemesis.action import Link
from harness.nemesis.mechanisms.links import Links
from harness.nemesis.mechanisms.world import Mechanism, WorldMechanisms, eventually
from harness.nemesis.outcome import Outcome

EFFECT_BOUND_S = 2.0
"""Longer than nodes are mostly silent: etcd's send each 0.1 s, ZooKeeper's and Sentinel's each 1 s."""
POLL_S = 0.1


async def begin_to_lose(
    world: WorldMechanisms, mechanism: Mechanism[Links], links: tuple[Link, ...]
) -> tuple[Outcome, tuple[Link, ...]]:
    """Let links lose some or all of what they carry, and wait until they have lost something.

    Returns:
        The outcome, and all links that lose something now. It took effect once something was swallowed on
        these links since; that is not known (None) if nothing was, within `EFFECT_BOUND_S`: the heal counts
        what was swallowed later.
    """
    of_world = world.mechanism(mechanism)
    before = await of_world.swallowed(links)
    losing = await of_world.cut(links)
    details = {"cut": [list(link) for link in losing]}
    if not set(links) <= set(losing):
        return Outcome(False, details), losing
    if before is None:
        return Outcome(True, details), losing
    begun_with = before

    async def has_swallowed() -> bool:
        return (await of_world.swallowed(links) or 0) > begun_with

    if await eventually(world, has_swallowed, EFFECT_BOUND_S, POLL_S):
        return Outcome(True, details), losing
    return Outcome(None, {**details, "swallowed": f"nothing within {EFFECT_BOUND_S:g} s"}), losing
