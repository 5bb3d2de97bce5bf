"""Low limits of running processes: files that they may open, memory that they may have."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.cluster.hands.base import DONE, Done, Hand, Workshop, also
from harness.cluster.layout import NodeOnHost
from harness.hosts.host import Background, HostError
from harness.hosts.programs import limiting
from harness.nemesis.action import Action
from harness.nemesis.faults.processes.limits import LiftLimit, LowerLimit
from harness.nemesis.outcome import Outcome
from harness.systems.base import Trouble, statuses_after

UNLIMITED = -1


class _Found(msgspec.Struct):
    used: int
    limit: int


class LimitHand(Hand):
    """A limit is a process's own: the next life has none."""

    actions = (LowerLimit, LiftLimit)

    def __init__(self, shop: Workshop) -> None:
        super().__init__(shop)
        self._limited: dict[tuple[str, str], Background] = {}
        """By node and what is limited: the process that is."""

    async def carry_out(self, action: Action) -> Outcome:
        """See `Hand`."""
        found: dict[str, Any] = {}
        match action:
            case LowerLimit(nodes, what, more):
                outcome = await self._shop.on_each(nodes, lambda node: self._limit(node, what, more, found))
                return also(outcome, **found)
            case LiftLimit(nodes, what):
                return await self._shop.on_each(nodes, lambda node: self._unlimit(node, what))
        return await super().carry_out(action)

    async def _limit(self, node: NodeOnHost, what: Trouble, more: int, found: dict[str, Any]) -> Done:
        """Done once the system shows the limit."""
        process = node.process
        if process is None or process is self._limited.get((node.place.name, what)):
            return None
        for status in statuses_after(self._shop.system, what):
            process.mean(status, what)
        self._limited[node.place.name, what] = process
        now = await self._set(node, process, what, str(more))
        found[node.place.name] = msgspec.to_builtins(now)
        return (
            DONE if UNLIMITED < now.limit <= now.used + more else f"has a limit of {now.limit} all the same"
        )

    async def _unlimit(self, node: NodeOnHost, what: Trouble) -> Done:
        """Done once the system shows a higher limit; a process that has ended needs none."""
        process = self._limited.pop((node.place.name, what), None)
        if process is None:
            return None
        if not process.is_running:
            return DONE
        before = await self._set(node, process, what, "0")
        now = await self._set(node, process, what, "-")
        for status in statuses_after(self._shop.system, what):
            process.mean(status, None)
        return (
            DONE
            if now.limit == UNLIMITED or now.limit > before.limit
            else f"has still a limit of {now.limit}"
        )

    async def _set(self, node: NodeOnHost, process: Background, what: str, value: str) -> _Found:
        argv = [node.place.python, "-c", limiting.SOURCE, str(process.pid), what, value]
        ran = await node.host.run(argv)
        if ran.status:
            raise HostError(f"the limit of {what} cannot be set: {ran.complaint()}")
        return msgspec.json.decode(ran.output, type=_Found)
