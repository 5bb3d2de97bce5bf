"""What the simulator has found in the node, kept as the few lines that showed it."""

from __future__ import annotations

from harness.nemesis.faults.disk.disk_trouble import BreakDisk
from harness.nemesis.faults.processes.lifecycle import Pause, Resume, Terminate
from harness.run.test import Test
from harness.sim.plan.plan import Plan
from harness.sim.schedule.overrides import ElectionOverride, Overrides, WriteOverride
from harness.sim.schedule.schedule import Schedule, ScheduleStep, play

MS = 1_000_000


def test_a_deposed_leaders_old_entries_do_not_end_followers_that_have_compacted_their_logs() -> None:
    """A leader is paused, deposed, and asks on, about entries that the others hold in a snapshot only."""
    nodes = ("n1", "n2", "n5")
    test = Test(nodes=nodes, nemesis=("pause",), concurrency=1, minimum_acknowledged=1)
    settings = {"snapshot_entries": 3, "snapshot_trailing": 0}
    writes = [
        ScheduleStep(at * MS, 0, "register", "svc-1/10.0.0.25:8080", f"r{at}", "n1")
        for at in range(1800, 2800, 50)
    ]
    schedule = Schedule(
        plan=Plan(test=test, settings=settings),
        until=4000 * MS,
        steps=(
            ScheduleStep(600 * MS, -1, "pause", actions=(Pause(("n5",)),)),
            *writes,
            ScheduleStep(3000 * MS, -1, "resume", actions=(Resume(("n5",)),)),
        ),
        overrides=Overrides(
            elections=(
                ElectionOverride("n5", 1, 0),
                ElectionOverride("n1", 1, 300 * MS),
                ElectionOverride("n2", 1, 450 * MS),
            )
        ),
    )
    ran = play(schedule)
    led = [line.role for lives in ran.traces["n5"] for line in lives if line.event == "role"]
    assert "leader" in led, "n5 must lead before it is paused"
    assert any(line.event == "snapshot" for lives in ran.traces["n1"] for line in lives)
    assert [life for life in ran.lives if life.ended_by is None] == []


def test_a_node_that_is_terminated_while_its_last_write_fails_has_ended() -> None:
    """The simulator's own fault: it waited for a write of a process that was gone."""
    nodes = ("n1", "n2", "n3")
    test = Test(nodes=nodes, nemesis=("terminate",), concurrency=1, minimum_acknowledged=1)
    schedule = Schedule(
        plan=Plan(test=test),
        until=3000 * MS,
        steps=(
            ScheduleStep(10_000 * MS, -1, "full", actions=(BreakDisk(("n1",), room_bytes=0, by="full"),)),
            ScheduleStep(10_100 * MS, -1, "terminate", actions=(Terminate(nodes),)),
        ),
        overrides=Overrides(
            elections=(
                ElectionOverride("n1", 1, 0),
                ElectionOverride("n2", 1, 450 * MS),
                ElectionOverride("n3", 1, 450 * MS),
            ),
            writes=(WriteOverride("n1", 1, 20_000 * MS),),
        ),
    )
    ran = play(schedule)
    assert "full" in [life.ended_by for life in ran.lives]
