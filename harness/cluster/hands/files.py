"""Files that are damaged while their node is stopped: torn, rotten, cut, or older than they were."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.cluster.hands.base import DONE, Done, Hand, Workshop, also
from harness.cluster.layout import NodeOnHost
from harness.generator.draw import Draw
from harness.hosts.disks import atrest
from harness.hosts.host import Background, HostError
from harness.nemesis.action import Action
from harness.nemesis.faults.disk.damage import Damage, Repair
from harness.nemesis.faults.disk.rollback import BackUp, Restore
from harness.nemesis.outcome import Outcome
from harness.systems.base import statuses_after


class FileHand(Hand):
    """What a correct node must survive it is started with at once; what it must refuse keeps it down."""

    actions = (Damage, Repair, BackUp, Restore)

    def __init__(self, shop: Workshop) -> None:
        super().__init__(shop)
        self._rotten: set[str] = set()
        self._is_trying: set[str] = set()
        self._backed_up: set[str] = set()

    def holds_down(self, node: NodeOnHost) -> bool:
        """A node that refuses its own files stays down until they are repaired."""
        return node.place.name in self._rotten - self._is_trying

    async def began(self, node: NodeOnHost, process: Background) -> None:
        """That it ends with the status of a damaged log is what is wanted."""
        if node.place.name in self._is_trying:
            for status in statuses_after(self._shop.system, "corrupt"):
                process.mean(status, "rot")

    async def carry_out(self, action: Action) -> Outcome:
        """See `Hand`."""
        done: dict[str, Any] = {}
        match action:
            case Damage(nodes, "rot", draw):
                outcome = await self._shop.on_each(nodes, lambda node: self._rot(node, draw, done))
            case Damage(nodes, how, draw):
                outcome = await self._shop.on_each(nodes, lambda node: self._damage(node, how, draw, done))
            case Repair(nodes):
                outcome = await self._shop.on_each(nodes, lambda node: self._repair(node, done))
            case BackUp(nodes):
                outcome = await self._shop.on_each(nodes, lambda node: self._back_up(node, done))
            case Restore(nodes):
                outcome = await self._shop.on_each(nodes, lambda node: self._restore(node, done))
            case _:
                return await super().carry_out(action)
        return also(outcome, **done)

    async def _damage(self, node: NodeOnHost, how: str, draw: int, done: dict[str, Any]) -> Done:
        """Done once the file is damaged, and the node answers again."""
        if not await self._stop(node, how):
            return None
        await self._act(node, how, draw, done)
        return await self._shop.start(node)

    async def _rot(self, node: NodeOnHost, draw: int, done: dict[str, Any]) -> Done:
        """Done once the node has refused to start."""
        name = node.place.name
        if name in self._rotten or not await self._stop(node, "rot"):
            return None
        await self._act(node, "rot", draw, done)
        self._rotten.add(name)
        self._is_trying.add(name)
        try:
            became = await self._shop.start(node)
        finally:
            self._is_trying.discard(name)
        if became == DONE:
            return "started although a bit of its files had flipped"
        return DONE if node.lives[-1][1].ended_by == "rot" else became

    async def _repair(self, node: NodeOnHost, done: dict[str, Any]) -> Done:
        """Done once the file is as it was; a node that had taken the damaged one is stopped for it."""
        name = node.place.name
        if name not in self._rotten:
            return None
        await self._stop(node, "rot")
        await self._act(node, "repair", 0, done)
        self._rotten.discard(name)
        return DONE

    async def _back_up(self, node: NodeOnHost, done: dict[str, Any]) -> Done:
        """Done once there is a copy, and the node answers again."""
        if node.place.name in self._backed_up or not await self._stop(node, "rollback"):
            return None
        await self._act(node, "backup", 0, done)
        self._backed_up.add(node.place.name)
        return await self._shop.start(node)

    async def _restore(self, node: NodeOnHost, done: dict[str, Any]) -> Done:
        """Done once the copy is in place; the node is not started by it."""
        if node.place.name not in self._backed_up:
            return None
        await self._stop(node, "rollback")
        await self._act(node, "restore", 0, done)
        self._backed_up.discard(node.place.name)
        return DONE

    async def _stop(self, node: NodeOnHost, by: str) -> bool:
        """Kill it; False if it did not run."""
        process = node.process
        if process is None:
            return False
        if not await node.host.kill(process, by=by):
            raise HostError("still runs after SIGKILL")
        return True

    async def _act(self, node: NodeOnHost, what: str, draw: int, done: dict[str, Any]) -> None:
        place = node.place
        drawn = Draw(draw).bits(place.name)
        aside = place.data.parent / "aside"
        ran = await node.host.run(
            [place.python, "-c", atrest.SOURCE, what, str(place.data), str(aside), str(drawn)]
        )
        if ran.status:
            raise HostError(f"{what}: {ran.complaint()}")
        done[place.name] = msgspec.json.decode(ran.output)
