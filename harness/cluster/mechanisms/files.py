"""Files that are damaged while their node is stopped: torn, rotten, cut, or older than they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harness.cluster.attachment import Attachment, RunningCluster
from harness.cluster.layout import NodeOnHost
from harness.hosts.disks import atrest
from harness.hosts.host import Background, HostError
from harness.nemesis.mechanisms.disks import DamageKind
from harness.nemesis.mechanisms.world import DONE, NodeResult
from harness.systems.base import damageable, log_records, statuses_after


class HostFiles(Attachment):
    """`StoredFiles`: a program on the node's host changes the files under the data folder."""

    def __init__(self, cluster: RunningCluster) -> None:
        super().__init__(cluster)
        self._rotten: set[str] = set()
        self._is_trying: set[str] = set()
        self._backed_up: set[str] = set()
        self._altered: dict[str, str] = {}
        """By node whose files are not as it left them, for good: the fault that altered them."""

    def holds_down(self, node: NodeOnHost) -> bool:
        """A node that refuses its own files stays down until they are repaired."""
        return node.place.name in self._rotten - self._is_trying

    async def after_start(self, node: NodeOnHost, process: Background) -> None:
        """An end with the status of a damaged log is expected of a node whose files are not as it left them.

        It may see that at its start, or when the others tell it of entries that it had and has lost.
        """
        name = node.place.name
        by = "rot" if name in self._is_trying else self._altered.get(name)
        if by is not None:
            for status in statuses_after(self._cluster.system, "corrupt"):
                process.expect_end(status, by)

    async def damage(self, node: str, kind: DamageKind, draw: int) -> Mapping[str, Any]:
        """Damage the files of a stopped node; after `rot` the node is held down until `repair`."""
        done = await self._change(node, kind, draw)
        if kind == "rot":
            self._rotten.add(node)
        elif kind == "truncate":
            self._altered[node] = kind
        return done

    def has_refused(self, node: str, kind: DamageKind) -> bool:
        """Whether the node's last process ended because its files were damaged so."""
        return self._cluster.nodes[node].lives[-1].main.ended_by == kind

    async def is_torn(self, node: str) -> bool:
        """Whether the write that `damage` left torn is still there as it was."""
        return bool((await self._change(node, "is-torn", 0))["is_torn"])

    def is_rotten(self, node: str) -> bool:
        """Whether a bit of the node's files has flipped, and was not repaired."""
        return node in self._rotten

    async def try_rotten(self, node: str) -> NodeResult:
        """Start a node whose files are rotten; `DONE` once it has refused to start for that reason."""
        self._is_trying.add(node)
        try:
            became = await self._cluster.processes.start(node)
        finally:
            self._is_trying.discard(node)
        if became == DONE:
            # It has gone on with these files, so its old ones must not come back: that would be a rollback.
            self._rotten.discard(node)
            self._altered[node] = "rot"
            return "started although a bit of its files had flipped"
        return DONE if self.has_refused(node, "rot") else became

    async def dropped_bytes(self, node: str) -> int:
        """How much a node that was tried with rotten files has dropped of what lay behind the flipped bit."""
        return int((await self._change(node, "dropped", 0))["dropped_bytes"])

    async def repair(self, node: str) -> Mapping[str, Any]:
        """Put the exact bytes back, as from a mirror."""
        done = await self._change(node, "repair", 0)
        self._rotten.discard(node)
        return done

    def is_backed_up(self, node: str) -> bool:
        """Whether there is a copy of the node's data folder that was not put back."""
        return node in self._backed_up

    async def back_up(self, node: str) -> Mapping[str, Any]:
        """Copy the data folder of a stopped node."""
        done = await self._change(node, "backup", 0)
        self._backed_up.add(node)
        return done

    async def restore(self, node: str) -> Mapping[str, Any]:
        """Put the copy in place of the data folder."""
        done = await self._change(node, "restore", 0)
        self._backed_up.discard(node)
        self._altered[node] = "rollback"
        return done

    async def _change(self, node: str, what: str, draw: int) -> Mapping[str, Any]:
        found = self._cluster.nodes[node]
        place = found.place
        aside = place.data.parent / "aside"
        patterns = damageable(self._cluster.system)
        ran = await found.host.run(
            [
                *(place.python, "-c", atrest.SOURCE, what, str(place.data), str(aside), str(draw)),
                *(msgspec.json.encode(log_records(self._cluster.system)).decode(), *patterns),
            ]
        )
        if ran.status:
            raise HostError(f"{what}: {ran.complaint()}")
        done: Mapping[str, Any] = msgspec.json.decode(ran.output)
        return done
