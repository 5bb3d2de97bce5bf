"""Cores whose persists are written and not synced: what survives a kill, and what a loss of power takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sim.judging import judge
from harness.sim.lockstep.journal import Journal, Replacement
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.plan.for_core import faults_for_core
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.world.disk import SimulatedDisk
from node_impl.core.storage.wal import FILE
from tests.harness.sim.lockstep.cores import odd

RECORDS = [b"record %d %s" % (number, b"." * 300) for number in range(12)]


def opened(disk: SimulatedDisk) -> Journal:
    journal = Journal(disk, is_synced=False)
    journal.recover()
    return journal


def recovered(disk: SimulatedDisk) -> list[bytes]:
    return list(Journal(disk, is_synced=False).recover().records)


def with_records() -> SimulatedDisk:
    disk = SimulatedDisk()
    journal = opened(disk)
    for record in RECORDS:
        journal.hand((record,))
    return disk


def test_what_was_written_survives_the_end_of_the_process() -> None:
    assert recovered(with_records()) == RECORDS


def test_a_loss_of_power_leaves_a_beginning_of_what_was_written() -> None:
    kept = set()
    for draw in range(40):
        disk = with_records()
        disk.lose_power(draw * 0x9E3779B97F4A7C15 % 2**64)
        found = recovered(disk)
        assert found == RECORDS[: len(found)]
        assert recovered(disk) == found
        kept.add(len(found))
    assert {0, len(RECORDS)} < kept


def test_a_journal_goes_on_behind_the_beginning_that_was_left() -> None:
    disk = with_records()
    disk.put({FILE: disk.files()[FILE][:-3]})
    opened(disk).hand((b"later",))
    assert recovered(disk) == [*RECORDS[:-1], b"later"]


def test_a_journal_is_replaced_as_a_whole() -> None:
    disk = with_records()
    journal = opened(disk)
    journal.hand(Replacement((b"all",)))
    journal.hand((b"more",))
    assert recovered(disk) == [b"all", b"more"]


@pytest.mark.parametrize(("fault", "is_lost"), [("kill", False), ("power", True)])
def test_acknowledged_writes_are_lost_with_power_and_not_with_the_process(
    fault: str, is_lost: bool, tmp_path: Path
) -> None:
    judged = [judge(plan_of(seed, options(odd("written"), fault)), tmp_path) for seed in (1, 2, 3)]
    assert any("linearizability" in one.invalid for one in judged) is is_lost


def options(core: ForeignCore, fault: str) -> SeedOptions:
    return SeedOptions(nodes=1, nemesis=(fault,), time_limit_s=2, rate=40, workload="register", core=core)


def test_power_is_lost_only_where_the_user_asks_for_it() -> None:
    core = odd("written")
    faults = ("kill", "power", "rot", "torn", "membership")

    def possible(of: ForeignCore, *, are_drawn: bool) -> list[str]:
        left = faults_for_core(faults, of, are_drawn=are_drawn)
        return [fault.partition(":")[0] for fault in left]

    assert possible(core, are_drawn=False) == ["kill", "power"]
    assert possible(core, are_drawn=True) == ["kill"]
    assert possible(odd(), are_drawn=True) == ["kill", "power", "rot", "torn"]


@pytest.mark.parametrize(("fault", "expected"), [("kill", {False}), ("power", {False, True})])
def test_a_scheduled_crash_takes_the_power_only_where_the_user_asks_for_it(
    fault: str, expected: set[bool]
) -> None:
    core = odd("written")
    plans = [plan_of(seed, options(core, fault)) for seed in range(1, 9)]
    assert {getattr(one, "power_lost", False) for plan in plans for one in plan.scheduled_faults} == expected


def test_an_error_of_the_disk_ends_a_node_whose_writes_are_not_synced() -> None:
    ran = run(plan_of(1, options(odd("written"), "disk-error")))
    assert "disk-error" in {life.ended_by for life in ran.lives}
