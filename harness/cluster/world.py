"""A world of node processes on hosts: starts them, breaks them, and says what was then observed.

It knows hosts (harness/hosts/host.py), links between nodes that can be cut, and a system; not where
the hosts are. Each kind of world is a subclass that lays these out: local.py, netns.py, ssh.py.
Whatever a fault did is *observed* before it is said to have taken effect.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from msgspec import structs

from harness.client.codecs.base import HttpReply
from harness.client.http import HttpTransport, SocketFactory
from harness.cluster.hands.base import DONE, Done, Told, also
from harness.cluster.hands.catalogue import HANDS
from harness.cluster.layout import CutLinks, Layout, NodeOnHost
from harness.errors import CouldNotRun
from harness.hosts import agent
from harness.hosts.abilities import refusal
from harness.hosts.host import Background, Clock, HostError, eventually
from harness.hosts.ledger import Ledger
from harness.hosts.links.links import LinkError
from harness.hosts.local import EndError, EssentialEndedError
from harness.hosts.programs import sampling, slowing
from harness.nemesis.action import Action, Link
from harness.nemesis.faults.network.loss import EndLoss, Lose
from harness.nemesis.faults.network.partition import Cut, Heal
from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start, Terminate
from harness.nemesis.faults.processes.slow import EndSlow, Slow
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView, NodeView
from harness.systems.base import NodeStatus, ReportsMonotonicClock, System
from history import NodeLife

STATUS_BOUND_S = 0.4
START_BOUND_S = 10.0
STOP_BOUND_S = 3.0
POLL_S = 0.05
SLOW_BOUND_S = 2.0
LAST_LINES = 5
TEARDOWN = "teardown"


class HostedWorld(ABC):
    """Nodes of one system as processes on hosts. Use as `async with`: nothing outlives it.

    Args:
        system: what the nodes are.
        nodes: their names.
        folder: NAME/data, NAME/trace and NAME/log.txt of each node are under it in the end.
        clock: the run's clock.
        faults: names of what is going to be done; what some need is prepared, and refused if it cannot be.
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
        faults: Sequence[str] = (),
        seed: int = 0,
        base_port: int | None = None,
        ledgers: Path | None = None,
    ) -> None:
        self._system = system
        self._names = tuple(nodes)
        self._folder = folder
        self._clock = clock
        self._faults = tuple(faults)
        self._seed = seed
        self._base_port = base_port
        self._ledgers = ledgers
        self._nodes: dict[str, NodeOnHost] = {}
        self._hands = [make(self) for make, asked in HANDS.items() if asked.intersection(faults)]
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
        reasons = {reason for hand in self._hands if (reason := hand.reason_against()) is not None}
        if reasons:
            raise HostError(f"{', '.join(self._faults)}: {'; '.join(sorted(reasons))}")
        ledger = self._stack.enter_context(Ledger(f"run in {self._folder}", self._ledgers))
        self._layout = layout = await self._lay_out(ledger, self._stack)
        self._stack.push_async_callback(self._collect)
        self._stack.push_async_callback(self._unfit_nodes)
        self._stack.push_async_callback(self._stop_nodes)
        self._status = await self._stack.enter_async_context(HttpTransport(STATUS_BOUND_S, layout.sockets))
        for name in self._names:
            place = layout.places[name]
            await layout.hosts[name].make_folder(place.data)
            self._nodes[name] = NodeOnHost(place, layout.hosts[name])
        for hand in self._hands:
            fitted = await self.on_each(self._names, hand.fit)
            if fitted.error is not None:
                raise HostError(fitted.error)
        started = await self.on_each(self._names, self.start)
        if started.error is not None:
            raise CouldNotRun(f"cannot start the nodes: {started.error}")

    async def _unfit_nodes(self) -> None:
        """Take away what was made at nodes; what cannot be (its host is lost, say) stays in the ledger."""
        for hand in reversed(self._hands):
            await self.on_each(tuple(self._nodes), hand.unfit)

    async def _stop_nodes(self) -> None:
        """End every node in order, or else by force."""

        async def stop(node: NodeOnHost) -> None:
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
    def system(self) -> System:
        """What the nodes are."""
        return self._system

    @property
    def layout(self) -> Layout:
        """Where they live."""
        return self._layout

    @property
    def nodes(self) -> Mapping[str, NodeOnHost]:
        """All nodes, by name."""
        return self._nodes

    @property
    def faults(self) -> tuple[str, ...]:
        """What is going to be done in this run."""
        return self._faults

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

    async def _view(self, node: NodeOnHost) -> NodeView:
        process = node.process
        if process is None:
            return NodeView(running=False)
        if process.is_stopped and node.slowing is None:
            return NodeView(running=True, paused=True)
        status = await self._ask(node)
        if status is None:
            return NodeView(running=node.process is not None)
        return NodeView(running=True, **structs.asdict(status))

    async def _ask(self, node: NodeOnHost) -> NodeStatus | None:
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
                    return await self.on_each(nodes, self._kill)
                case Start(nodes):
                    return await self.on_each(nodes, self.start)
                case Pause(nodes):
                    return await self.on_each(nodes, self._pause)
                case Resume(nodes):
                    return await self.on_each(nodes, self._resume)
                case Cut(links):
                    return await self._cut(links, self._layout.links)
                case Heal():
                    return await self._heal(self._layout.links)
                case Terminate(nodes):
                    return await self.on_each(nodes, self._terminate)
                case Slow(nodes, percent):
                    slowed = await self.on_each(nodes, lambda node: self._slow(node, percent))
                    return also(slowed, stopped_percent=percent)
                case EndSlow(nodes):
                    return await self.on_each(nodes, self._quicken)
                case Lose(links):
                    return await self._cut(links, self._lossy())
                case EndLoss():
                    return await self._heal(self._lossy())
                case _:
                    for hand in self._hands:
                        if isinstance(action, hand.actions):
                            return await hand.carry_out(action)
                    why = f"this run was not prepared for {type(action).__name__}"
                    return Outcome(took_effect=False, error=why)
        except (LinkError, HostError) as error:
            return Outcome(took_effect=False, error=str(error))

    async def on_each(self, names: Sequence[str], act: Callable[[NodeOnHost], Awaitable[Done]]) -> Outcome:
        """Act on some nodes at once."""

        async def attempt(node: NodeOnHost) -> Done:
            try:
                return await act(node)
            except (HostError, OSError) as error:
                return str(error)

        done = await asyncio.gather(*[attempt(self._nodes[name]) for name in names])
        results = dict(zip(names, done, strict=True))
        wrong = [f"{name}: {result}" for name, result in results.items() if result not in (DONE, None)]
        return Outcome(
            took_effect=DONE in done,
            details={"changed": [name for name, result in results.items() if result == DONE]},
            error="; ".join(wrong) or None,
        )

    async def _kill(self, node: NodeOnHost) -> Done:
        process = node.process
        if process is None:
            return None
        return DONE if await node.host.kill(process, by="kill") else "still runs after SIGKILL"

    async def _pause(self, node: NodeOnHost) -> Done:
        process = node.process
        if process is None or process.is_stopped or node.slowing is not None:
            return None
        return DONE if await node.host.pause(process) else "does not stop at SIGSTOP"

    async def _resume(self, node: NodeOnHost) -> Done:
        process = node.process
        if process is None or not process.is_stopped or node.slowing is not None:
            return None
        return DONE if await node.host.resume(process) else "does not go on at SIGCONT"

    async def start(self, node: NodeOnHost) -> Done:
        """Start a node that does not run; done once it answers."""
        if node.process is not None or any(hand.holds_down(node) for hand in self._hands):
            return None
        for hand in self._hands:
            await hand.starting(node)
        command = self._system.command(node.place)
        life = await node.next_life()
        own = {name: value for hand in self._hands for name, value in hand.environment(node).items()}
        process = await node.host.start(
            node.place.name,
            command.argv,
            log=node.place.log,
            folder=node.place.data.parent,
            environment={**command.environment, **own},
        )
        node.lives.append((life, process))
        await self._sample(node, life, process)
        for hand in self._hands:
            await hand.began(node, process)
        deadline = asyncio.get_running_loop().time() + START_BOUND_S
        while process.is_running:
            if await self._ask(node) is not None:
                return DONE
            if asyncio.get_running_loop().time() > deadline:
                return f"runs, but gave no status within {START_BOUND_S:g} s"
            await asyncio.sleep(POLL_S)
        last = " | ".join(await node.host.tail(node.place.log, 2))
        return f"ended at its start with status {process.status}: {last}"

    async def _sample(self, node: NodeOnHost, life: int, process: Background) -> None:
        """Have what this life uses written down; it ends with the life."""
        folder = node.place.log.parent / "resources"
        await node.host.make_folder(folder)
        await node.host.start(
            f"what samples {node.place.name}",
            [node.place.python, "-I", "-S", "-c", sampling.SOURCE, str(process.pid)],
            log=folder / f"{life}.jsonl",
            folder=folder,
        )

    async def _terminate(self, node: NodeOnHost) -> Done:
        process = node.process
        if process is None or process.is_stopped:
            return None
        return DONE if await node.host.terminate(process, "terminate", STOP_BOUND_S) else "does not end"

    async def _slow(self, node: NodeOnHost, percent: int) -> Done:
        """Done once it has been seen stopped."""
        process = node.process
        if process is None or process.is_stopped or node.slowing is not None:
            return None
        node.slowing = await node.host.start(
            f"what slows {node.place.name}",
            [node.place.python, "-c", slowing.SOURCE, str(process.pid), str(percent)],
            log=node.place.log.with_name("slow.txt"),
            folder=node.place.log.parent,
        )
        seen = await eventually(lambda: process.is_stopped, SLOW_BOUND_S)
        return DONE if seen else "is never stopped"

    async def _quicken(self, node: NodeOnHost) -> Done:
        """Done once it runs, and nothing stops it any more."""
        what, process = node.slowing, node.process
        if what is None:
            return None
        if not await node.host.terminate(what, "heal-slow", STOP_BOUND_S):
            await node.host.kill(what, "heal-slow")
        if process is not None and process.is_stopped and not await node.host.resume(process):
            return "does not go on at SIGCONT"
        return DONE

    async def told_time(self, node: NodeOnHost) -> float | None:
        """How far the time of day that a node tells is ahead of the harness's, in seconds, or None.

        It is the Date of an HTTP reply (RFC 9110, section 6.6.1), in whole seconds.
        """
        reply = await self._status.send(node.place.address, self._system.status_request())
        if not isinstance(reply, HttpReply) or "date" not in reply.headers:
            return None
        return parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()

    async def told_monotonic(self, node: NodeOnHost) -> Told | None:
        """What a node's monotonic clock shows, as it tells, or None."""
        if not isinstance(self._system, ReportsMonotonicClock):
            return None
        asked_at = time.monotonic()
        reply = await self._status.send(node.place.address, self._system.monotonic_request())
        shown_s = self._system.read_monotonic(reply) if isinstance(reply, HttpReply) else None
        return None if shown_s is None else Told(asked_at, shown_s, time.monotonic())

    def _lossy(self) -> CutLinks:
        if self._layout.lossy is None:
            raise LinkError("the links of this world have no packets to lose")
        return self._layout.lossy

    def _able_here(self, *, with_proxies: bool) -> Mapping[str, Any]:
        """The facts of this machine; refused, if it cannot do what is going to be done."""
        facts = agent.Agent("", "").facts()
        refused = refusal(self._faults, facts, with_proxies=with_proxies)
        if refused is not None:
            raise HostError(refused)
        return facts

    def _faketime(self, facts: Mapping[str, Any]) -> dict[str, str]:
        """libfaketime of this machine, for every node, where clocks are to jump."""
        return dict.fromkeys(self._names, facts["faketime"]) if facts["faketime"] else {}

    async def _cut(self, links: Sequence[Link], at: CutLinks) -> Outcome:
        cut = await at.cut(links)
        return Outcome(took_effect=set(links) <= set(cut), details={"cut": [list(link) for link in cut]})

    async def _heal(self, at: CutLinks) -> Outcome:
        healed = await at.heal()
        return Outcome(took_effect=bool(healed.links), details=healed.details())
