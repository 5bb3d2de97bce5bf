"""The local world: every node a process on this machine, every link between them a proxy on loopback.

Nodes listen on ports of their own; each dials each other at the port of the link that leads there, so
cutting links needs no root. Whatever a fault did is *observed* before it is said to have taken effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

from harness.client.base import HttpReply
from harness.client.http import HttpTransport
from harness.control.ledger import Ledger
from harness.control.links import LinkError, LinkProxies, start_links
from harness.control.local import (
    Background,
    Clock,
    EndError,
    EssentialEndedError,
    LocalHost,
    StartError,
    tail,
)
from harness.history import NodeLife
from harness.nemesis.base import (
    Action,
    ClusterView,
    Cut,
    Heal,
    Kill,
    NodeView,
    Outcome,
    Pause,
    Resume,
    Start,
)
from harness.system.base import NodePlace, Status, System
from harness.system.node_impl import NodeImpl
from harness.system.ports import LOOPBACK, free_ports
from harness.test import CouldNotRun, Test

STATUS_BOUND_S = 0.4
START_BOUND_S = 10.0
STOP_BOUND_S = 3.0
POLL_S = 0.05
LAST_LINES = 5
TEARDOWN = "teardown"
_Done = str | None
"""What became of an act on one node: "done", None if there was nothing to do, else what went wrong."""


class _Node:
    """One node, and the lives it has had."""

    def __init__(self, place: NodePlace) -> None:
        self.place = place
        self.lives: list[tuple[int, Background]] = []

    @property
    def process(self) -> Background | None:
        """Its process, if it runs."""
        return self.lives[-1][1] if self.lives and self.lives[-1][1].is_running else None

    def next_life(self) -> int:
        """The number that the trace of the life about to begin will have: the next one that is free.

        A life that ended before it could begin its trace leaves its number to the next.
        """
        traced = [int(file.stem) for file in self.place.trace.glob("[0-9]*.jsonl")]
        return max(traced, default=len(self.lives)) + 1


class LocalWorld:
    """Nodes of one system as local processes. Use as `async with`: nothing outlives it.

    Args:
        system: what the nodes are.
        nodes: their names.
        folder: NAME/data, NAME/trace and NAME/log.txt are made under it.
        clock: the run's clock.
        seed: of the nodes' own random choices.
        base_port: the first port to listen on; None takes free ones.
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
        self._host: LocalHost
        self._links: LinkProxies
        self._status: HttpTransport

    @classmethod
    def of(cls, test: Test, folder: Path, clock: Clock) -> LocalWorld:
        """The world that a test describes."""
        system = NodeImpl(test.mutant, test.heartbeat_ms, test.election_ms, test.request_timeout_ms)
        return cls(system, test.nodes, folder, clock, seed=test.seed, base_port=test.base_port)

    async def __aenter__(self) -> LocalWorld:
        """Start the links and all nodes.

        Raises:
            CouldNotRun: a port is in use, a folder cannot be written, a process cannot be started.
        """
        try:
            await self._set_up()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            if isinstance(error, OSError | StartError | LinkError):
                raise CouldNotRun(f"cannot start the nodes: {error}") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stack.__aexit__(kind, error, trace)
        except EndError as problem:
            raise CouldNotRun(str(problem)) from problem
        except ExceptionGroup as group:
            match group.exceptions:
                case (EssentialEndedError() as ended,):
                    raise CouldNotRun(str(ended)) from group
            raise

    async def _set_up(self) -> None:
        count = len(self._names)
        ports = free_ports(2 * count, self._base_port)
        client_ports = dict(zip(self._names, ports[:count], strict=True))
        peer_ports = dict(zip(self._names, ports[count:], strict=True))
        self._folder.mkdir(parents=True, exist_ok=True)
        ledger = self._stack.enter_context(Ledger(f"run in {self._folder}", self._ledgers))
        self._host = await self._stack.enter_async_context(LocalHost(ledger, self._clock))
        self._links = await start_links(self._host, self._folder / "links.log")
        pairs = [(a, b) for a in self._names for b in self._names if a != b]
        dialled = await self._links.configure({(a, b): peer_ports[b] for a, b in pairs}, self._system.framing)
        self._stack.push_async_callback(self._stop_nodes)
        self._status = await self._stack.enter_async_context(HttpTransport(STATUS_BOUND_S))
        for number, name in enumerate(self._names):
            place = NodePlace(
                name=name,
                host=LOOPBACK,
                client_port=client_ports[name],
                peer_port=peer_ports[name],
                peers={peer: dialled[name, peer] for peer in self._names if peer != name},
                data=self._folder / name / "data",
                trace=self._folder / name / "trace",
                log=self._folder / name / "log.txt",
                seed=self._seed + number,
            )
            place.data.mkdir(parents=True)
            self._nodes[name] = _Node(place)
        started = await self._on_each(self._names, self._start)
        if started.error is not None:
            raise CouldNotRun(f"cannot start the nodes: {started.error}")

    async def _stop_nodes(self) -> None:
        """End every node in order, or else by force."""
        running = [process for node in self._nodes.values() if (process := node.process) is not None]
        await asyncio.gather(*[self._host.terminate(process, TEARDOWN, STOP_BOUND_S) for process in running])
        await asyncio.gather(
            *[self._host.kill(process, TEARDOWN) for process in running if process.is_running]
        )

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
                raise CouldNotRun(f"no leader within {bound_s:g} s. {self._last_lines()}")
            await asyncio.sleep(POLL_S)

    def _last_lines(self) -> str:
        """How each node stands, and the end of its log."""
        parts = []
        for name, node in self._nodes.items():
            process = node.lives[-1][1] if node.lives else None
            state = "runs" if process is None or process.is_running else f"ended with status {process.status}"
            lines = " | ".join(tail(node.place.log, LAST_LINES)) or "nothing"
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
        except LinkError as error:
            return Outcome(took_effect=False, error=str(error))

    async def _on_each(self, names: Sequence[str], act: Callable[[_Node], Awaitable[_Done]]) -> Outcome:
        """Act on some nodes at once."""

        async def attempt(node: _Node) -> _Done:
            try:
                return await act(node)
            except (StartError, OSError) as error:
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
        return "done" if await self._host.kill(process, by="kill") else "still runs after SIGKILL"

    async def _pause(self, node: _Node) -> _Done:
        process = node.process
        if process is None or process.is_stopped:
            return None
        return "done" if await self._host.pause(process) else "does not stop at SIGSTOP"

    async def _resume(self, node: _Node) -> _Done:
        process = node.process
        if process is None or not process.is_stopped:
            return None
        return "done" if await self._host.resume(process) else "does not go on at SIGCONT"

    async def _start(self, node: _Node) -> _Done:
        """Start a node that does not run; done once it answers."""
        if node.process is not None:
            return None
        command = self._system.command(node.place)
        life = node.next_life()
        process = await self._host.start(
            node.place.name,
            command.argv,
            log=node.place.log,
            folder=node.place.data.parent,
            environment=command.environment,
        )
        node.lives.append((life, process))
        deadline = asyncio.get_running_loop().time() + START_BOUND_S
        while process.is_running:
            if await self._ask(node) is not None:
                return "done"
            if asyncio.get_running_loop().time() > deadline:
                return f"runs, but gave no status within {START_BOUND_S:g} s"
            await asyncio.sleep(POLL_S)
        return f"ended at its start with status {process.status}: {' | '.join(tail(node.place.log, 2))}"

    async def _cut(self, links: Sequence[tuple[str, str]]) -> Outcome:
        cut = await self._links.cut(links)
        return Outcome(took_effect=set(links) <= set(cut), details={"cut": [list(link) for link in cut]})

    async def _heal(self) -> Outcome:
        healed = await self._links.heal()
        swallowed = {
            "swallowed_messages": healed.swallowed_messages,
            "swallowed_bytes": healed.swallowed_bytes,
        }
        return Outcome(took_effect=bool(healed.links), details=swallowed)
