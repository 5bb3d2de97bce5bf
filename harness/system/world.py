"""A world of node processes on hosts: starts them, breaks them, and says what was then observed.

It knows hosts (harness/control/host.py), links between nodes that can be cut, and a system; not where
the hosts are. Each kind of world is a subclass that lays these out: local.py, netns.py, ssh.py.
Whatever a fault did is *observed* before it is said to have taken effect.
"""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from harness.client.base import HttpReply
from harness.client.http import HttpTransport, SocketFactory
from harness.control.host import Background, Clock, Host, HostError
from harness.control.ledger import Ledger
from harness.control.links import Healed, LinkError
from harness.control.local import EndError, EssentialEndedError
from harness.history import NodeLife
from harness.nemesis.base import (
    Action,
    ClusterView,
    Cut,
    Heal,
    Kill,
    Link,
    NodeView,
    Outcome,
    Pause,
    Resume,
    Start,
)
from harness.system.base import NodePlace, Status, System
from harness.test import CouldNotRun

STATUS_BOUND_S = 0.4
START_BOUND_S = 10.0
STOP_BOUND_S = 3.0
POLL_S = 0.05
LAST_LINES = 5
TEARDOWN = "teardown"
TRACE_FILE = re.compile(r"[0-9]+\.jsonl")
_Done = str | None
"""What became of an act on one node: "done", None if there was nothing to do, else what went wrong."""


class _Node:
    """One node, and the lives it has had."""

    def __init__(self, place: NodePlace, host: Host) -> None:
        self.place = place
        self.host = host
        self.lives: list[tuple[int, Background]] = []

    @property
    def process(self) -> Background | None:
        """Its process, if it runs."""
        return self.lives[-1][1] if self.lives and self.lives[-1][1].is_running else None

    async def next_life(self) -> int:
        """The number that the trace of the life about to begin will have: the next one that is free.

        A life that ended before it could begin its trace leaves its number to the next.
        """
        names = await self.host.names(self.place.trace)
        traced = [int(name.removesuffix(".jsonl")) for name in names if TRACE_FILE.fullmatch(name)]
        return max(traced, default=len(self.lives)) + 1


class CutLinks(Protocol):
    """The links between nodes, as far as they can be cut; errors are `LinkError`."""

    async def cut(self, links: Iterable[Link]) -> tuple[Link, ...]:
        """Let nothing through on these, in addition; all that are cut now."""
        ...

    async def heal(self) -> Healed:
        """Let everything through again."""
        ...


@dataclass(frozen=True)
class Layout:
    """Where the nodes of one world live."""

    hosts: Mapping[str, Host]
    """By node; several nodes may share one."""
    places: Mapping[str, NodePlace]
    links: CutLinks
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to every node's."""
    sockets: SocketFactory | None = None
    """Makes the sockets that reach the nodes; None for ordinary ones."""


class HostedWorld(ABC):
    """Nodes of one system as processes on hosts. Use as `async with`: nothing outlives it.

    Args:
        system: what the nodes are.
        nodes: their names.
        folder: NAME/data, NAME/trace and NAME/log.txt of each node are under it in the end.
        clock: the run's clock.
        seed: of the nodes' own random choices.
        base_port: the first port to listen on; None takes free or usual ones.
        ledgers: where the clean-up ledger is kept; None for the user's own folder.
    """

    def __init__(
        self,
        system: System,
        nodes: Sequence[str],
        folder: Path,
        clock: Clock,
        *,
        seed: int = 0,
        base_port: int | None = None,
        ledgers: Path | None = None,
    ) -> None:
        self._system = system
        self._names = tuple(nodes)
        self._folder = folder
        self._clock = clock
        self._seed = seed
        self._base_port = base_port
        self._ledgers = ledgers
        self._nodes: dict[str, _Node] = {}
        self._stack = AsyncExitStack()
        self._layout: Layout
        self._status: HttpTransport

    @abstractmethod
    async def _lay_out(self, ledger: Ledger, stack: AsyncExitStack) -> Layout:
        """Make the hosts and links; what undoes it is pushed on the stack."""

    async def _collect(self) -> None:  # noqa: B027 (most worlds have nothing to bring)
        """Bring what nodes wrote under `folder`, once they have ended; nothing to do where it is there."""

    async def __aenter__(self) -> Self:
        """Lay out, and start all nodes.

        Raises:
            CouldNotRun: a port is in use, a folder cannot be written, a process cannot be started, a host
                cannot be reached.
        """
        try:
            await self._set_up()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            if isinstance(error, OSError | HostError | LinkError):
                raise CouldNotRun(f"cannot start the nodes: {error}") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stack.__aexit__(kind, error, trace)
        except (EndError, HostError) as problem:
            if problem is not error:
                raise CouldNotRun(str(problem)) from problem
            raise
        except ExceptionGroup as group:
            match group.exceptions:
                case (EssentialEndedError() as ended,):
                    raise CouldNotRun(str(ended)) from group
            raise

    async def _set_up(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        ledger = self._stack.enter_context(Ledger(f"run in {self._folder}", self._ledgers))
        self._layout = layout = await self._lay_out(ledger, self._stack)
        self._stack.push_async_callback(self._collect)
        self._stack.push_async_callback(self._stop_nodes)
        self._status = await self._stack.enter_async_context(HttpTransport(STATUS_BOUND_S, layout.sockets))
        for name in self._names:
            place = layout.places[name]
            await layout.hosts[name].make_folder(place.data)
            self._nodes[name] = _Node(place, layout.hosts[name])
        started = await self._on_each(self._names, self._start)
        if started.error is not None:
            raise CouldNotRun(f"cannot start the nodes: {started.error}")

    async def _stop_nodes(self) -> None:
        """End every node in order, or else by force."""

        async def stop(node: _Node) -> None:
            process = node.process
            if process is None:
                return
            try:
                if not await node.host.terminate(process, TEARDOWN, STOP_BOUND_S):
                    await node.host.kill(process, TEARDOWN)
            except HostError:
                return  # its host is lost: the node's life says so, and the ledger keeps what may be left

        await asyncio.gather(*[stop(node) for node in self._nodes.values()])

    @property
    def sockets(self) -> SocketFactory | None:
        """Makes the sockets with which clients reach the nodes; None for ordinary ones."""
        return self._layout.sockets

    # ---- what is known -------------------------------------------------------------------------------

    def address(self, node: str) -> str:
        """Where clients reach a node."""
        return self._nodes[node].place.address

    def lives(self) -> tuple[NodeLife, ...]:
        """Every process of every node so far, by node and life."""
        return tuple(
            NodeLife(
                node=name,
                life=life,
                pid=process.pid,
                started_at=process.started_at,
                ended_at=process.ended_at,
                status=process.status,
                ended_by=process.ended_by,
            )
            for name, node in self._nodes.items()
            for life, process in node.lives
        )

    async def observe(self) -> ClusterView:
        """Ask every running node; one that does not answer soon has no role."""
        views = await asyncio.gather(*[self._view(node) for node in self._nodes.values()])
        return ClusterView(dict(zip(self._nodes, views, strict=True)))

    async def _view(self, node: _Node) -> NodeView:
        process = node.process
        if process is None:
            return NodeView(running=False)
        if process.is_stopped:
            return NodeView(running=True, paused=True)
        status = await self._ask(node)
        if status is None:
            return NodeView(running=node.process is not None)
        return NodeView(running=True, role=status.role, term=status.term, leader=status.leader)

    async def _ask(self, node: _Node) -> Status | None:
        reply = await self._status.send(node.place.address, self._system.status_request())
        return self._system.read_status(reply) if isinstance(reply, HttpReply) else None

    async def wait_for_leader(self, bound_s: float) -> str:
        """Wait until a majority of the nodes names the same leader in the same term, itself included.

        Raises:
            CouldNotRun: none within `bound_s`; with the last lines of each node's log.
        """
        deadline = asyncio.get_running_loop().time() + bound_s
        while True:
            view = await self.observe()
            leader = view.leader()
            if leader is not None:
                term = view.nodes[leader].term
                agreeing = [
                    node for node in view.nodes.values() if (node.leader, node.term) == (leader, term)
                ]
                if len(agreeing) >= view.majority():
                    return leader
            if asyncio.get_running_loop().time() > deadline:
                raise CouldNotRun(f"no leader within {bound_s:g} s. {await self._last_lines()}")
            await asyncio.sleep(POLL_S)

    async def _last_lines(self) -> str:
        """How each node stands, and the end of its log."""
        parts = []
        for name, node in self._nodes.items():
            process = node.lives[-1][1] if node.lives else None
            state = "runs" if process is None or process.is_running else f"ended with status {process.status}"
            lines = " | ".join(await node.host.tail(node.place.log, LAST_LINES)) or "nothing"
            parts.append(f"{name} {state}; the end of {node.place.log}: {lines}")
        return "\n  ".join(["", *parts])

    # ---- what is done --------------------------------------------------------------------------------

    async def carry_out(self, action: Action) -> Outcome:
        """Do it, and say what was then observed."""
        try:
            match action:
                case Kill(nodes):
                    return await self._on_each(nodes, self._kill)
                case Start(nodes):
                    return await self._on_each(nodes, self._start)
                case Pause(nodes):
                    return await self._on_each(nodes, self._pause)
                case Resume(nodes):
                    return await self._on_each(nodes, self._resume)
                case Cut(links):
                    return await self._cut(links)
                case Heal():
                    return await self._heal()
        except (LinkError, HostError) as error:
            return Outcome(took_effect=False, error=str(error))

    async def _on_each(self, names: Sequence[str], act: Callable[[_Node], Awaitable[_Done]]) -> Outcome:
        """Act on some nodes at once."""

        async def attempt(node: _Node) -> _Done:
            try:
                return await act(node)
            except (HostError, OSError) as error:
                return str(error)

        done = await asyncio.gather(*[attempt(self._nodes[name]) for name in names])
        results = dict(zip(names, done, strict=True))
        wrong = [f"{name}: {result}" for name, result in results.items() if result not in ("done", None)]
        return Outcome(
            took_effect="done" in done,
            details={"changed": [name for name, result in results.items() if result == "done"]},
            error="; ".join(wrong) or None,
        )

    async def _kill(self, node: _Node) -> _Done:
        process = node.process
        if process is None:
            return None
        return "done" if await node.host.kill(process, by="kill") else "still runs after SIGKILL"

    async def _pause(self, node: _Node) -> _Done:
        process = node.process
        if process is None or process.is_stopped:
            return None
        return "done" if await node.host.pause(process) else "does not stop at SIGSTOP"

    async def _resume(self, node: _Node) -> _Done:
        process = node.process
        if process is None or not process.is_stopped:
            return None
        return "done" if await node.host.resume(process) else "does not go on at SIGCONT"

    async def _start(self, node: _Node) -> _Done:
        """Start a node that does not run; done once it answers."""
        if node.process is not None:
            return None
        command = self._system.command(node.place)
        life = await node.next_life()
        process = await node.host.start(
            node.place.name,
            command.argv,
            log=node.place.log,
            folder=node.place.data.parent,
            environment={**self._layout.environment, **command.environment},
        )
        node.lives.append((life, process))
        deadline = asyncio.get_running_loop().time() + START_BOUND_S
        while process.is_running:
            if await self._ask(node) is not None:
                return "done"
            if asyncio.get_running_loop().time() > deadline:
                return f"runs, but gave no status within {START_BOUND_S:g} s"
            await asyncio.sleep(POLL_S)
        last = " | ".join(await node.host.tail(node.place.log, 2))
        return f"ended at its start with status {process.status}: {last}"

    async def _cut(self, links: Sequence[tuple[str, str]]) -> Outcome:
        cut = await self._layout.links.cut(links)
        return Outcome(took_effect=set(links) <= set(cut), details={"cut": [list(link) for link in cut]})

    async def _heal(self) -> Outcome:
        healed = await self._layout.links.heal()
        return Outcome(took_effect=bool(healed.links), details=healed.details())
