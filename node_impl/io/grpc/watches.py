"""Where pushes come from: one long poll at the node for each thing that clients watch.

A watch asks the node as a client would, over and over: the answer comes once something has changed. Where the
node refuses (there is no leader), the watch asks again a moment later, so it shows a change late, and never
not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from node_impl.core.requests import (
    Config,
    ConfigKey,
    Done,
    GetConfig,
    HeldConfig,
    ListenConfigs,
    ListInstances,
    Reply,
    Request,
)

WAIT_MS: Final = 10_000
"""How long one long poll waits; a watch that has ended is forgotten by the node after this time."""
REFUSED_S: Final = 0.2
"""How long a watch waits after a refusal."""

Ask = Callable[[Request], Awaitable[Reply]]
Show = Callable[[int, Any], None]
"""A function that is shown what was read, and at which Raft index."""


class Watches:
    """All watches of one node, shared by those that watch the same."""

    def __init__(self, ask: Ask, on_defect: Callable[[Exception], None]) -> None:
        self._ask = ask
        self._on_defect = on_defect
        self._shown: dict[ListInstances | ConfigKey, dict[Show, None]] = {}
        self._tasks: dict[ListInstances | ConfigKey, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, what: ListInstances | ConfigKey, show: Show) -> None:
        """Show each change of `what` from now on, and what is there now."""
        self._shown.setdefault(what, {})[show] = None
        if what not in self._tasks:
            self._tasks[what] = asyncio.create_task(self._watch(what))

    def remove(self, what: ListInstances | ConfigKey, show: Show) -> None:
        """Stop showing it there."""
        shown = self._shown.get(what, {})
        shown.pop(show, None)
        if not shown and what in self._tasks:
            del self._shown[what]
            self._tasks.pop(what).cancel()

    def close(self) -> None:
        """End all watches."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def _watch(self, what: ListInstances | ConfigKey) -> None:
        try:
            if isinstance(what, ListInstances):
                await self._watch_service(what)
            else:
                await self._watch_config(what)
        except Exception as error:  # noqa: BLE001 - a defect must end the node, not one watch
            self._on_defect(error)

    async def _watch_service(self, what: ListInstances) -> None:
        after = 0
        while True:
            body = msgspec.structs.replace(what, after=after, wait_ms=WAIT_MS if after else 0)
            reply = await self._ask(Request(body))
            if not isinstance(reply, Done):
                await asyncio.sleep(REFUSED_S)
            elif reply.value.changed > after or not after:
                self._show(what, reply.raft_index, reply.value)
                after = reply.raft_index

    async def _watch_config(self, what: ConfigKey) -> None:
        while True:
            reply = await self._ask(Request(GetConfig(what)))
            if not isinstance(reply, Done):
                await asyncio.sleep(REFUSED_S)
                continue
            found: Config | None = reply.value
            self._show(what, reply.raft_index, found)
            held = HeldConfig(what, "" if found is None else found.md5)
            while True:
                listened = await self._ask(Request(ListenConfigs((held,), wait_ms=WAIT_MS)))
                if isinstance(listened, Done) and listened.value:
                    break
                if not isinstance(listened, Done):
                    await asyncio.sleep(REFUSED_S)

    def _show(self, what: ListInstances | ConfigKey, raft_index: int, value: Any) -> None:
        for show in tuple(self._shown.get(what, ())):
            show(raft_index, value)
