"""Monotonic clocks of real nodes that run slow or fast: seen in what the nodes show, and healed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from harness.cluster.local import LocalWorld
from harness.cluster.mechanisms.clocks import ClockReading, HostClocks, bounds_of_rate
from harness.cluster.world import HostedWorld
from harness.errors import CouldNotRun
from harness.nemesis.faults.clock.drift import ResetRate, SetRate
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.nemesis.mechanisms.clocks import CLOCK_RATES
from harness.systems.reference_node import ReferenceNode
from tests.harness.cluster.test_faults import BOUND_S, NAMES, in_world, needs_faketime, took


async def rate_of(world: HostedWorld, node: str) -> tuple[float, float]:
    """How fast a node's monotonic clock runs, measured by the test itself until it is known well enough."""
    clocks, first = world.mechanism(CLOCK_RATES), None
    assert isinstance(clocks, HostClocks)
    async with asyncio.timeout(BOUND_S):
        while True:
            last = await clocks.reading(node)
            first = first or last
            if first is not None and last is not None:
                low, high = bounds_of_rate(first, last)
                if high - low < 0.1:
                    return low, high
            await asyncio.sleep(0.1)


@needs_faketime
def test_a_slow_leader_and_fast_followers_show_it_and_go_on(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        leader = await world.wait_for_leader(BOUND_S)
        others = tuple(name for name in NAMES if name != leader)
        await took(world, SetRate((leader,), -20))
        fast = await world.carry_out(SetRate(others, 20))
        assert (fast.took_effect, fast.error, fast.details["rate"]) == (True, None, 1.2)
        assert not (await world.carry_out(SetRate(others, 20))).took_effect, "they are fast already"
        for name in NAMES:
            low, high = await rate_of(world, name)
            assert low <= (0.8 if name == leader else 1.2) <= high
            assert not low <= 1 <= high, "it is not the host's rate that was seen"

        await took(world, Kill((others[0],)))
        await took(world, Start(NAMES))
        low, high = await rate_of(world, others[0])
        assert low <= 1.2 <= high, "the next life's clock is as fast"

        healed = await world.carry_out(ResetRate(NAMES))
        assert (healed.took_effect, healed.error) == (True, None)
        assert set(healed.details["changed"]) == set(NAMES)
        assert not (await world.carry_out(ResetRate(NAMES))).took_effect
        assert await world.wait_for_leader(BOUND_S) in NAMES

    in_world(tmp_path, body, faults=("drift", "kill"))


@needs_faketime
def test_drift_beside_a_clock_that_jumps_is_refused_with_the_reason(tmp_path: Path) -> None:
    world = LocalWorld(
        ReferenceNode(),
        NAMES,
        tmp_path / "nodes",
        time.monotonic_ns,
        faults=("drift", "clock"),
        ledgers=tmp_path / "ledgers",
    )

    async def run() -> None:
        async with world:
            raise AssertionError("it was accepted")

    with pytest.raises(CouldNotRun, match="one run cannot have drift and clock or strobe"):
        asyncio.run(run())


def test_a_rate_is_known_as_closely_as_the_readings_came_at_once() -> None:
    assert bounds_of_rate(ClockReading(0, 100, 0), ClockReading(10, 112, 10)) == (1.2, 1.2)
    low, high = bounds_of_rate(ClockReading(0, 100, 0.1), ClockReading(10, 112, 10.1))
    assert (low, high) == pytest.approx((12 / 10.1, 12 / 9.9))
    assert bounds_of_rate(ClockReading(0, 100, 1), ClockReading(0.5, 101, 2))[1] == float("inf"), (
        "they may be of one instant"
    )
