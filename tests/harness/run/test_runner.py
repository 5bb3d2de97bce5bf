"""What the runner of real nodes does around a fault."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from harness.nemesis.action import Action
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import aims_at_leader
from harness.nemesis.view import ClusterView, NodeView
from harness.run.runner import until_led
from tests.harness.nemesis.views import invocation, view

LED = view(3, leader="n2")
NOT_LED = ClusterView(
    {name: msgspec.structs.replace(node, role="follower") for name, node in LED.nodes.items()}
)
SILENT = ClusterView({name: NodeView(running=True) for name in LED.nodes})


class ElectingWorld:
    """Shows one view after another; of the last there is no end."""

    def __init__(self, *views: ClusterView) -> None:
        self.views = views
        self.asked = 0

    async def observe(self) -> ClusterView:
        self.asked += 1
        return self.views[min(self.asked, len(self.views)) - 1]

    async def carry_out(self, action: Action) -> Outcome:
        raise AssertionError(f"nothing is to be done, so not {action}")


def test_a_fault_aimed_at_the_leader_waits_until_an_election_is_over() -> None:
    world = ElectingWorld(NOT_LED, NOT_LED, LED)
    asyncio.run(until_led(world, 60))
    assert world.asked == 3


def test_it_waits_no_longer_than_its_bound() -> None:
    world = ElectingWorld(NOT_LED)
    asyncio.run(until_led(world, 0.25))
    assert world.asked > 1


def test_it_does_not_wait_where_no_node_states_a_role() -> None:
    world = ElectingWorld(SILENT)
    asyncio.run(until_led(world, 60))
    assert world.asked == 1


@pytest.mark.parametrize(
    ("target", "aims"),
    [("leader", True), ("isolate-leader", True), ("slow-leader", True), ("one", False), (["n1"], False)],
)
def test_some_targets_aim_at_the_leader(target: object, aims: bool) -> None:
    assert (
        aims_at_leader(msgspec.structs.replace(invocation("kill", "one"), value={"target": target})) == aims
    )
