"""The requests by name, and what answers each."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ackproof.pytest_plugin.companion import seeds
from ackproof.pytest_plugin.companion.clusters import Clusters

Handler = Callable[..., Awaitable[Any]]

OF_CLUSTERS = (
    "invoke",
    "complete",
    "perform",
    "begin_fault",
    "end_fault",
    "act",
    "status",
    "wait_for_leader",
    "sleep",
)
"""Requests that are methods of a `RecordedCluster`; they name it by its number, `cluster`."""


class Requests:
    """Answers requests; what they start is ended by `close`."""

    def __init__(self) -> None:
        self._clusters = Clusters()
        self._handlers: Mapping[str, Handler] = {
            "simulate": _in_thread(seeds.simulate),
            "simulate_many": _in_thread(seeds.simulate_many),
            "results": _in_thread(seeds.results),
            "start": self._clusters.start,
            "close": self._clusters.close,
            "check": self._check,
            **{name: self._of_cluster(name) for name in OF_CLUSTERS},
        }

    async def handle(self, request: str, arguments: Mapping[str, Any]) -> Any:
        """The answer to a request, as JSON has values."""
        return await self._handlers[request](**arguments)

    async def close(self) -> None:
        """End every cluster."""
        await self._clusters.close_all()

    def _of_cluster(self, name: str) -> Handler:
        async def handle(cluster: int, **arguments: Any) -> Any:
            found = getattr(self._clusters.get(cluster), name)(**arguments)
            return await found if inspect.isawaitable(found) else found

        return handle

    async def _check(self, cluster: int, store: str, **asked: Any) -> Any:
        judged = self._clusters.get(cluster)
        return await asyncio.to_thread(judged.check, Path(store), **asked)


def _in_thread(work: Callable[..., Any]) -> Handler:
    """A handler that computes, while clusters go on."""

    async def handle(**arguments: Any) -> Any:
        return await asyncio.to_thread(work, **arguments)

    return handle
