"""Simulated disks that lose power, fail, fill up and get slow, and files of stopped nodes that are
damaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.nemesis.mechanisms.disks import DamageKind, DiskCounts, DiskTrouble
from harness.nemesis.mechanisms.world import DONE, MechanismError, NodeResult
from harness.sim.plan.stream import Stream
from harness.sim.world.world import SimulatedWorld
from node_impl.core.storage.wal import FILE

MOST_TORN_BYTES = 2000
FEWEST_BYTES_TO_TELL = 16
"""Fewer zeros than these may also be the beginning of what the node has written there since."""
LEAST_CUT_BYTES = 100


class SimulatedDisks:
    """Implements `Disks`: each node has a disk of its own, which outlives the node's processes."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def lose_power(self, node: str, draw: int) -> Mapping[str, int]:
        """Let what the node's ended process had not synced be lost or torn."""
        return self._world.processes[node].disk.lose_power(draw)

    async def trouble(self, node: str, trouble: DiskTrouble) -> DiskCounts | None:
        """Make the disk of a running node worse; its counts just before."""
        process = self._world.processes[node]
        return process.disk.begin_trouble(trouble) if process.is_running else None

    async def counts(self, node: str) -> DiskCounts:
        """Count what the node's disk has done to calls so far."""
        return self._world.processes[node].disk.counts()

    async def mend(self, node: str, by: str) -> NodeResult:
        """End what one fault did to the disk; a process that was refused something has ended by then."""
        return DONE if self._world.processes[node].disk.end_trouble(by) else None


class SimulatedFiles:
    """Implements `StoredFiles`: damage as harness/hosts/disks/atrest.py does it to real files."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._kept: dict[str, Mapping[str, bytes]] = {}
        """By rotten node, its files before a bit flipped."""
        self._torn: dict[str, tuple[int, int]] = {}
        """By node, where the torn write in its log begins, and its size."""
        self._copies: dict[str, Mapping[str, bytes]] = {}
        """By node, the copy of its files that was not put back yet."""

    async def damage(self, node: str, kind: DamageKind, draw: int) -> Mapping[str, Any]:
        """Damage the log of a stopped node, or its largest file."""
        process = self._world.processes[node]
        disk, stream = process.disk, Stream(draw)
        name = FILE if kind == "torn" else disk.largest()  # no other file is ever appended to
        if name is None:
            raise MechanismError(f"{node} has no file with anything in it")
        before = disk.files()
        found: dict[str, Any] = {"file": name, "size": len(before[name])}
        match kind:
            case "torn":
                found["added_bytes"] = stream.between(1, MOST_TORN_BYTES)
                disk.tear(name, found["added_bytes"])
                self._torn[node] = len(disk.files()[name]) - found["added_bytes"], found["added_bytes"]
            case "truncate":
                size = len(before[name])
                found["cut_bytes"] = min(size, max(LEAST_CUT_BYTES, size // 10))
                disk.cut(name, found["cut_bytes"])
            case "rot":
                byte = disk.rot(name, stream.bits())
                if byte is None:
                    raise MechanismError(f"nothing in the files of {node} is durable yet")
                found["byte"] = byte
                self._kept[node] = before
                process.is_held_down = True
        return found

    def has_refused(self, node: str, kind: DamageKind) -> bool:
        """Whether the node's last process ended because its files were damaged so."""
        return self._world.processes[node].lives[-1].ended_by == kind

    async def is_torn(self, node: str) -> bool:
        """Whether the write that `damage` left torn is still there as it was."""
        at, size = self._torn[node]
        rest = self._world.processes[node].disk.files().get(FILE, b"")[at:]
        return rest.startswith(bytes(size)) and (size >= FEWEST_BYTES_TO_TELL or len(rest) == size)

    def is_rotten(self, node: str) -> bool:
        """Whether a bit of the node's files has flipped, and was not repaired."""
        return node in self._kept

    async def try_rotten(self, node: str) -> NodeResult:
        """Start a node whose files are rotten; `DONE` once it has refused to start for that reason."""
        process = self._world.processes[node]
        refused = process.start(expected_corrupt_by="rot")
        if refused is None:
            return "started although a bit of its files had flipped"
        return DONE if process.lives[-1].ended_by == "rot" else refused

    async def dropped_bytes(self, node: str) -> int:
        """Always 0: here the nodes' traces say what a node has lost."""
        del node
        return 0

    async def repair(self, node: str) -> Mapping[str, Any]:
        """Put the exact bytes back, as from a mirror."""
        process = self._world.processes[node]
        process.disk.put(self._kept.pop(node))
        process.is_held_down = False
        return {"file": process.disk.largest()}

    def is_backed_up(self, node: str) -> bool:
        """Whether there is a copy of the node's files that was not put back."""
        return node in self._copies

    async def back_up(self, node: str) -> Mapping[str, Any]:
        """Copy the files of a stopped node."""
        self._copies[node] = self._world.processes[node].disk.files()
        return {"bytes": sum(map(len, self._copies[node].values()))}

    async def restore(self, node: str) -> Mapping[str, Any]:
        """Put the copy in place of the files."""
        disk = self._world.processes[node].disk
        before = sum(map(len, disk.files().values()))
        disk.put(self._copies.pop(node))
        return {"bytes_before": before, "bytes": sum(map(len, disk.files().values()))}
