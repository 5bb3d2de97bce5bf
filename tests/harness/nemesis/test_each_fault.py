"""Every fault: what it plans follows from its draw, hits what runs, and is undone by its end."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster.kinds import HOSTED_WORLDS, LOCAL, NETNS, SSH
from harness.nemesis import FINAL_HEAL, NEMESES, Fault, compose
from harness.nemesis.action import nodes_of
from harness.nemesis.catalogue import all_survivable, nemesis_of
from harness.nemesis.faults.clock.clock import ResetClock, SetClock
from harness.nemesis.faults.clock.strobe import EndStrobe
from harness.nemesis.faults.disk.damage import Repair
from harness.nemesis.faults.disk.disk_trouble import BreakDisk, MendDisk
from harness.nemesis.faults.disk.power import LosePower
from harness.nemesis.faults.disk.rollback import Restore
from harness.nemesis.faults.network.impairments import EndImpairment
from harness.nemesis.faults.network.loss import EndLoss, Lose
from harness.nemesis.faults.network.partition import Heal
from harness.nemesis.faults.processes.lifecycle import Kill, Resume, Start, Terminate
from harness.nemesis.faults.processes.limits import LiftLimit
from harness.nemesis.faults.processes.slow import EndSlow, Slow
from harness.nemesis.mechanisms.clocks import CLOCK_RATES
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.mechanisms.world import WorldKind
from tests.harness.nemesis.views import draws, invocation, sizes, view

faults = st.sampled_from(sorted(NEMESES.values(), key=lambda fault: fault.name))
BARE = WorldKind("sim", frozenset({PROCESSES}))
"""A world that can do little."""
HURTS = {Kill, Slow, Terminate, SetClock, LosePower, BreakDisk}
MENDED_BY = {
    "slow": EndSlow,
    "loss": EndLoss,
    "clock": ResetClock,
    "terminate": Start,
    "storm": Start,
    "power": Start,
    "strobe": EndStrobe,
    **dict.fromkeys(("descriptors", "memory"), LiftLimit),
    "rot": Repair,
    "rollback": Restore,
    **dict.fromkeys(("torn", "truncate"), Start),
    **dict.fromkeys(("full", "disk-error", "slow-disk"), MendDisk),
    **dict.fromkeys(("delay", "rate", "stall", "reset", "duplicate", "reorder", "corrupt"), EndImpairment),
}


@given(fault=faults, size=sizes, draw=draws, data=st.data())
def test_a_fault_follows_from_its_draw_and_hits_only_what_runs(
    fault: Fault, size: int, draw: int, data: st.DataObject
) -> None:
    target = data.draw(st.sampled_from(fault.targets))
    cluster = view(size, leader="n2", down=("n1",))
    operation = invocation(fault.begin, target)
    actions = fault.planner.plan(operation, cluster, draw)
    assert actions == fault.planner.plan(operation, cluster, draw)
    for action in actions:
        if type(action) in HURTS:
            assert "n1" not in nodes_of(action)
            assert set(nodes_of(action)) <= set(cluster.nodes)


@pytest.mark.parametrize("name", sorted(MENDED_BY))
def test_a_fault_ends_by_the_action_that_mends_it_alone_and_in_the_final_heal(name: str) -> None:
    fault = NEMESES[name]
    assert fault.end == f"heal-{name}", "so that checkers and reports know that it mends"
    mend, *then = fault.planner.plan(invocation(fault.end), view(3), 1)
    assert isinstance(mend, MENDED_BY[name])
    assert then in ([], [Start(("n1", "n2", "n3"))])
    final = compose([fault]).plan(invocation(FINAL_HEAL), view(3), 1)
    assert mend in final
    assert final[-3:] == (Heal(), Resume(("n1", "n2", "n3")), Start(("n1", "n2", "n3")))
    every = compose(list(NEMESES.values())).plan(invocation(FINAL_HEAL), view(3), 1)
    assert every[-1] == Start(("n1", "n2", "n3")), "what ended is started once all else is mended"
    assert len(every) == len(set(every))


def test_a_paused_node_is_neither_slowed_nor_terminated_nor_set() -> None:
    cluster = view(2)
    paused = msgspec.structs.replace(
        cluster, nodes={**cluster.nodes, "n1": msgspec.structs.replace(cluster.nodes["n1"], paused=True)}
    )
    for name in ("slow", "terminate", "clock"):
        (action,) = NEMESES[name].planner.plan(invocation(name, "all"), paused, 3)
        assert nodes_of(action) == ("n2",)


def test_a_storm_kills_and_starts_the_same_nodes_in_turn() -> None:
    actions = NEMESES["storm"].planner.plan(invocation("storm", "leader"), view(3, leader="n3"), 5)
    assert set(actions[::2]) == {Kill(("n3",))}
    assert set(actions[1::2]) == {Start(("n3",))}
    assert 4 <= len(actions) <= 8


def test_loss_takes_the_shapes_of_partitions() -> None:
    (action,) = NEMESES["loss"].planner.plan(invocation("loss", "isolate-leader"), view(3, leader="n1"), 1)
    assert isinstance(action, Lose)
    assert all("n1" in link for link in action.links)
    with pytest.raises(ValueError, match="no loss is called 'sideways'"):
        NEMESES["loss"].planner.plan(invocation("loss", "sideways"), view(3), 1)


@pytest.mark.parametrize("beside", ["clock", "strobe:leader"])
def test_drift_is_refused_beside_what_sets_the_wall_clock(beside: str) -> None:
    with pytest.raises(ValueError, match=r"one run cannot have both drift and (clock|strobe)"):
        nemesis_of(["kill", beside, "drift:some"], SSH)


def test_all_is_without_drift_where_wall_clocks_can_be_set() -> None:
    assert "drift" in all_survivable(WorldKind("sim", frozenset({CLOCK_RATES})))
    for world in HOSTED_WORLDS.values():
        assert {"clock", "strobe"} <= set(all_survivable(world))
        assert nemesis_of(all_survivable(world), world).faults
    assert "drift" not in {name for world in HOSTED_WORLDS.values() for name in all_survivable(world)}


def test_all_is_without_what_only_some_kernels_do_to_packets() -> None:
    of_tc = {"delay", "rate", "duplicate", "reorder", "corrupt"}
    assert of_tc <= set(all_survivable(LOCAL)), "proxies do it everywhere"
    for world in (NETNS, SSH):
        assert not of_tc & set(all_survivable(world))
        assert {fault.name for fault in nemesis_of(sorted(of_tc), world).faults} == of_tc


@pytest.mark.parametrize(
    ("name", "world"),
    [("stall", NETNS), ("reset", SSH), ("loss", BARE), ("clock", BARE), ("slow", BARE)],
)
def test_a_world_that_cannot_do_a_fault_refuses_it(name: str, world: WorldKind) -> None:
    with pytest.raises(
        ValueError, match=f"nemesis {name} is not possible in {world.name}: that world has no "
    ):
        nemesis_of([name], world)
