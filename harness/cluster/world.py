"""A world of node processes on hosts: starts them, lets faults harm them, and takes them down.

It knows hosts (harness/hosts/host.py), links between nodes, and a system; not where the hosts are. Each kind
of world is a subclass that lays these out: local.py, netns.py, ssh.py. It does no harm itself: faults call
its mechanisms (mechanisms/), and say what was then observed.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from msgspec import structs

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import SocketFactory
from harness.client.net import Entering, Net
from harness.cluster.attachment import Attachment
from harness.cluster.layout import Layout, NodeOnHost
from harness.cluster.mechanisms.catalogue import COLLECTORS, MECHANISMS
from harness.cluster.mechanisms.processes import LOG_LINES, last_words
from harness.errors import CouldNotRun
from harness.hosts import agent
from harness.hosts.abilities import refusal
from harness.hosts.host import Clock, HostError
from harness.hosts.ledger import Ledger
from harness.hosts.links.links import LinkError
from harness.hosts.local import EndError, EssentialEndedError
from harness.nemesis import NEMESES
from harness.nemesis.action import Action, inject
from harness.nemesis.mechanisms.links import LINKS, LOSSY_LINKS
from harness.nemesis.mechanisms.processes import PROCESSES, PROCESSOR_TIME, Processes
from harness.nemesis.mechanisms.world import DONE, Mechanism, MechanismError, NodeResult
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView, NodeView
from harness.systems.base import NodeStatus, System, bounds, ends_leader_last, stop_statuses
from harness.systems.base import leader as system_leader
from harness.systems.users_code import users_code
from history import NodeLife

STATUS_BOUND_S = 0.4
POLL_S = 0.05
LAST_LINES = 5
_NO_ANSWER = (OSError, EOFError)
TEARDOWN = "teardown"
ALWAYS: tuple[Mechanism[Any], ...] = (PROCESSES, PROCESSOR_TIME, LINKS, LOSSY_LINKS)
"""The mechanisms that need no preparation: every run has them, and the final heal uses some."""

M = TypeVar("M")


class HostedWorld(ABC):
    """Nodes of one system as processes on hosts. Use as `async with`: nothing outlives it.

    Args:
        system: the system under test.
        nodes: the nodes' names.
        folder: in the end it holds NAME/data, NAME/trace and NAME/log.txt of each node.
        clock: the run's clock.
        faults: the faults of the run, and what it collects, by name; what they need is prepared before the
            nodes start, and the run is refused if it cannot be.
        seed: seeds the nodes' own random choices.
        base_port: the first port to listen on; None takes free or usual ones.
        ledgers: where the clean-up ledger is kept; None for the user's own folder.
        starting: the nodes that are started at once; None for all. The others have their place, and wait.
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
        starting: Sequence[str] | None = None,
    ) -> None:
        self._system = system
        self._names = tuple(nodes)
        self._folder = folder
        self._clock = clock
        self._faults = tuple(faults)
        self._seed = seed
        self._base_port = base_port
        self._ledgers = ledgers
        self._starting = self._names if starting is None else tuple(starting)
        self._nodes: dict[str, NodeOnHost] = {}
        self._asked: frozenset[Mechanism[Any]] = frozenset(ALWAYS).union(
            *(NEMESES[fault].mechanisms for fault in faults if fault in NEMESES)
        )
        self._mechanisms: dict[Mechanism[Any], Any] = {}
        self._attachments = self._make_attachments()
        self._stack = AsyncExitStack()
        self._layout: Layout
        self._net: Net

    @abstractmethod
    async def _lay_out(self, ledger: Ledger, stack: AsyncExitStack) -> Layout:
        """Make the hosts and links; what undoes it is pushed on the stack."""

    async def _collect(self) -> None:  # noqa: B027 (most worlds have nothing to bring)
        """Copy what nodes wrote into `folder`, once they have ended, if they wrote it elsewhere."""

    async def __aenter__(self) -> Self:
        """Lay out, and start the nodes.

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
        reasons = self._reasons_against()
        if reasons:
            raise HostError(f"{', '.join(self._faults)}: {'; '.join(sorted(reasons))}")
        ledger = self._stack.enter_context(Ledger(f"run in {self._folder}", self._ledgers, self._folder))
        self._layout = layout = await self._lay_out(ledger, self._stack)
        self._stack.push_async_callback(self._collect)
        self._stack.push_async_callback(self._detach_all)
        self._stack.push_async_callback(self._stop_nodes)
        net = Net(STATUS_BOUND_S, layout.sockets, layout.entering)
        self._net = await self._stack.enter_async_context(net)
        self._stack.push_async_callback(self._stop_followers)
        for name in self._names:
            place = layout.places[name]
            await layout.hosts[name].make_folder(place.data)
            self._nodes[name] = NodeOnHost(place, layout.hosts[name])
        for attachment in self._attachments:
            attached = await self._at_each(attachment.attach)
            if attached.error is not None:
                raise HostError(attached.error)
        started = await self.on_each(self._starting, self.processes.start)
        if started.error is not None:
            raise CouldNotRun(f"cannot start the nodes: {started.error}")

    def _make_attachments(self) -> tuple[Attachment, ...]:
        """Make what this run needs at its nodes: some mechanisms of its faults, and what it collects."""
        made: dict[Any, Attachment] = {}
        for mechanism, make in MECHANISMS.items():
            if mechanism in self._asked and isinstance(make, type) and issubclass(make, Attachment):
                if make not in made:
                    made[make] = make(self)
                self._mechanisms[mechanism] = made[make]
        return (*made.values(), *(make(self) for name, make in COLLECTORS.items() if name in self._faults))

    def _reasons_against(self) -> set[str]:
        """What this machine or the system lacks for the faults of this run."""
        lacking = {
            f"{self._system.name} {capability.words}"
            for fault in self._faults
            if fault in NEMESES
            for capability in NEMESES[fault].capabilities
            if not capability.is_had_by(self._system)
        }
        found = (attachment.reason_against() for attachment in self._attachments)
        return lacking.union(reason for reason in found if reason is not None)

    async def _at_each(self, act: Callable[[NodeOnHost], Awaitable[None]]) -> Outcome:
        """Prepare, or clear up, all nodes at the same time."""

        async def act_on(name: str) -> NodeResult:
            await act(self._nodes[name])
            return None

        return await self.on_each(tuple(self._nodes), act_on)

    async def _detach_all(self) -> None:
        """Take away what was made at nodes; if a host is lost, the ledger keeps what stays there."""
        for attachment in reversed(self._attachments):
            await self._at_each(attachment.detach)

    async def _stop_followers(self) -> None:
        """End all nodes but the leader, if the system's leader is to be ended last."""
        if ends_leader_last(self._system):
            leader = system_leader(self._system, await self.observe())
            if leader is not None:
                await self._stop([name for name in self._nodes if name != leader])

    async def _stop_nodes(self) -> None:
        """End every node that still runs."""
        await self._stop(self._nodes)

    async def _stop(self, nodes: Iterable[str]) -> None:
        """End these nodes in order, or else by force; all at the same time."""

        async def stop(node: NodeOnHost) -> None:
            bound_s, statuses = bounds(self._system).stop_s, stop_statuses(self._system)
            for process in node.running:  # the main one first, so that none is missed by another
                try:
                    if not await node.host.terminate(process, TEARDOWN, bound_s, statuses):
                        await node.host.kill(process, TEARDOWN)
                except HostError:
                    return  # its host is lost: the node's life says so, and the ledger keeps what may be left

        await asyncio.gather(*[stop(self._nodes[name]) for name in nodes])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all nodes, in order."""
        return self._names

    @property
    def system(self) -> System:
        """The system under test."""
        return self._system

    @property
    def layout(self) -> Layout:
        """Where the nodes live."""
        return self._layout

    @property
    def nodes(self) -> Mapping[str, NodeOnHost]:
        """All nodes, by name."""
        return self._nodes

    @property
    def processes(self) -> Processes:
        """The mechanism of the nodes' processes."""
        return self.mechanism(PROCESSES)

    @property
    def attachments(self) -> Sequence[Attachment]:
        """What this run has at its nodes besides their processes."""
        return self._attachments

    @property
    def sockets(self) -> SocketFactory | None:
        """A maker of the sockets with which clients reach the nodes; None for ordinary ones."""
        return self._layout.sockets

    @property
    def entering(self) -> Entering:
        """Makes a context in which a thread is in the network of the nodes."""
        return self._layout.entering

    @property
    def members(self) -> Mapping[str, Mapping[str, str]]:
        """By name of each node and of each port, the `host:port` at which clients reach it."""
        return next(iter(self._nodes.values())).place.members

    # ---- what is known -------------------------------------------------------------------------------

    def address(self, node: str) -> str:
        """The address at which clients reach a node."""
        return self._nodes[node].place.at()

    def lives(self) -> tuple[NodeLife, ...]:
        """Every process of every node so far, by node and life."""
        return tuple(
            NodeLife(
                node=name,
                life=life.number,
                process=process_name,
                pid=process.pid,
                started_at=process.started_at,
                ended_at=process.ended_at,
                status=process.status,
                ended_by=process.ended_by,
            )
            for name, node in self._nodes.items()
            for life in node.lives
            for process_name, process in zip(life.names, life.processes, strict=True)
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
        status = await self.status(node.place.name)
        if status is None:
            return NodeView(running=node.process is not None)
        return NodeView(running=True, **structs.asdict(status))

    async def ask(self, node: str, request: HttpRequest) -> HttpReply | None:
        """Send a request to a node; None without an answer in time."""
        return await self._net.reply(self.address(node), request)

    async def status(self, node: str) -> NodeStatus | None:
        """Ask a node for its state; None without an answer in time."""
        try:
            async with asyncio.timeout(STATUS_BOUND_S):
                with users_code(self._system, f"status of {node}", _NO_ANSWER):
                    return await self._system.status(self._nodes[node].place, self._net)
        except _NO_ANSWER:
            return None

    async def wait_for_leader(self, bound_s: float) -> str:
        """Wait until a majority of the nodes names the same leader.

        Raises:
            CouldNotRun: none within `bound_s`; in one line, with the end of the log that tells most.
        """
        deadline = asyncio.get_running_loop().time() + bound_s
        while True:
            view = await self.observe()
            leader = system_leader(self._system, view)
            if leader is not None:
                return leader
            if asyncio.get_running_loop().time() > deadline:
                said = "; ".join(f"{name} {self._state(name, node)}" for name, node in view.nodes.items())
                raise CouldNotRun(f"no leader within {bound_s:g} s: {said}; {await self._why_none(view)}")
            await asyncio.sleep(POLL_S)

    def _state(self, name: str, view: NodeView) -> str:
        """What a node says of itself, or how it ended."""
        lives = self._nodes[name].lives
        if not view.running and lives and not lives[-1].main.is_running:
            return f"ended with status {lives[-1].main.status}"
        return _in_words(view)

    async def _why_none(self, view: ClusterView) -> str:
        """What helps: the end of the log of a node that ended or gives no status, else what to look at."""
        silent = [name for name, node in view.nodes.items() if node.role is None]
        if not silent:
            if view.leader() is not None:
                return "no majority names the same leader in one term"
            return (
                "each gives a status, and none says that it leads: look at what the system takes for it "
                "(`status` of a class, `is_leader` of a description)"
            )
        node = self._nodes[min(silent, key=lambda name: view.nodes[name].running)]
        lines = await node.host.tail(node.place.log, LOG_LINES)
        return f"the end of {node.place.log}: {last_words(lines, LAST_LINES)}"

    # ---- what faults use ------------------------------------------------------------------------------

    async def carry_out(self, action: Action) -> Outcome:
        """Do it, by the world's mechanisms, and say what was then observed."""
        return await inject(action, self)

    def has(self, mechanism: Mechanism[Any]) -> bool:
        """Whether this run has a mechanism."""
        return mechanism in self._asked and mechanism in MECHANISMS

    def mechanism(self, mechanism: Mechanism[M]) -> M:
        """This world's implementation of a mechanism.

        Raises:
            MechanismError: the run was not prepared for it.
        """
        if not self.has(mechanism):
            raise MechanismError(f"this run was not prepared for {mechanism.name}")
        if mechanism not in self._mechanisms:
            self._mechanisms[mechanism] = MECHANISMS[mechanism](self)
        found: M = self._mechanisms[mechanism]
        return found

    def now_s(self) -> float:
        """The time of the event loop."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        await asyncio.sleep(seconds)

    async def on_each(self, nodes: Sequence[str], act: Callable[[str], Awaitable[NodeResult]]) -> Outcome:
        """Act on some nodes at the same time; the outcome lists in `changed` those where it was `DONE`."""

        async def attempt(node: str) -> NodeResult:
            try:
                return await act(node)
            except (MechanismError, OSError) as error:
                return str(error)

        done = await asyncio.gather(*[attempt(node) for node in nodes])
        results = dict(zip(nodes, done, strict=True))
        return Outcome(
            took_effect=DONE in done,
            details={"changed": [node for node, result in results.items() if result == DONE]},
            error=_in_one_line(results) or None,
        )

    # ---- for the kinds of worlds -----------------------------------------------------------------------

    def _able_here(self, *, with_proxies: bool) -> Mapping[str, Any]:
        """The facts of this machine; the run is refused if it cannot do the run's faults."""
        facts = agent.Agent("", "").facts()
        refused = refusal(self._faults, facts, with_proxies=with_proxies)
        if refused is not None:
            raise HostError(refused)
        return facts

    def _faketime(self, facts: Mapping[str, Any]) -> dict[str, str]:
        """The libfaketime of this machine, for every node; none if it is not installed."""
        return dict.fromkeys(self._names, facts["faketime"]) if facts["faketime"] else {}


def _in_one_line(results: Mapping[str, NodeResult]) -> str:
    """What went wrong on which nodes; nodes that say the same are named together. Empty if nothing did."""
    wrong: dict[str, list[str]] = {}
    for node, result in results.items():
        if isinstance(result, str) and result != DONE:
            wrong.setdefault(result, []).append(node)
    return "; ".join(f"{', '.join(nodes)}: {result}" for result, nodes in wrong.items())


def _in_words(node: NodeView) -> str:
    """What a node says of itself, for the message that there is no leader."""
    if not node.running:
        return "does not run"
    if node.role is None:
        return "gives no status"
    return f"is {node.role} in term {node.term}" + (
        "" if node.leader is None else f" and names {node.leader}"
    )
