"""Low limits of running processes: files that they may open, memory that they may have."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.cluster.attachment import RunningCluster
from harness.cluster.layout import NodeOnHost
from harness.hosts.host import Background, HostError, eventually_asked, has_ended
from harness.hosts.programs import limiting
from harness.nemesis.mechanisms.processes import LimitedResource
from harness.nemesis.mechanisms.world import DONE, NodeResult
from harness.systems.base import statuses_after

UNLIMITED = -1
ENDING_S = 2.0
"""How long after a limit was lifted the end of a process that does not answer is still the limit's."""


class _FoundLimit(msgspec.Struct):
    used: int
    limit: int


class HostLimits:
    """`ProcessLimits`: a limit belongs to one process; the node's next life has none."""

    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster
        self._limited: dict[tuple[str, str], Background] = {}
        """By node and what is limited: the process that is."""

    async def lower(
        self, node: str, what: LimitedResource, more: int
    ) -> tuple[NodeResult, Mapping[str, int]]:
        """Lower a limit; `DONE` once the kernel shows it. With what the process used, and may use."""
        found = self._cluster.nodes[node]
        process = found.process
        if process is None or process is self._limited.get((node, what)):
            return None, {}
        for status in statuses_after(self._cluster.system, what):
            process.expect_end(status, what)
        self._limited[node, what] = process
        now = await _set(found, process, what, str(more))
        if now is None:
            return None, {}
        is_low = UNLIMITED < now.limit <= now.used + more
        result = DONE if is_low else f"has a limit of {now.limit} all the same"
        return result, {"used": now.used, "limit": now.limit}

    async def lift(self, node: str, what: LimitedResource) -> NodeResult:
        """Lift a limit; `DONE` once the kernel shows a higher one. A process that has ended needs none."""
        process = self._limited.pop((node, what), None)
        if process is None:
            return None
        if not process.is_running:
            return DONE
        found = self._cluster.nodes[node]
        before = await _set(found, process, what, "0")
        now = await _set(found, process, what, "-")
        if before is None or now is None:
            return DONE
        # What met the limit may be about to end. Only a process that answers again has borne it.
        await eventually_asked(lambda: self._ended_or_answers(node, process), ENDING_S)
        for status in statuses_after(self._cluster.system, what):
            process.expect_end(status, None)
        is_higher = now.limit == UNLIMITED or now.limit > before.limit
        return DONE if is_higher else f"has still a limit of {now.limit}"

    async def _ended_or_answers(self, node: str, process: Background) -> bool:
        return not process.is_running or await self._cluster.status(node) is not None


async def _set(node: NodeOnHost, process: Background, what: str, value: str) -> _FoundLimit | None:
    """The limit that is set now; None if the process has ended, which it may do at any moment."""
    argv = [node.place.python, "-c", limiting.SOURCE, str(process.pid), what, value]
    ran = await node.host.run(argv)
    if ran.status:
        if await has_ended(process):
            return None
        raise HostError(f"the limit of {what} cannot be set: {ran.complaint()}")
    return msgspec.json.decode(ran.output, type=_FoundLimit)
