"""Disks that lose power, fail, fill up and get slow: a FUSE file system under each node's data folder."""

from __future__ import annotations

from collections.abc import Mapping

from harness.cluster.attachment import Attachment, RunningCluster
from harness.cluster.layout import NodeOnHost
from harness.hosts.disks.diskmessages import Behave
from harness.hosts.disks.disks import DISTRIBUTION, MountedDisk, reason_against
from harness.hosts.host import Background, within
from harness.nemesis.mechanisms.disks import DiskCounts, DiskTrouble
from harness.nemesis.mechanisms.world import DONE, NodeResult
from harness.systems.base import statuses_after, syncs_folders

END_BOUND_S = 3.0


class HostDisks(Attachment):
    """`Disks`: one faulty disk for each node; what several faults do to it adds up."""

    distributions = (DISTRIBUTION, "msgspec")

    def __init__(self, cluster: RunningCluster) -> None:
        super().__init__(cluster)
        self._disks: dict[str, MountedDisk] = {}
        self._troubles: dict[str, dict[str, DiskTrouble]] = {}
        """By node and fault."""
        self._refused: dict[str, int] = {}
        """By node: how often its disk had refused before it was broken last."""

    def reason_against(self) -> str | None:
        """This Python must be able to serve a FUSE file system."""
        return reason_against()

    async def attach(self, node: NodeOnHost) -> None:
        """Mount a disk over the data folder."""
        place = node.place
        self._disks[place.name] = disk = MountedDisk(
            node.host,
            place.data,
            log=place.log.with_name("disk.txt"),
            python=place.python,
            environment={} if place.modules is None else {"PYTHONPATH": str(place.modules)},
            names_by_fsync=not syncs_folders(self._cluster.system),
        )
        self._troubles[place.name] = {}
        await disk.mount()

    async def detach(self, node: NodeOnHost) -> None:
        """Unmount the disk; what the node wrote stays in its folder."""
        disk = self._disks.get(node.place.name)
        if disk is not None:
            await disk.unmount()

    async def after_start(self, node: NodeOnHost, process: Background) -> None:
        """The disk is as bad as it was for the node's last life, so this one may end for the same reason."""
        for trouble in self._troubles[node.place.name].values():
            self._expect_its_end(process, trouble)

    async def lose_power(self, node: str, draw: int) -> Mapping[str, int]:
        """Let what the node's ended process had not synced be lost or torn."""
        found = await self._disks[node].lose_power(draw)
        return {"lost_bytes": found.bytes, "lost_names": found.names, "torn_files": found.torn_files}

    async def trouble(self, node: str, trouble: DiskTrouble) -> DiskCounts | None:
        """Make the node's disk worse; its counts just before, None if the fault is on or the node is down."""
        process, troubles = self._cluster.nodes[node].process, self._troubles[node]
        if process is None or trouble.by in troubles:
            return None
        before = await self.counts(node)
        troubles[trouble.by] = trouble
        self._refused[node] = before.refused
        self._expect_its_end(process, trouble)
        await self._disks[node].behave(_behave(troubles))
        return before

    async def counts(self, node: str) -> DiskCounts:
        """What the node's disk has done to calls so far."""
        state = await self._disks[node].state()
        return DiskCounts(state.refused, state.delayed)

    async def mend(self, node: str, by: str) -> NodeResult:
        """End what one fault did to the node's disk; waits until a process that was refused has ended."""
        troubles = self._troubles[node]
        trouble = troubles.pop(by, None)
        if trouble is None:
            return None
        now = await self._disks[node].behave(_behave(troubles))
        process = self._cluster.nodes[node].process
        statuses = statuses_after(self._cluster.system, "disk")
        if process is None or trouble.delay_ms or not statuses:
            return DONE
        if now.refused > self._refused[node]:
            await within(END_BOUND_S, process.exited.wait())
        for status in statuses:
            process.expect_end(status, None)
        return DONE

    def _expect_its_end(self, process: Background, trouble: DiskTrouble) -> None:
        if not trouble.delay_ms:
            for status in statuses_after(self._cluster.system, "disk"):
                process.expect_end(status, trouble.by)


def _behave(troubles: Mapping[str, DiskTrouble]) -> Behave:
    """How a disk behaves that has all of these troubles."""
    rooms = [trouble.room_bytes for trouble in troubles.values() if trouble.room_bytes is not None]
    failing = [trouble.failing for trouble in troubles.values() if trouble.failing is not None]
    return Behave(
        room_bytes=min(rooms, default=None),
        failing=failing[-1] if failing else None,
        delay_ms=max((trouble.delay_ms for trouble in troubles.values()), default=0),
    )
