"""The nemesis waits in virtual time: what it awaits is a number of nanoseconds, which the world lets pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any, Protocol

from harness.nemesis.mechanisms.world import MechanismError, NodeResult


class VirtualWait:
    """Awaited, it yields for how long the coroutine wants to wait."""

    def __init__(self, wait_ns: int) -> None:
        self._wait_ns = wait_ns

    def __await__(self) -> Generator[int, None, None]:
        yield self._wait_ns


class WaitingWorld(Protocol):
    """What waiting needs of the world."""

    now: int

    def at(self, time: int, act: Callable[[Any], None], argument: Any) -> None:
        """Have something done at that time."""
        ...


def proceed(world: WaitingWorld, work: Coroutine[Any, Any, Any], done: Callable[[Any], None]) -> None:
    """Let a coroutine run until it waits, and again after each wait; `done` takes its result.

    Raises:
        RuntimeError: it waits for something that is no `VirtualWait`.
    """
    try:
        wait_ns = work.send(None)
    except StopIteration as end:
        done(end.value)
        return
    if not isinstance(wait_ns, int):
        work.close()
        raise RuntimeError("a nemesis waited for something that does not belong to the simulated world")
    world.at(world.now + wait_ns, lambda _: proceed(world, work, done), None)


async def together(
    world: WaitingWorld, acts: Mapping[str, Callable[[], Awaitable[NodeResult]]]
) -> dict[str, NodeResult]:
    """Do several acts at the same time; the result of each, or the error of a mechanism that failed."""
    working = {name: _attempt(act) for name, act in acts.items()}
    wake_at = dict.fromkeys(working, world.now)
    results: dict[str, NodeResult] = {}
    while working:
        for name in [name for name in working if wake_at[name] <= world.now]:
            try:
                wake_at[name] = world.now + working[name].send(None)
            except StopIteration as end:
                results[name] = end.value
                del working[name], wake_at[name]
        if working:
            await VirtualWait(min(wake_at.values()) - world.now)
    return {name: results[name] for name in acts}


async def _attempt(act: Callable[[], Awaitable[NodeResult]]) -> NodeResult:
    try:
        return await act()
    except MechanismError as error:
        return str(error)
