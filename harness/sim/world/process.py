"""One simulated node: a process that comes and goes, and what outlives it (disk, clock, trace, log).

It drives the unchanged node as node_impl/core/events.py demands of every driver, one effect after the
other, and may end between any two of them. Writes to the log are grouped as by the real log writer:
what was handed over while one write ran shares the next one.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from harness.nemesis.view import NodeView
from harness.sim.plan.decisions import Decisions
from harness.sim.plan.scheduled_faults import CrashAtEffect, ScheduledFault
from harness.sim.world.clock import NodeClock
from harness.sim.world.disk import Interrupted, SimulatedDisk
from harness.sim.world.pending_faults import PendingFaults
from history import NodeLife
from node_impl.core.build import Parts, build_node
from node_impl.core.config import NodeConfig
from node_impl.core.events import (
    CancelTimer,
    ClientRequest,
    Effect,
    Event,
    Fatal,
    GetStatus,
    Persist,
    Received,
    Reply,
    Request,
    Respond,
    Send,
    SetTimer,
    Shutdown,
    Status,
    Synced,
    TimerFired,
    Trace,
)
from node_impl.core.node import Node
from node_impl.core.raft.messages import Envelope
from node_impl.core.storage import CorruptLog
from node_impl.core.storage.wal import FILE, WriteAheadLog

EX_DATAERR, EX_SOFTWARE, EX_IOERR = 65, 70, 74
KILLED = -9
_PPM_A_PERCENT = 10_000

Answer = Callable[[Reply | None], None]
"""Takes a request's reply; None: the connection broke first."""


class Surroundings(Protocol):
    """What a process asks of the world."""

    now: int
    """Virtual nanoseconds since the run began."""

    watcher: Callable[[Process], None] | None
    """Is shown every process after each of its steps."""

    def at(self, time: int, act: Callable[[Any], None], argument: Any) -> None:
        """Have something done at that time."""
        ...

    def send(self, sender: str, receiver: str, envelope: Envelope) -> None:
        """Put a message on the network."""
        ...


class _Alarm(msgspec.Struct, frozen=True):
    life: int
    name: str
    rings_at: int
    """By the node's clock."""


class Process:
    """One node through all its lives; down until `start`."""

    def __init__(
        self,
        name: str,
        members: tuple[str, ...],
        world: Surroundings,
        *,
        parts: Parts,
        config: NodeConfig,
        decisions: Decisions,
        clock: NodeClock,
        scheduled_faults: Sequence[ScheduledFault],
    ) -> None:
        self.name = name
        self.disk = SimulatedDisk()
        self.clock = clock
        self._own_drift_ppm = clock.drift_ppm
        self.is_paused = False
        self.traces: list[list[Trace]] = []
        """By life."""
        self.lives: list[NodeLife] = []
        """Those that ended."""
        self.log: list[str] = []
        self.events = 0
        """Events stepped, for measuring."""
        self._members = members
        self._world = world
        self._parts = parts
        self._config = config
        self._decisions = decisions
        self._pending = PendingFaults(name, scheduled_faults)
        self._leads = False
        self._is_rotten = False
        self._effects = 0
        self._writes = 0
        self._starts = 0
        self._election_draws = 0

        self._node: Node | None = None
        self._storage: WriteAheadLog | None = None
        self._trace: list[Trace] = []
        self._started_at = 0
        self._deferred: list[Event | tuple[Request, Answer]] = []
        self._deadlines: dict[str, int] = {}
        self._requests: dict[int, Answer] = {}
        self._last_request = 0
        self._queued: list[Persist] = []
        self._writing: list[Persist] = []
        self._synced = 0
        self._held: dict[int, list[Send | Respond]] = {}

    # ---- life and death --------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether a process exists, paused or not."""
        return self._node is not None

    @property
    def life(self) -> int:
        """The number of the last life that traced anything."""
        return len(self.traces)

    def below(self, n: int) -> int:
        """The node's own chance."""
        self._election_draws += 1
        return self._decisions.election(self.name, self._election_draws, n)

    def start(self) -> str | None:
        """Begin a life; None, or why it ended at once."""
        assert self._node is None, f"{self.name} runs"
        now = self._started_at = self._world.now
        self._starts += 1
        self.disk.mend()
        rot = self._pending.rot(self._starts)
        if rot is not None:
            byte = self.disk.rot(FILE, rot.draw)
            self._is_rotten = self._is_rotten or byte is not None
        storage = self._parts.storage(self.disk)
        try:
            recovered = storage.recover()
        except CorruptLog as problem:
            self.log.append(f"{now} ERROR {problem}")
            self._ended(EX_DATAERR, "bit-rot" if self._is_rotten else None, self.life + 1)
            return f"refused its log: {problem}"
        self._trace = []
        self.traces.append(self._trace)
        self._storage = storage
        self._deadlines, self._requests, self._held = {}, {}, {}
        self._queued, self._writing, self._deferred = [], [], []
        self._synced = self._last_request = 0
        self.is_paused = False
        self._node = build_node(
            name=self.name,
            members=self._members,
            life=self.life,
            recovered=recovered,
            random=self,
            config=self._config,
            parts=self._parts,
        )
        self.log.extend(f"{now} INFO recovered {note}" for note in recovered.notes)
        self._carry_out(self._node.start(self.clock.read(now)))
        return None

    def kill(self, by: str, *, power_lost: bool = False) -> None:
        """End the process at once; what it was writing is left as far as it came."""
        assert self._node is not None, f"{self.name} does not run"
        self._interrupt_write(power_lost)
        if power_lost:
            self.disk.lose_power(self._decisions.tear(self.name, self._writes))
        self._ended(KILLED, by, self.life)

    def stop(self, by: str) -> None:
        """End it in order, as SIGTERM does; a write under way is done first."""
        assert self._node is not None, f"{self.name} does not run"
        self.is_paused = False
        while self._writing and self._node is not None:  # a write that fails ends it sooner
            self._written(self.life)
        if self._node is not None:
            self._step(Shutdown())
        if self._node is not None:
            self._ended(0, by, self.life)

    def stop_faults(self) -> None:
        """Drop the scheduled faults that are still to come."""
        self._pending.stop()

    def _ended(self, status: int, by: str | None, life: int) -> None:
        """The process is gone, and with it all that it held. A status that a fault meant is not told, since
        only ends that nobody meant have one of their own."""
        told = None if by is not None and status > 0 else status
        self.lives.append(
            NodeLife(self.name, life, self._starts, self._started_at, self._world.now, told, by)
        )
        self._node = self._storage = None
        self.is_paused = self._leads = False
        self._pending.ceased_to_lead()
        requests = [
            *self._requests.values(),
            *(item[1] for item in self._deferred if isinstance(item, tuple)),
        ]
        self._requests, self._deferred = {}, []
        for answer in requests:
            answer(None)

    def _took_role(self, role: str) -> None:
        if role == "leader":
            self._pending.began_to_lead(self._effects, self._world.now)
        elif self._leads:
            self._pending.ceased_to_lead()
        self._leads = role == "leader"

    def _crashed(self, crash: CrashAtEffect) -> None:
        self.kill("power-loss" if crash.power_lost else "crash", power_lost=crash.power_lost)
        self._world.at(self._world.now + crash.down_ns, self._supervise, None)

    def _supervise(self, _: None) -> None:
        """Start it again, unless somebody has."""
        if self._node is None:
            self.start()

    def _defect(self, error: Exception) -> None:
        lines = "".join(traceback.format_exception(error)).rstrip().splitlines()
        self.log.extend(f"{self._world.now} ERROR {line}" for line in lines)
        self._ended(EX_SOFTWARE, None, self.life)

    # ---- pausing, and the clock ----------------------------------------------------------------------

    def pause(self) -> None:
        """Stop in mid-step, as SIGSTOP does; the kernel keeps what arrives."""
        self.is_paused = True

    def resume(self) -> None:
        """Go on with what has arrived, in order."""
        self.is_paused = False
        deferred, self._deferred = self._deferred, []
        for number, item in enumerate(deferred):
            if self._node is None:
                for left in deferred[number:]:
                    if isinstance(left, tuple):
                        left[1](None)
                return
            if isinstance(item, tuple):
                self.ask(*item)
            else:
                self._step(item)

    def jump(self, by: int) -> None:
        """Its clock leaps ahead, so its timers are due sooner."""
        self.clock.jump(by)
        self._set_alarms_anew()

    def drift(self, percent: int | None) -> bool:
        """Its clock runs so much faster from now on; None: as it does by itself. Whether that is news."""
        ppm = self._own_drift_ppm if percent is None else percent * _PPM_A_PERCENT
        if ppm == self.clock.drift_ppm:
            return False
        self.clock.drift(ppm, self._world.now)
        self._set_alarms_anew()
        return True

    def _set_alarms_anew(self) -> None:
        for name, rings_at in self._deadlines.items():
            self._set_alarm(name, rings_at)

    # ---- what arrives ----------------------------------------------------------------------------------

    def receive(self, envelope: Envelope) -> None:
        """A peer's message; it is lost if nobody runs here."""
        if self._node is None:
            return
        if self.is_paused:
            self._deferred.append(Received(envelope))
        else:
            self._step(Received(envelope))

    def ask(self, request: Request, answer: Answer) -> None:
        """A client's request, when a process is there to take it."""
        assert self._node is not None
        if self.is_paused:
            self._deferred.append((request, answer))
            return
        self._last_request += 1
        self._requests[self._last_request] = answer
        self._step(ClientRequest(self._last_request, request))

    def view(self) -> NodeView:
        """What it says of itself, asked as anybody may."""
        if self._node is None:
            return NodeView(running=False)
        if self.is_paused:
            return NodeView(running=True, paused=True)
        said: list[Reply | None] = []
        self.ask(Request(GetStatus()), said.append)
        status = getattr(said[0], "value", None) if said else None
        if not isinstance(status, Status):
            return NodeView(running=self.is_running)
        return NodeView(
            running=True,
            role=status.role,
            term=status.term,
            leader=status.leader,
            commit=status.commit,
            last=status.last,
            members=status.members,
            learners=status.learners,
            configuration=status.configuration,
        )

    def leads_with(self) -> tuple[int, int, int, bool] | None:
        """Of a leader: (term, commitIndex, last index, whether it has committed in its term); not asked, so
        that nothing happens by it."""
        raft = None if self._node is None else self._node.raft
        if raft is None or raft.state.role != "leader" or self.is_paused:
            return None
        state = raft.state
        has_committed = state.has_committed_in_its_term()
        return state.current_term, state.commit_index, state.log.last_index, has_committed

    def _ring(self, alarm: _Alarm) -> None:
        if alarm.life != self.life or self._deadlines.get(alarm.name) != alarm.rings_at or self._node is None:
            return
        if self.clock.read(self._world.now) < alarm.rings_at:
            return  # set again when the clock jumped
        del self._deadlines[alarm.name]
        if self.is_paused:
            self._deferred.append(TimerFired(alarm.name))
        else:
            self._step(TimerFired(alarm.name))

    # ---- stepping the node ---------------------------------------------------------------------------

    def _step(self, event: Event) -> None:
        node = self._node
        assert node is not None
        self.events += 1
        try:
            effects = node.step(self.clock.read(self._world.now), event)
        except Exception as error:  # noqa: BLE001 - a defect ends the node, as in the real driver
            self._defect(error)
            return
        self._carry_out(effects)
        if isinstance(event, Synced):
            self._release(event.number)
        if self._world.watcher is not None and self._node is node:
            self._world.watcher(self)

    def _release(self, number: int) -> None:
        """Let out what waited for the disk, now that the node knows what is on it."""
        begin, self._synced = self._synced + 1, number
        if self._held and self._node is not None:
            waited = [effect for after in range(begin, number + 1) for effect in self._held.pop(after, ())]
            self._carry_out(waited)

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        now, pending, lines = self._world.now, self._pending, self._trace
        for effect in effects:
            self._effects += 1
            if self._effects == pending.crash_at:
                self._crashed(pending.next_crash(self._effects))
                return
            match effect:
                case Trace():
                    effect.seq, effect.at = len(lines) + 1, now
                    lines.append(effect)
                    if pending.needs_elections and effect.event == "role":
                        self._took_role(effect.role)
                case Send():
                    if effect.after <= self._synced:
                        if not (self._leads and pending.is_muted(effect.to, now)):
                            self._world.send(self.name, effect.to, effect.message)
                    else:
                        self._held.setdefault(effect.after, []).append(effect)
                case SetTimer(name, rings_at):
                    self._deadlines[name] = rings_at
                    self._set_alarm(name, rings_at)
                case Persist():
                    self._queued.append(effect)
                    if not self._writing:
                        self._begin_write()
                case Respond():
                    if effect.after <= self._synced:
                        self._respond(effect)
                    else:
                        self._held.setdefault(effect.after, []).append(effect)
                case CancelTimer(name):
                    self._deadlines.pop(name, None)
                case Fatal(reason):
                    self.log.append(f"{now} ERROR {reason}")
                    self._ended(EX_SOFTWARE, None, self.life)
                    return

    def _set_alarm(self, name: str, rings_at: int) -> None:
        world = self._world
        world.at(max(world.now, self.clock.when(rings_at)), self._ring, _Alarm(self.life, name, rings_at))

    def _respond(self, effect: Respond) -> None:
        answer = self._requests.pop(effect.request_id, None)
        if answer is not None:
            answer(effect.reply)

    # ---- the log ---------------------------------------------------------------------------------------

    def _begin_write(self) -> None:
        self._writing, self._queued = self._queued, []
        self._writes += 1
        took = self._decisions.write_ns(self.name, self._writes)
        self._world.at(self._world.now + took, self._written, self.life)

    def _written(self, life: int) -> None:
        """The write is over: on disk, or failed."""
        if life != self.life or self._storage is None or not self._writing:
            return
        number = self._writing[-1].number
        bad = self._pending.bad_write(self._writes)
        if bad is not None:
            self.disk.fail(bad.failure)
        try:
            for persist in self._writing:
                self._storage.write(persist.records)
            self._storage.sync()
        except OSError as problem:
            self.log.append(f"{self._world.now} ERROR cannot write the log: {problem}")
            self._ended(EX_IOERR, None if bad is None else bad.failure, self.life)
            if bad is not None:
                self._world.at(self._world.now + bad.down_ns, self._supervise, None)
            return
        except Exception as error:  # noqa: BLE001 - as in `_step`
            self._defect(error)
            return
        if bad is not None:
            self.disk.mend()  # it was not met: nothing reached the disk in this write
        self._writing = []
        if self._queued:
            self._begin_write()
        if self.is_paused:
            self._deferred.append(Synced(number))
        else:
            self._step(Synced(number))

    def _interrupt_write(self, power_lost: bool) -> None:
        """What a write under way leaves on the disk."""
        if not self._writing or self._storage is None:
            return
        self.disk.tear(power_lost, self._decisions.tear(self.name, self._writes))
        try:
            for persist in self._writing:
                self._storage.write(persist.records)
            self._storage.sync()
        except Interrupted:
            self._writing = []
        finally:
            self.disk.mend()
