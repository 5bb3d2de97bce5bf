"""The simulated world: one queue of things to come, nodes, network and clients in virtual time.

It is a `VirtualWorld` for the interpreter's driver (harness/drivers/virtual.py) and a `World` for the
nemesis. Each thing happens at one instant, and things of one instant in the order in which they were put into
the queue. The world stands still between two things, so a run of hours takes as long as what happens in it.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from harness.client.codecs.base import Codec
from harness.client.codecs.retries import Retries
from harness.nemesis.action import Action, inject
from harness.nemesis.mechanisms.world import DONE, Mechanism, MechanismError, NodeResult, World
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from harness.sim.plan.decisions import Decisions
from harness.sim.world.clients import Clients
from harness.sim.world.http import Door, NodeDoor
from harness.sim.world.network import Network, OneWayLink
from harness.sim.world.process import Process
from harness.sim.world.waiting import VirtualWait, proceed, together
from history import Operation
from history.nemesis import FINAL_HEAL, HEAL_QUORUM
from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.raft.messages import Envelope

M = TypeVar("M")

NEMESIS_LATENCY_NS = 2 * MILLISECOND_NS
"""How long the nemesis takes to learn that its operation is done."""
LOOK_EVERY_NS = 10 * MILLISECOND_NS

Perform = Callable[[Operation, World], Coroutine[Any, Any, Operation]]
"""How a nemesis operation is done: `Nemesis.perform` with the run's seed."""


class TooMuchHappensError(Exception):
    """A run goes on for longer than it may."""


class SimulatedWorld:
    """Nodes, network and clients. Call `start_all` once, then drive it.

    Args:
        process: makes a node, given its name and the world that it lives in.
        mechanisms: what faults can do to the world; each is made once.
        in_order: whether links keep the order of messages (see `Network`).
        client_patience_ns: how long a client waits for its reply.
        door: how requests get into nodes; by default, into reference nodes.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        process: Callable[[str, SimulatedWorld], Process],
        mechanisms: Mapping[Mechanism[Any], Callable[[SimulatedWorld], Any]],
        codec: Codec,
        retries: Retries | None = None,
        decisions: Decisions,
        perform: Perform,
        in_order: bool,
        client_patience_ns: int,
        door: Door | None = None,
    ) -> None:
        self.now = 0
        self.watcher: Callable[[Process], None] | None = None
        """Sees every process after each of its steps."""
        self.happened = 0
        """How many things have happened: messages, timers, writes, requests, replies."""
        self.most_happenings = sys.maxsize
        """More than this ends the run."""
        self._queue: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._queued = 0
        self._completions: list[Operation] = []
        self._decisions = decisions
        self._perform = perform
        self.network = Network(names, decisions, in_order=in_order)
        self.processes = {name: process(name, self) for name in names}
        self._clients = Clients(self, codec, retries, decisions, client_patience_ns, door or NodeDoor())
        made = {make: make(self) for make in dict.fromkeys(mechanisms.values())}
        self._mechanisms = {mechanism: made[make] for mechanism, make in mechanisms.items()}

    # ---- time ------------------------------------------------------------------------------------------

    def at(self, time: int, act: Callable[[Any], None], argument: Any) -> None:
        """Have something done at that time, which must not be past."""
        self._queued += 1
        heapq.heappush(self._queue, (time, self._queued, act, argument))

    def advance(self, until: int | None) -> tuple[int, Sequence[Operation]]:
        """Let things happen up to `until`, or to the first instant at which operations complete."""
        queue, completions = self._queue, self._completions
        happened = 0
        left = self.most_happenings - self.happened
        while queue:
            if happened > left:
                raise TooMuchHappensError(f"more than {self.most_happenings:,} things happened in it")
            time = queue[0][0]
            if (completions and time > self.now) or (until is not None and time > until):
                break
            self.now, _, act, argument = heapq.heappop(queue)
            happened += 1
            act(argument)
        self.happened += happened
        if completions:
            self._completions = []
        elif until is not None:
            self.now = until
        return self.now, completions

    def start_all(self) -> None:
        """Start every node for the first time."""
        for process in self.processes.values():
            process.start()

    def run_until(self, is_reached: Callable[[], bool], bound_ns: int) -> bool:
        """Let things happen until something holds, which is looked at every 10 ms; whether it did in time."""
        while not is_reached():
            if self.now >= bound_ns:
                return False
            self.advance(self.now + LOOK_EVERY_NS)
        return True

    def stop_all(self) -> None:
        """End every node in order."""
        for process in self.processes.values():
            if process.is_running:
                process.stop("teardown")

    # ---- messages --------------------------------------------------------------------------------------

    def send(self, sender: str, receiver: str, envelope: Envelope) -> None:
        """Put a message on the network."""
        link = self.network.links[sender, receiver]
        if link.impaired is not None:
            link.impaired.send(envelope)
            return
        for time in self.network.arrivals(link, envelope, self.now):
            self._queued += 1
            heapq.heappush(self._queue, (time, self._queued, self.arrive, (link, link.connection, envelope)))

    def arrive(self, arrival: tuple[OneWayLink, int, Envelope]) -> None:
        """Let a message arrive that was sent on a connection of a link."""
        link, connection, envelope = arrival
        if not self.network.is_lost(link, connection):
            self.processes[link.link[1]].receive(envelope)

    def note(self, node: str, text: str) -> None:
        """Add a line to a node's log."""
        self.processes[node].log.append(f"{self.now} {text}")

    # ---- operations ------------------------------------------------------------------------------------

    def begin(self, now: int, invocation: Operation) -> None:
        """Let a client's operation or the nemesis's begin."""
        self.now = max(self.now, now)
        if invocation.is_client:
            self._clients.begin(invocation)
            return
        if invocation.f in (FINAL_HEAL, HEAL_QUORUM):
            self._decisions.stop_faults()
            for process in self.processes.values():
                process.stop_faults()
        proceed(self, self._perform(invocation, self), self._performed)

    def complete(self, completion: Operation) -> None:
        """Give an operation's completion to the interpreter."""
        self._completions.append(completion)

    def _performed(self, completion: Operation) -> None:
        self.at(self.now + NEMESIS_LATENCY_NS, self.complete, completion)

    # ---- the nemesis -----------------------------------------------------------------------------------

    def view(self) -> ClusterView:
        """Give what every node answers to a question for its state."""
        return ClusterView({name: process.view() for name, process in self.processes.items()})

    async def observe(self) -> ClusterView:
        """Ask every node for its state."""
        return self.view()

    async def carry_out(self, action: Action) -> Outcome:
        """Do it by the world's mechanisms, and say what was then observed."""
        return await inject(action, self)

    async def on_each(self, nodes: Sequence[str], act: Callable[[str], Awaitable[NodeResult]]) -> Outcome:
        """Act on some nodes at the same time."""
        results = await together(self, {node: partial(act, node) for node in nodes})
        wrong = [f"{node}: {result}" for node, result in results.items() if result not in (DONE, None)]
        changed = [node for node, result in results.items() if result == DONE]
        return Outcome(bool(changed), {"changed": changed}, "; ".join(wrong) or None)

    def now_s(self) -> float:
        """Give the virtual time in seconds."""
        return self.now / SECOND_NS

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await VirtualWait(round(seconds * SECOND_NS))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all nodes, in order."""
        return tuple(self.processes)

    def has(self, mechanism: Mechanism[Any]) -> bool:
        """Whether the simulated world has a mechanism."""
        return mechanism in self._mechanisms

    def mechanism(self, mechanism: Mechanism[M]) -> M:
        """Give the simulated world's implementation of a mechanism.

        Raises:
            MechanismError: the simulated world does not have it.
        """
        if mechanism not in self._mechanisms:
            raise MechanismError(f"the simulated world has no {mechanism.name}")
        found: M = self._mechanisms[mechanism]
        return found
