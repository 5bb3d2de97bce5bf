"""Nodes whose files were damaged while they were stopped: which they start with, and what they then hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.cluster.mechanisms.files import HostFiles
from harness.cluster.world import HostedWorld
from harness.nemesis.faults.disk.damage import Damage, Repair
from harness.nemesis.faults.disk.power import LosePower
from harness.nemesis.faults.disk.rollback import BackUp, Restore
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.nemesis.mechanisms.world import NodeResult
from harness.systems.base import Launch, Place, WrittenFile
from harness.systems.reference_node import ReferenceNode
from tests.harness.cluster.busy import busy, until_written
from tests.harness.cluster.test_faults import NAMES, in_world, took
from tests.harness.hosts.disks.test_disks import last_index, last_synced
from tests.harness.hosts.disks.test_faultydisk import needs_fuse


def test_a_node_cuts_off_a_torn_write_and_goes_on(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await until_written(world)
            for draw in range(3):
                outcome = await world.carry_out(Damage(("n1",), "torn", draw))
                assert (outcome.took_effect, outcome.error) == (True, None)
                assert outcome.details["n1"]["file"] == "log.wal"

    world = in_world(tmp_path, body, faults=("torn",))
    assert (tmp_path / "nodes/n1/log.txt").read_text().count("cut a torn end of") == 3
    assert [life.ended_by for life in world.lives() if life.node == "n1"] == ["torn"] * 3 + ["teardown"]


def test_a_node_refuses_a_log_with_a_flipped_bit_and_goes_on_with_it_repaired(tmp_path: Path) -> None:
    log = tmp_path / "nodes/n1/data/log.wal"

    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await until_written(world)
            for draw in range(3):
                await took(world, Damage(("n1",), "rot", draw))
                started = await world.carry_out(Start(NAMES))
                assert (started.took_effect, started.error) == (False, None), (
                    "it stays down, and is not tried"
                )
                assert not (await world.observe()).nodes["n1"].running
                damaged = log.read_bytes()
                await took(world, Repair(NAMES))
                differing = sum(a != b for a, b in zip(damaged, log.read_bytes(), strict=True))
                assert differing == 1
                await took(world, Start(NAMES))
            assert not (await world.carry_out(Repair(NAMES))).took_effect

    world = in_world(tmp_path, body, faults=("rot",))
    ended = [(life.status, life.ended_by) for life in world.lives() if life.node == "n1"]
    assert ended == [(-9, "rot"), (65, "rot")] * 3 + [(0, "teardown")]


@pytest.mark.parametrize("fault", ["truncate", "rollback"])
def test_a_node_forgets_what_was_taken_from_its_log(tmp_path: Path, fault: str) -> None:
    """What it must not: these are offered as what breaks Raft's assumptions."""

    async def body(world: HostedWorld) -> None:
        if fault == "rollback":
            await took(world, BackUp(("n1",)))
        async with busy(world):
            await until_written(world)
            await took(world, Kill(tuple(name for name in NAMES if name != "n1")))
        if fault == "rollback":
            await took(world, Restore(NAMES))
        else:
            await took(world, Damage(("n1",), "truncate", 1))
        await world.carry_out(Start(NAMES))

    in_world(tmp_path, body, faults=(fault,))
    forgetful = 3 if fault == "rollback" else 2
    assert last_index(tmp_path, "n1", life=forgetful) < last_synced(tmp_path, "n1", life=forgetful - 1)


def changing(monkeypatch: pytest.MonkeyPatch, asked: str, done: str | None) -> None:
    """Let the program that changes files do something else than it is asked for, or nothing."""
    change = HostFiles._change

    async def other(files: HostFiles, node: str, what: str, draw: int) -> Mapping[str, Any]:
        if what == "dropped" and done is None:
            return {"dropped_bytes": 0}
        if what != asked:
            return await change(files, node, what, draw)
        return {"file": "log.wal"} if done is None else await change(files, node, done, draw)

    monkeypatch.setattr(HostFiles, "_change", other)


def test_a_node_that_accepts_a_flipped_bit_keeps_its_files_and_may_end_for_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing(monkeypatch, "rot", None)  # so the node does accept it

    async def body(world: HostedWorld) -> None:
        outcome = await world.carry_out(Damage(("n1",), "rot", 1))
        assert (outcome.took_effect, outcome.error) == (
            False,
            "n1: started although a bit of its files had flipped",
        )
        assert not (await world.carry_out(Repair(NAMES))).took_effect, "old bytes would be a rollback"
        assert (await world.observe()).nodes["n1"].running
        await took(world, Kill(("n1",)))
        log = tmp_path / "nodes/n1/data/log.wal"
        log.write_bytes(bytes([log.read_bytes()[0] ^ 1]) + log.read_bytes()[1:])
        await world.carry_out(Start(("n1",)))

    world = in_world(tmp_path, body, faults=("rot",))
    ended = [(life.status, life.ended_by) for life in world.lives() if life.node == "n1"]
    assert ended == [(-9, "rot"), (-9, "kill"), (65, "rot")]


def test_what_a_node_drops_behind_a_flipped_bit_is_in_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node refuses such a log; here it lacks what lay behind the bit once it was tried."""
    log = tmp_path / "nodes/n1/data/log.wal"
    try_rotten = HostFiles.try_rotten

    async def cut(files: HostFiles, node: str) -> NodeResult:
        result = await try_rotten(files, node)
        log.write_bytes(b"")
        return result

    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await until_written(world)
        outcome = await world.carry_out(Damage(("n1",), "rot", 1))
        facts = outcome.details["n1"]
        assert facts["dropped_bytes"] == facts["size"] - facts["byte"] - 1 > 0
        await took(world, Repair(NAMES))
        await took(world, Start(NAMES))
        monkeypatch.setattr(HostFiles, "try_rotten", try_rotten)
        assert "dropped_bytes" not in (await world.carry_out(Damage(("n1",), "rot", 1))).details["n1"]

    monkeypatch.setattr(HostFiles, "try_rotten", cut)
    in_world(tmp_path, body, faults=("rot",))


def test_a_node_that_sees_that_its_log_was_cut_and_refuses_has_felt_the_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing(monkeypatch, "truncate", "rot")  # so the node does see it

    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await until_written(world)
            await took(world, Damage(("n1",), "truncate", 1))
        assert not (await world.observe()).nodes["n1"].running

    world = in_world(tmp_path, body, faults=("truncate",))
    ended = [(life.status, life.ended_by) for life in world.lives() if life.node == "n1"]
    assert ended == [(-9, "truncate"), (65, "truncate")]


class WithFiles(ReferenceNode, frozen=True):
    """A node to which the harness gives files in its data folder, as ZooKeeper's number."""

    def launch(self, place: Place) -> Launch:
        usual = super().launch(place)
        given = (
            WrittenFile("data/mine", place.name, once=True),
            WrittenFile("data/deep/er/mine", place.name, once=True),
        )
        return Launch(usual.processes, (*usual.files, *given))


@needs_fuse
def test_no_loss_of_power_takes_the_files_that_the_harness_wrote(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        for draw in range(6):
            await took(world, LosePower(NAMES, draw))
            for name in NAMES:
                for path in ("mine", "deep/er/mine"):
                    assert (tmp_path / "nodes" / name / "data" / path).read_text() == name
            await took(world, Start(NAMES))

    in_world(tmp_path, body, faults=("power",), system=WithFiles())
