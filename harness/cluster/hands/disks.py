"""Disks that lose power, fail, fill up and get slow: a FUSE file system under each node's data folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from harness.cluster.hands.base import DONE, Done, Hand, Workshop, also
from harness.cluster.layout import NodeOnHost
from harness.generator.draw import Draw
from harness.hosts.disks.diskmessages import Behave, DiskState
from harness.hosts.disks.disks import DISTRIBUTION, FaultyDisk, reason_against
from harness.hosts.host import Background, within
from harness.nemesis.action import Action
from harness.nemesis.faults.disk.disk_trouble import BreakDisk, MendDisk
from harness.nemesis.faults.disk.power import LosePower
from harness.nemesis.outcome import Outcome
from harness.systems.base import statuses_after

EFFECT_BOUND_S = 3.0
POLL_S = 0.02


class DiskHand(Hand):
    """One faulty disk for each node; what several faults do to it adds up."""

    actions = (LosePower, BreakDisk, MendDisk)
    distributions = (DISTRIBUTION, "msgspec")

    def __init__(self, shop: Workshop) -> None:
        super().__init__(shop)
        self._disks: dict[str, FaultyDisk] = {}
        self._troubles: dict[str, dict[str, BreakDisk]] = {}
        """By node and fault."""
        self._refused: dict[str, int] = {}
        """By node: how often its disk had refused before it was broken last."""

    def reason_against(self) -> str | None:
        """See `Hand`."""
        return reason_against()

    async def fit(self, node: NodeOnHost) -> None:
        """Mount a disk over the data folder."""
        place = node.place
        self._disks[place.name] = disk = FaultyDisk(
            node.host,
            place.data,
            log=place.log.with_name("disk.txt"),
            python=place.python,
            environment={} if place.modules is None else {"PYTHONPATH": str(place.modules)},
        )
        self._troubles[place.name] = {}
        await disk.mount()

    async def unfit(self, node: NodeOnHost) -> None:
        """Unmount it; what the node wrote stays in its folder."""
        disk = self._disks.get(node.place.name)
        if disk is not None:
            await disk.unmount()

    async def began(self, node: NodeOnHost, process: Background) -> None:
        """Its disk is as bad as it was for its last life."""
        for trouble in self._troubles[node.place.name].values():
            self._expect_its_end(process, trouble)

    async def carry_out(self, action: Action) -> Outcome:
        """See `Hand`."""
        match action:
            case LosePower(nodes, draw):
                lost: dict[str, int] = {}
                outcome = await self._shop.on_each(nodes, lambda node: self._lose_power(node, draw, lost))
                return also(outcome, **lost)
            case BreakDisk(nodes):
                how = {
                    "room_bytes": action.room_bytes,
                    "failing": action.failing,
                    "delay_ms": action.delay_ms,
                }
                outcome = await self._shop.on_each(nodes, lambda node: self._break(node, action))
                return also(outcome, **{name: value for name, value in how.items() if value not in (None, 0)})
            case MendDisk(nodes, by):
                return await self._shop.on_each(nodes, lambda node: self._mend(node, by))
        return await super().carry_out(action)

    async def _lose_power(self, node: NodeOnHost, draw: int, lost: dict[str, int]) -> Done:
        """Done once the process has ended and the disk has forgotten, be it nothing."""
        process = node.process
        if process is None:
            return None
        if not await node.host.kill(process, by="power"):
            return "still runs after SIGKILL"
        found = await self._disks[node.place.name].lose_power(Draw(draw).bits(node.place.name))
        for name, count in (
            ("lost_bytes", found.bytes),
            ("lost_names", found.names),
            ("torn_files", found.torn_files),
        ):
            lost[name] = lost.get(name, 0) + count
        return DONE

    async def _break(self, node: NodeOnHost, trouble: BreakDisk) -> Done:
        """Done once the disk has refused or delayed something."""
        disk, troubles = self._disks[node.place.name], self._troubles[node.place.name]
        process = node.process
        if process is None or trouble.by in troubles:
            return None
        before = await disk.state()
        troubles[trouble.by] = trouble
        self._refused[node.place.name] = before.refused
        self._expect_its_end(process, trouble)
        await disk.behave(_behave(troubles))

        def took_effect(now: DiskState) -> bool:
            return now.delayed > before.delayed if trouble.delay_ms else now.refused > before.refused

        deadline = asyncio.get_running_loop().time() + EFFECT_BOUND_S
        while not took_effect(await disk.state()):
            if asyncio.get_running_loop().time() > deadline:
                return "asked nothing of its disk, so it met no trouble"
            await asyncio.sleep(POLL_S)
        return DONE

    async def _mend(self, node: NodeOnHost, by: str) -> Done:
        """Done once the disk has taken it, and a process that was refused something has ended."""
        disk, troubles = self._disks[node.place.name], self._troubles[node.place.name]
        trouble = troubles.pop(by, None)
        if trouble is None:
            return None
        now = await disk.behave(_behave(troubles))
        process, statuses = node.process, statuses_after(self._shop.system, "disk")
        if process is None or trouble.delay_ms or not statuses:
            return DONE
        if now.refused > self._refused[node.place.name]:
            await within(EFFECT_BOUND_S, process.exited.wait())
        for status in statuses:
            process.mean(status, None)
        return DONE

    def _expect_its_end(self, process: Background, trouble: BreakDisk) -> None:
        if not trouble.delay_ms:
            for status in statuses_after(self._shop.system, "disk"):
                process.mean(status, trouble.by)


def _behave(troubles: Mapping[str, BreakDisk]) -> Behave:
    """How a disk is that has all of these."""
    rooms = [trouble.room_bytes for trouble in troubles.values() if trouble.room_bytes is not None]
    failing = [trouble.failing for trouble in troubles.values() if trouble.failing is not None]
    return Behave(
        room_bytes=min(rooms, default=None),
        failing=failing[-1] if failing else None,
        delay_ms=max((trouble.delay_ms for trouble in troubles.values()), default=0),
    )
