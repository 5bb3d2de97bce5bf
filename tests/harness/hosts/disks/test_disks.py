"""Nodes on faulty disks: what they lose, how they end, and on whose account."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import time
from pathlib import Path

import pytest

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.cluster.world import HostedWorld
from harness.errors import CouldNotRun
from harness.nemesis.faults.disk.disk_trouble import BreakDisk, MendDisk
from harness.nemesis.faults.disk.power import LosePower
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.systems.reference_node import ReferenceNode
from tests.harness.cluster.busy import busy, until_written
from tests.harness.cluster.test_faults import NAMES, in_world, took
from tests.harness.hosts.disks.test_faultydisk import needs_fuse


def last_synced(folder: Path, node: str, life: int = 1) -> int:
    """The last entry that a node traced as synced in a life."""
    lines = (folder / "nodes" / node / "trace" / f"{life:04}.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return max(int(event["index"]) for event in events if event["event"] == "synced")


def last_index(folder: Path, node: str, life: int) -> int:
    """The last entry of the log that a life began with."""
    lines = (folder / "nodes" / node / "trace" / f"{life:04}.jsonl").read_bytes().splitlines()
    return int(json.loads(lines[0])["last"])


@needs_fuse
def test_a_node_that_syncs_keeps_its_log_through_a_loss_of_power(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await until_written(world)
            await took(world, LosePower(NAMES, 3))
        await took(world, Start(NAMES))

    world = in_world(tmp_path, body, faults=("power",))
    assert sorted(life.ended_by or "" for life in world.lives()) == ["power"] * 3 + ["teardown"] * 3
    for name in NAMES:
        assert last_index(tmp_path, name, life=2) >= last_synced(tmp_path, name) > 10


@needs_fuse
def test_a_node_that_never_syncs_loses_what_was_written_with_the_power_and_nothing_in_a_kill(
    tmp_path: Path,
) -> None:
    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await until_written(world)
            await took(world, Kill(("n1",)))
        await took(world, Start(NAMES))
        lost = await world.carry_out(LosePower(NAMES, 3))
        assert lost.details["lost_bytes"] > 1000

    in_world(tmp_path, body, faults=("power",), system=ReferenceNode("never-fsync"))
    assert last_index(tmp_path, "n1", life=2) >= last_synced(tmp_path, "n1") > 10


@needs_fuse
@pytest.mark.parametrize(
    "trouble",
    [
        BreakDisk(("n1", "n3"), failing="fsync", by="disk-error"),
        BreakDisk(("n1", "n3"), failing="write", by="disk-error"),
        BreakDisk(("n1", "n3"), room_bytes=100, by="full"),
    ],
)
def test_a_node_whose_disk_refuses_ends_on_the_faults_account_and_comes_back(
    tmp_path: Path, trouble: BreakDisk
) -> None:
    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await took(world, trouble)
            assert not (await world.carry_out(trouble)).took_effect
            await took(world, MendDisk(NAMES, trouble.by))
            await took(world, Start(NAMES))
            await world.wait_for_leader(15)
            assert not (await world.carry_out(MendDisk(NAMES, trouble.by))).took_effect

    world = in_world(tmp_path, body, faults=(trouble.by,))
    ended = [(life.node, life.status) for life in world.lives() if life.ended_by == trouble.by]
    assert ended == [("n1", 74), ("n3", 74)]


@needs_fuse
def test_a_slow_disk_shows_in_what_the_node_says_of_its_fsyncs(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        async with busy(world):
            before = await mean_fsync_s(world, "n2")
            await took(world, BreakDisk(("n2",), delay_ms=80, by="slow-disk"))
            assert await mean_fsync_s(world, "n2") > before + 0.05
            await took(world, MendDisk(NAMES, "slow-disk"))
            await mean_fsync_s(world, "n2")
            assert await mean_fsync_s(world, "n2") < before + 0.05

    in_world(tmp_path, body, faults=("slow-disk",))


async def mean_fsync_s(world: HostedWorld, node: str) -> float:
    """Over the next second, by the node's own count."""

    async def counted() -> tuple[float, float]:
        async with HttpTransport(2, world.sockets) as transport:
            reply = await transport.send(world.address(node), HttpRequest("GET", "/metrics"))
        assert isinstance(reply, HttpReply)
        lines = [line.split(" ") for line in reply.body.decode().splitlines() if line[:1] != "#"]
        (seconds,) = [line[-1] for line in lines if "fsync_seconds_total" in line[0]]
        (count,) = [line[-1] for line in lines if "fsyncs_total" in line[0]]
        return float(seconds), float(count)

    began = time.monotonic()
    seconds, count = await counted()
    while True:
        later, more = await counted()
        if more - count >= 5 and time.monotonic() - began > 0.5:
            return (later - seconds) / (more - count)
        assert time.monotonic() - began < 20
        await asyncio.sleep(0.05)


def test_without_what_it_needs_a_run_with_disk_faults_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    async def body(world: HostedWorld) -> None:
        raise AssertionError("it started")

    with pytest.raises(CouldNotRun, match=r"power: needs mfusepy: pip install 'ackproof\[disk\]'"):
        in_world(tmp_path, body, faults=("power",))
