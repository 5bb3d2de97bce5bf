"""The simulated world: one queue of things to come, nodes, network and clients in virtual time.

It is a `VirtualWorld` for the interpreter's driver (harness/drivers/virtual.py) and a `World` for the
nemesis. Each thing happens at one instant, those of one instant in the order in which they were put
into the queue. A world stands still between two things, so a run of hours takes as long as what
happens in it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from harness.client.codecs.base import Codec, HttpReply, NoReply
from harness.client.codecs.exchange import Exchange
from harness.client.codecs.retries import Retries
from harness.nemesis import FINAL_HEAL
from harness.nemesis.base import (
    Action,
    ChangeMembership,
    ClusterView,
    Cut,
    EndAmbush,
    Heal,
    Kill,
    LieInWait,
    MemberChange,
    Outcome,
    Pause,
    ResetRate,
    Resume,
    SetRate,
    Start,
    Terminate,
    World,
)
from harness.sim.plan.decisions import Decisions, RoundTrip
from harness.sim.plan.scheduled_faults import ClockJump, Reset, ScheduledFault
from harness.sim.world import http
from harness.sim.world.ambush import Ambush
from harness.sim.world.network import Line, Network
from harness.sim.world.process import Process
from harness.systems.reference_node import NodeImpl
from history import Operation
from node_impl.core.api.codec import render
from node_impl.core.events import Reply, Request
from node_impl.core.raft.messages import Envelope

T = TypeVar("T")
_NODE = NodeImpl()
"""How a node is asked to change its members, and how it refuses."""

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
        self._ambush: Ambush | None = None
        self.happened = 0
        """How many things have happened: messages, timers, writes, requests, replies."""
        self._queue: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._queued = 0
        self._completions: list[Operation] = []
        self._codec = codec
        self._retries = retries
        self._decisions = decisions
        self._perform = perform
        self._kill_loses_power = kill_loses_power
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
            completion = _at_once(self._perform(invocation, self))
            self.at(self.now + NEMESIS_LATENCY_NS, self._completions_append, completion)
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

    async def observe(self) -> ClusterView:
        """Ask every node."""
        return ClusterView({name: process.view() for name, process in self.processes.items()})

    async def carry_out(self, action: Action) -> Outcome:
        """Do it; in virtual time all of it happens at once."""
        match action:
            case Kill(nodes):
                return self._on_each(nodes, self._kill)
            case Start(nodes):
                return self._on_each(nodes, self._start)
            case Terminate(nodes):
                return self._on_each(nodes, self._terminate)
            case Pause(nodes):
                return self._on_each(nodes, self._pause)
            case Resume(nodes):
                return self._on_each(nodes, self._resume)
            case Cut(links):
                cut = self.network.cut(links)
                return Outcome(took_effect=True, details={"cut": [list(link) for link in cut]})
            case Heal():
                healed, swallowed = self.network.heal()
                return Outcome(took_effect=bool(healed), details={"swallowed_messages": swallowed})
            case LieInWait():
                self._ambush = self.watcher = Ambush(action, self)
                return Outcome(took_effect=False, details={"outcome": "lies in wait"})
            case EndAmbush():
                met = None if self._ambush is None else self._ambush.met
                self._ambush = self.watcher = None
                return Outcome(took_effect=met is not None, details=met or {})
            case SetRate(nodes, percent):
                return self._on_each(nodes, lambda process: process.drift(percent))
            case ResetRate(nodes):
                return self._on_each(nodes, lambda process: process.drift(None))
            case ChangeMembership(nodes, change, at):
                return self._change_membership(change, nodes[0], at)
            case _:
                return Outcome(
                    took_effect=False, error=f"{type(action).__name__}: not in the simulated world"
                )

    def _on_each(self, names: Sequence[str], act: Callable[[Process], str | bool]) -> Outcome:
        results: Mapping[str, str | bool] = {name: act(self.processes[name]) for name in names}
        wrong = [f"{name}: {result}" for name, result in results.items() if isinstance(result, str)]
        changed = [name for name, result in results.items() if result is True]
        return Outcome(bool(changed), {"changed": changed}, "; ".join(wrong) or None)

    def _change_membership(self, change: MemberChange, node: str, at: str) -> Outcome:
        """Ask; a leader that takes it has it in force at once, and whether it lasts is for later views."""
        process = self.processes[at]
        made = http.received(_NODE.membership_request(change, node))
        if not process.is_running or not isinstance(made, Request):
            return Outcome(False, {"outcome": "refused"}, error=f"{at} does not take it")
        before, replies = process.view(), list[Reply | None]()
        if not process.is_running:  # being asked takes effects, before any of which a node may crash
            return Outcome(False, {"outcome": "refused"}, error=f"{at} ended before it was asked")
        process.ask(made, replies.append)
        refused = (
            _NODE.was_refused(http.returned(render(made, replies[0]))) if replies and replies[0] else None
        )
        if refused is not None:
            return Outcome(False, {"outcome": "refused"}, error=f"{at}: {refused}")
        after = process.view()
        in_force = (after.members, after.learners) != (before.members, before.learners)
        return Outcome(in_force, {"outcome": "unknown"})

    def _kill(self, process: Process) -> bool:
        if not process.is_running:
            return False
        process.kill("kill", power_lost=self._kill_loses_power)
        return True

    def _terminate(self, process: Process) -> bool:
        if not process.is_running:
            return False
        process.stop("terminate")
        return True

    def _start(self, process: Process) -> str | bool:
        if process.is_running:
            return False
        return process.start() or True

    def _pause(self, process: Process) -> bool:
        if not process.is_running or process.is_paused:
            return False
        process.pause()
        return True

    def _resume(self, process: Process) -> bool:
        if not process.is_paused:
            return False
        process.resume()
        return True


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits: in this world nothing it asks for takes real time."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    work.close()
    raise RuntimeError("a nemesis waited for something that is not of the simulated world")
