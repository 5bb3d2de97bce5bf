"""A clock that jumps to and fro shows in the node's replies, and no election hangs on it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from harness.cluster.world import HostedWorld
from harness.nemesis.faults.clock.strobe import EndStrobe, StrobeClock
from tests.harness.cluster.test_faults import BOUND_S, NAMES, in_world, needs_faketime, shown_time, took


@needs_faketime
def test_a_strobed_leader_shows_times_that_jump_back_and_forth_and_still_leads(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        leader = await world.wait_for_leader(BOUND_S)
        term = (await world.observe()).nodes[leader].term
        await took(world, StrobeClock((leader,), -3600, 200))
        shown: list[float] = []
        async with asyncio.timeout(10):
            while not shown or max(shown) < -5 or min(shown) > -3590:
                shown.append(await shown_time(world, leader))
        assert all(min(abs(ahead), abs(ahead + 3600)) < 5 for ahead in shown)
        assert not (await world.carry_out(StrobeClock((leader,), 10, 200))).took_effect
        await took(world, EndStrobe(NAMES))
        assert all([abs(await shown_time(world, leader)) < 2.5 for _ in range(30)])
        assert not (await world.carry_out(EndStrobe(NAMES))).took_effect
        view = await world.observe()
        assert (view.leader(), view.nodes[leader].term) == (leader, term), "jumps backwards stop no timer"

    in_world(tmp_path, body, faults=("strobe",))
