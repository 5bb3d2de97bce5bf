"""What the runner of real nodes does around a fault."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from harness.errors import CouldNotRun
from harness.nemesis.action import Action
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import aims_at_leader
from harness.nemesis.view import ClusterView, NodeView
from harness.run.folder import RunFolder
from harness.run.runner import run, until_led
from harness.run.test import Test
from tests.harness.nemesis.views import invocation, view
from tests.harness.systems.described.test_described import ETCD

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


def test_what_checkers_get_has_the_time_that_the_system_needs_to_settle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lags.toml").write_text(ETCD.replace("start_s = 20", "start_s = 20, settle_s = 30"))
    stored: list[Test] = []

    def create(store: Path, test: Test) -> None:
        stored.append(test)
        raise CouldNotRun("this is enough")

    monkeypatch.setattr(RunFolder, "create", create)
    lags = Test(nodes=("n1",), system=str(tmp_path / "lags.toml"), workload="cas", nemesis=("kill",))
    with pytest.raises(CouldNotRun, match="this is enough"):
        run(lags, tmp_path / "store", command=["ackproof"], quiet=True)
    assert [test.settle_bound_s for test in stored] == [30.0]


@pytest.mark.parametrize(
    ("target", "aims"),
    [("leader", True), ("isolate-leader", True), ("slow-leader", True), ("one", False), (["n1"], False)],
)
def test_some_targets_aim_at_the_leader(target: object, aims: bool) -> None:
    assert (
        aims_at_leader(msgspec.structs.replace(invocation("kill", "one"), value={"target": target})) == aims
    )
