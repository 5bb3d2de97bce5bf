"""The simulated world: one queue of things to come, nodes, network and clients in virtual time.

It is a `VirtualWorld` for the interpreter's driver (harness/drivers/virtual.py) and a `World` for the
nemesis. Each thing happens at one instant, those of one instant in the order in which they were put
into the queue. A world stands still between two things, so a run of hours takes as long as what
happens in it.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import Any, TypeVar

from harness.client.codecs.base import Codec, HttpReply, NoReply
from harness.client.codecs.exchange import Exchange
from harness.client.codecs.retries import Retries
from harness.nemesis.action import Action, inject
from harness.nemesis.mechanisms.world import DONE, Mechanism, MechanismError, NodeResult, World
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from harness.sim.plan.decisions import Decisions, RoundTrip
from harness.sim.plan.scheduled_faults import ClockJump, Reset, ScheduledFault
from harness.sim.world import http
from harness.sim.world.mechanisms import MECHANISMS
from harness.sim.world.network import Line, Network
from harness.sim.world.process import Process
from history import Operation
from history.nemesis import FINAL_HEAL
from history.units import SECOND_NS
from node_impl.core.api.codec import render
from node_impl.core.events import Reply, Request
from node_impl.core.raft.messages import Envelope

M = TypeVar("M")

_RESET = NoReply("connection reset by peer", sent=True)
NEMESIS_LATENCY_NS = 2_000_000
"""From a fault's being done to the nemesis's knowing."""

Perform = Callable[[Operation, World], Coroutine[Any, Any, Operation]]
"""How a nemesis operation is done: `Nemesis.perform` with the run's seed."""


class _Call:
    """A client's request under way."""

    __slots__ = ("exchange", "is_over", "request", "trip")

    def __init__(self, exchange: Exchange, trip: RoundTrip) -> None:
        self.exchange = exchange
        self.trip = trip
        self.is_over = False
        self.request: Request | None = None


class SimulatedWorld:
    """Nodes, network and clients. `start_all` once, then drive it.

    Args:
        processes: makes a node by name; given the world that it is to live in.
        in_order: whether links are as TCP (see `Network`).
        kill_loses_power: whether the nemesis's kills take the machine's power, or the process alone.
        client_patience_ns: how long a client waits for its reply.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        process: Callable[[str, SimulatedWorld], Process],
        codec: Codec,
        retries: Retries | None = None,
        decisions: Decisions,
        perform: Perform,
        scheduled_faults: Sequence[ScheduledFault],
        in_order: bool,
        kill_loses_power: bool,
        client_patience_ns: int,
    ) -> None:
        self.now = 0
        self.watcher: Callable[[Process], None] | None = None
        self.happened = 0
        """How many things have happened: messages, timers, writes, requests, replies."""
        self._queue: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._queued = 0
        self._completions: list[Operation] = []
        self._codec = codec
        self._retries = retries
        self._decisions = decisions
        self._perform = perform
        self.kill_loses_power = kill_loses_power
        self._mechanisms: dict[Mechanism[Any], Any] = {
            mechanism: make(self) for mechanism, make in MECHANISMS.items()
        }
        self._client_patience_ns = client_patience_ns
        self._clients = 0
        self.network = Network(names, decisions, in_order=in_order)
        self.processes = {name: process(name, self) for name in names}
        for fault in scheduled_faults:
            match fault:
                case ClockJump(node, at, by_ns):
                    self.at(at, self.processes[node].jump, by_ns)
                case Reset(sender, receiver, at):
                    self.at(at, self.network.reset, (sender, receiver))

    # ---- time ------------------------------------------------------------------------------------------

    def at(self, time: int, act: Callable[[Any], None], argument: Any) -> None:
        """Have something done at that time, which must not be past."""
        self._queued += 1
        heapq.heappush(self._queue, (time, self._queued, act, argument))

    def advance(self, until: int | None) -> tuple[int, Sequence[Operation]]:
        """Let things happen up to `until`, or to the first instant at which operations complete."""
        queue, completions = self._queue, self._completions
        happened = 0
        while queue:
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
        """Let things happen until something holds, looked at every 10 ms; whether it was in time."""
        while not is_reached():
            if self.now >= bound_ns:
                return False
            self.advance(self.now + 10_000_000)
        return True

    def stop_all(self) -> None:
        """End every node in order."""
        for process in self.processes.values():
            if process.is_running:
                process.stop("teardown")

    # ---- messages ----------------------------------------------------------------------------------------

    def send(self, sender: str, receiver: str, envelope: Envelope) -> None:
        """Put a message on the network."""
        line = self.network.lines[sender, receiver]
        for time in self.network.arrivals(line, self.now):
            self._queued += 1
            heapq.heappush(self._queue, (time, self._queued, self._arrive, (line, line.connection, envelope)))

    def _arrive(self, arrival: tuple[Line, int, Envelope]) -> None:
        line, connection, envelope = arrival
        if not self.network.is_lost(line, connection):
            self.processes[line.link[1]].receive(envelope)

    # ---- clients -----------------------------------------------------------------------------------------

    def begin(self, now: int, invocation: Operation) -> None:
        """A client's request leaves, or the nemesis acts."""
        self.now = max(self.now, now)
        if not invocation.is_client:
            if invocation.f == FINAL_HEAL:
                self._decisions.stop_faults()
                for process in self.processes.values():
                    process.stop_faults()
            self._continue(self._perform(invocation, self))
            return
        self._call(Exchange.begin(self._codec, self._retries, invocation))

    def _call(self, exchange: Exchange) -> None:
        """Let the exchange's next request leave."""
        self._clients += 1
        call = _Call(exchange, self._decisions.client(self._clients))
        self.at(self.now + call.trip.there_ns, self._knock, call)
        self.at(self.now + self._client_patience_ns, self._lose_patience, call)

    def _completions_append(self, completion: Operation) -> None:
        self._completions.append(completion)

    def _knock(self, call: _Call) -> None:
        """A request is at its node's door."""
        process = self.processes[call.exchange.node]
        if not process.is_running:
            self.at(
                self.now + call.trip.back_ns, self._hang_up, (call, NoReply("connection refused", sent=False))
            )
            return
        made = http.received(call.exchange.request())
        if isinstance(made, Request):
            call.request = made
            if call.trip.early:
                self.at(self.now + call.trip.back_ns, self._hang_up, (call, _RESET))
            process.ask(made, lambda reply: self._answer(call, reply))
        else:
            self.at(self.now + call.trip.back_ns, self._hang_up, (call, http.returned(made)))

    def _answer(self, call: _Call, reply: Reply | None) -> None:
        seen: HttpReply | NoReply
        if reply is None or call.trip.reset:
            seen = _RESET
        else:
            assert call.request is not None
            seen = http.returned(render(call.request, reply))
        self.at(self.now + call.trip.back_ns, self._hang_up, (call, seen))

    def _lose_patience(self, call: _Call) -> None:
        waited = self._client_patience_ns // 1_000_000
        self._hang_up((call, NoReply(f"timed out after {waited} ms", sent=True)))

    def _hang_up(self, end: tuple[_Call, HttpReply | NoReply]) -> None:
        call, seen = end
        if not call.is_over:
            call.is_over = True
            following = call.exchange.after(seen)
            if isinstance(following, Operation):
                self._completions.append(following)
            else:
                self.at(self.now + following.pause_ns, self._call, following)

    # ---- the nemesis -----------------------------------------------------------------------------------

    def _continue(self, work: Coroutine[Any, Any, Operation]) -> None:
        """Let the nemesis work until it waits or is done; it waits in virtual time only."""
        try:
            wait_ns = work.send(None)
        except StopIteration as end:
            self.at(self.now + NEMESIS_LATENCY_NS, self._completions_append, end.value)
            return
        if not isinstance(wait_ns, int):
            work.close()
            raise RuntimeError("a nemesis waited for something that is not of the simulated world")
        self.at(self.now + wait_ns, self._continue, work)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all nodes, in order."""
        return tuple(self.processes)

    async def observe(self) -> ClusterView:
        """Ask every node."""
        return self.view()

    def view(self) -> ClusterView:
        """What every node answers to a question for its state."""
        return ClusterView({name: process.view() for name, process in self.processes.items()})

    async def carry_out(self, action: Action) -> Outcome:
        """Do it, by the world's mechanisms."""
        return await inject(action, self)

    async def on_each(self, nodes: Sequence[str], act: Callable[[str], Awaitable[NodeResult]]) -> Outcome:
        """Act on some nodes, one after the other; in virtual time this is at once."""
        results = {node: await act(node) for node in nodes}
        wrong = [f"{node}: {result}" for node, result in results.items() if result not in (DONE, None)]
        changed = [node for node, result in results.items() if result == DONE]
        return Outcome(bool(changed), {"changed": changed}, "; ".join(wrong) or None)

    def now_s(self) -> float:
        """Virtual time in seconds."""
        return self.now / SECOND_NS

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await _VirtualPause(round(seconds * SECOND_NS))

    def has(self, mechanism: Mechanism[Any]) -> bool:
        """Whether the simulated world has a mechanism."""
        return mechanism in self._mechanisms

    def mechanism(self, mechanism: Mechanism[M]) -> M:
        """The simulated world's implementation of a mechanism.

        Raises:
            MechanismError: the simulated world does not have it.
        """
        if mechanism not in self._mechanisms:
            raise MechanismError(f"the simulated world has no {mechanism.name}")
        found: M = self._mechanisms[mechanism]
        return found


class _VirtualPause:
    """What a nemesis awaits to let virtual time pass; it yields how long, to `_continue`."""

    def __init__(self, wait_ns: int) -> None:
        self._wait_ns = wait_ns

    def __await__(self) -> Generator[int, None, None]:
        yield self._wait_ns
