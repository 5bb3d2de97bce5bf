"""Crashes in single calls to the disk, and reads that fail, at the moments that scheduled faults name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.mutants.catalogue import MUTANTS
from harness.sim.judging import judge
from harness.sim.plan.scheduled_faults import CrashAtDiskCall, CrashAtEffect, ReadError, ScheduledFault
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.schedule.story import fault_in_words
from tests.harness.sim.world.test_world import SECOND, judged, plan

DOWN = SECOND // 10


def ends(node: str, *faults: ScheduledFault, tmp_path: Path) -> list[str | None]:
    """How the lives of a node end in a run of the correct node, which stays valid."""
    ran = run(msgspec.structs.replace(plan(*faults), settings={"snapshot_entries": 10}))
    assert judged(ran, tmp_path) == {}
    return [life.ended_by for life in ran.lives if life.node == node]


def test_a_node_crashes_in_a_write_a_snapshot_a_recovery_and_the_first_write_after_it(tmp_path: Path) -> None:
    faults = (
        CrashAtDiskCall("n1", "write", 5, 1, False, DOWN),
        CrashAtDiskCall("n1", "recovery", 2, 2, True, DOWN),
        CrashAtDiskCall("n1", "first-write", 3, 2, True, DOWN),
        CrashAtDiskCall("n1", "snapshot", 1, 7, False, DOWN),
    )
    ended = ends("n1", *faults, tmp_path=tmp_path)
    assert ended == ["crash", "power-loss", "power-loss", "crash", "teardown"]


def test_a_kill_may_be_followed_by_a_loss_of_power_in_the_next_life_s_first_write(
    tmp_path: Path,
) -> None:
    crash = CrashAtDiskCall("n2", "write", 20, 2, False, DOWN, power_lost_next=True)
    assert ends("n2", crash, tmp_path=tmp_path) == ["crash", "power-loss", "teardown"]


def test_a_node_that_cannot_read_its_disk_does_not_start_until_it_can(tmp_path: Path) -> None:
    crash = CrashAtEffect("n3", 100, False, DOWN)
    errors = [ReadError("n3", 1 + n, n, DOWN) for n in (1, 2)]
    assert ends("n3", crash, *errors, tmp_path=tmp_path) == ["crash", "read-error", "read-error", "teardown"]


@pytest.mark.parametrize("power_lost", [False, True])
def test_what_was_never_synced_outlives_kills_and_no_loss_of_power(power_lost: bool, tmp_path: Path) -> None:
    crashes = [CrashAtDiskCall("n1", "write", number, 1, power_lost, DOWN) for number in (20, 40)]
    bug = MUTANTS["never-fsync"].parts
    ran = run(plan(*crashes), parts=bug)
    assert ran.lives[0].ended_by == ("power-loss" if power_lost else "crash")
    wrong = {checker for checker, text in judged(ran, tmp_path).items() if text.startswith("invalid")}
    assert bool(wrong & {"durable-log", "node-health"}) is power_lost


def test_seeds_draw_each_occasion_and_failing_reads() -> None:
    faults = [fault for seed in range(100) for fault in plan_of(seed).scheduled_faults]
    crashes = [fault for fault in faults if isinstance(fault, CrashAtDiskCall)]
    assert {one.occasion for one in crashes} == {"write", "snapshot", "recovery", "first-write"}
    assert {(one.power_lost, one.power_lost_next) for one in crashes} == {
        (True, False),
        (False, True),
        (False, False),
    }
    assert any(isinstance(fault, ReadError) for fault in faults)


def test_stories_say_where_the_disk_fails() -> None:
    crash = CrashAtDiskCall("n1", "snapshot", 2, 3, False, DOWN, power_lost_next=True)
    assert fault_in_words(crash) == (
        "n1 crashes in call 3 to its disk of its snapshot 2, for 100 ms, "
        "and loses power in the first write of its next life"
    )
    assert "cannot read its disk" in fault_in_words(ReadError("n1", 2, 1, DOWN))


BUGS_OF_THE_PAGE_CACHE = ("kernel-trusted", "name-not-synced", "renamed-before-synced")


@pytest.mark.parametrize("mutant", BUGS_OF_THE_PAGE_CACHE)
def test_only_a_loss_of_power_shows_what_was_left_to_the_kernel(mutant: str, tmp_path: Path) -> None:
    """The seed that shows the bug shows nothing if no power is lost in it."""
    bug = MUTANTS[mutant]
    whole = plan_of(bug.seed)
    test = msgspec.structs.replace(
        whole.test, mutant=mutant, nemesis=tuple(one for one in whole.test.nemesis if "power" not in one)
    )
    kills = tuple(
        msgspec.structs.replace(one, power_lost=False)
        for one in whole.scheduled_faults
        if hasattr(one, "power_lost")
    )
    kills = tuple(
        msgspec.structs.replace(one, power_lost_next=False) if isinstance(one, CrashAtDiskCall) else one
        for one in kills
    )
    found = judge(msgspec.structs.replace(whole, test=test, scheduled_faults=kills), tmp_path)
    assert bug.caught_by not in found.invalid
