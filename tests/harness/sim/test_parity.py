"""The simulator and a real kernel, its disks and clocks, show nodes the same, or what is declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cluster.kinds import NETNS
from harness.hosts import agent
from harness.hosts.disks.disks import reason_against
from harness.nemesis import NEMESES
from harness.nemesis.needs import FAKETIME, FUSE
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.parity.disk_calls import CALLS, DiskCalls, found_by_fuse, found_in_simulator
from harness.sim.parity.kernel import play_on_kernel
from harness.sim.parity.page import PAGE, with_tables
from harness.sim.parity.scenario import KernelWorld, Scenario
from harness.sim.parity.scenarios import SCENARIOS
from harness.sim.parity.simulated import play_simulated
from harness.sim.world.disk import SimulatedDisk
from tests.harness.hosts.namespaces import needs_namespaces

QUICK = ("kill-meanwhile",)
"""Played on real nodes always; the others in campaigns."""


def on_kernels() -> list[object]:
    """Each scenario in each real world that it names."""
    found: list[object] = []
    for scenario in SCENARIOS.values():
        for world in scenario.worlds:
            marks = [] if scenario.name in QUICK else [pytest.mark.campaign]
            if world == "netns":
                marks.append(needs_namespaces)
            found.append(pytest.param(scenario, world, marks=marks, id=f"{scenario.name}-{world}"))
    return found


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_simulated_nodes_and_clients_see_what_is_declared(scenario: Scenario, seed: int) -> None:
    assert play_simulated(scenario, seed) == scenario.expected(None)


@pytest.mark.parametrize(("scenario", "world"), on_kernels())
def test_real_nodes_and_clients_see_what_is_declared(
    scenario: Scenario, world: KernelWorld, tmp_path: Path
) -> None:
    needs = {need for name in scenario.faults for need in NEMESES[name].needs}
    if FAKETIME in needs and agent.faketime() is None:
        pytest.skip("no libfaketime here")
    if FUSE in needs and reason_against() is not None:
        pytest.skip(f"no FUSE here: {reason_against()}")
    assert play_on_kernel(scenario, tmp_path / "nodes", world) == scenario.expected(world)


@pytest.mark.parametrize("calls", CALLS, ids=lambda calls: calls.about)
def test_what_a_loss_of_power_may_leave_is_the_same_on_both_disks(calls: DiskCalls, tmp_path: Path) -> None:
    assert found_in_simulator(calls) == calls.found
    by_fuse = found_by_fuse(calls, tmp_path)
    assert by_fuse == (calls.found if calls.by_fuse is None else calls.by_fuse)
    assert by_fuse <= calls.found, "the simulator must be able to do whatever a real disk does"


def test_each_difference_has_a_reason_and_is_one() -> None:
    for scenario in SCENARIOS.values():
        for fact in scenario.facts:
            assert bool(fact.on) == bool(fact.why), f"{scenario.name}: {fact.what}"
            assert all(seen != fact.sees for seen in fact.on.values()), f"{scenario.name}: {fact.what}"
            assert set(fact.on) <= set(scenario.worlds)
    assert all((calls.by_fuse is None) == (not calls.why) for calls in CALLS)


def test_a_simulator_that_differs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes unsynced bytes at a kill, and a client that is refused where its node is paused."""
    scenario = SCENARIOS["kill-unsynced"]

    def loses_at_a_kill(disk: SimulatedDisk, name: str, data: bytes) -> None:
        disk._files[name].content += data[: len(data) // 2]

    monkeypatch.setattr(SimulatedDisk, "append", loses_at_a_kill)
    with pytest.raises(Exception, match=r".+"):
        assert play_simulated(scenario) == scenario.expected(None)


def test_the_mechanisms_that_both_worlds_have_are_each_in_a_scenario() -> None:
    """But for those of the cluster as a whole, which act through the node's own interface."""
    played = {
        mechanism
        for one in SCENARIOS.values()
        for name in one.faults
        for mechanism in NEMESES[name].mechanisms
    }
    left = {mechanism.name for mechanism in SIM.mechanisms & NETNS.mechanisms if mechanism not in played}
    assert left == {
        "links that can lose a part of what they carry",
        "processes that can be slowed down",
        "members that can be changed",
    }


def test_the_page_has_what_is_declared() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "run `scripts/docs`"
