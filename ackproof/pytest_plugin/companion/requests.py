"""The requests by name, and what answers each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ackproof.pytest_plugin.companion import seeds

Handler = Callable[..., Awaitable[Any]]


class Requests:
    """Answers requests; what they start is ended by `close`."""

    def __init__(self) -> None:
        self._handlers: Mapping[str, Handler] = {
            "simulate": _in_thread(seeds.simulate),
            "simulate_many": _in_thread(seeds.simulate_many),
            "results": _in_thread(seeds.results),
        }

    async def handle(self, request: str, arguments: Mapping[str, Any]) -> Any:
        """The answer to a request, as JSON has values."""
        return await self._handlers[request](**arguments)

    async def close(self) -> None:
        """End every cluster."""


def _in_thread(work: Callable[..., Any]) -> Handler:
    """A handler that computes, while clusters go on."""

    async def handle(**arguments: Any) -> Any:
        return await asyncio.to_thread(work, **arguments)

    return handle
