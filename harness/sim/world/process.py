"""One simulated node: a process that comes and goes, and what outlives it (disk, clock, trace, log).

It drives the unchanged node as node_impl/core/events.py demands of every driver, one effect after the other,
and may end between any two of them. Writes to the log are grouped as by the real log writer: what was handed
over while one write ran shares the next one.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from harness.errors import CouldNotRun
from harness.generator.draw import scramble
from harness.nemesis.view import NodeView
from harness.sim.lockstep.journal import Handed, Journal, Replacement
from harness.sim.plan.decisions import Decisions
from harness.sim.plan.scheduled_faults import (
    CrashAtDiskCall,
    CrashAtEffect,
    ReadError,
    ScheduledFault,
)
from harness.sim.world.clock import NodeClock
from harness.sim.world.disk import Interrupted, SimulatedDisk
from harness.sim.world.kind import Life, NodeKind, Storage
from harness.sim.world.pending_faults import PendingFaults
from history import HeldSize, NodeLife
from history.units import MILLISECOND_NS
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
    SnapshotRecord,
    Status,
    Synced,
    TimerFired,
    Trace,
)
from node_impl.core.node import Node
from node_impl.core.raft.messages import Envelope
from node_impl.core.storage import CorruptLog

EX_DATAERR, EX_SOFTWARE, EX_IOERR = 65, 70, 74
KILLED = -9
READ_ERROR = "read-error"
"""The account on which a life ends whose start could not read its disk."""
MOST_WRITES_AT_END = 1_000
"""How many writes an orderly end waits for; a real node waits 5 s for its disk (node_impl/io/driver.py)."""
CALLS_OF_A_WRITE, CALLS_OF_A_SNAPSHOT = 2, 10
"""How many calls to the disk a write makes at the most: a kill comes in one of them."""
_PPM_A_PERCENT = 10_000
SLOW_PERIOD_NS = 50 * MILLISECOND_NS
"""A slow process is stopped for a part of every period, as by harness/hosts/programs/slowing.py."""
MOST_STEPS_A_MILLISECOND = 50_000
"""A node that takes more steps than this in one virtual millisecond turns in a circle: a timer that is due at
once is set again and again. A correct node takes a step for each of some hundred requests, or for each entry
that it applies after a start."""
EVENTS_A_COUNT = 16
"""After this number of events, and after each request of a client, it is counted what the node holds."""

Answer = Callable[[Any], None]
"""Takes a request's reply, as its kind of node replies; None if the connection broke first."""


class Surroundings(Protocol):
    """What a process needs of the world."""

    now: int
    """Virtual nanoseconds since the run began."""

    watcher: Callable[[Process], None] | None
    """Sees every process after each of its steps."""

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
    """The time that the node's clock shows then."""


class Process:
    """One node through all its lives. It is down until `start`."""

    def __init__(
        self,
        name: str,
        members: tuple[str, ...],
        world: Surroundings,
        *,
        kind: NodeKind,
        decisions: Decisions,
        clock: NodeClock,
        scheduled_faults: Sequence[ScheduledFault],
    ) -> None:
        self.name = name
        self.disk = SimulatedDisk()
        self.clock = clock
        self._own_drift_ppm = clock.drift_ppm
        self.is_paused = False
        """Whether a fault has stopped the process until it lets it go on."""
        self.is_stopped = False
        """Whether the process does nothing now: it is paused, or slow and in the stopped part of a period."""
        self.is_held_down = False
        """Whether the node must not be started: its files are rotten."""
        self.traces: list[list[Trace]] = []
        """The trace of each life."""
        self.lives: list[NodeLife] = []
        """The lives that have ended."""
        self.log: list[str] = []
        self.sizes: list[HeldSize] = []
        """How much each life that has ended held at the most."""
        self._most: dict[str, tuple[int, int]] = {}
        """By what this life holds: how much at the most, and when first."""
        self.events = 0
        """How many events the node has taken, for measuring."""
        self._millisecond = self._events_before = 0
        """The virtual millisecond of the last step, and `events` when it began."""
        self._members = members
        self._world = world
        self._kind = kind
        self._decisions = decisions
        self._pending = PendingFaults(name, scheduled_faults)
        self._leads = False
        self._slowed_percent = 0
        self._slowings = 0
        self._effects = 0
        self._writes = 0
        self._starts = 0
        self._election_draws = 0

        self._node: Life | None = None
        self._storage: Storage | None = None
        self._trace: list[Trace] = []
        self._started_at = 0
        self._deferred: list[Event | tuple[Any, Answer]] = []
        self._deadlines: dict[str, int] = {}
        self._requests: dict[int, Answer] = {}
        self._last_request = 0
        self._queued: list[Persist] = []
        self._writing: list[Persist] = []
        self._has_written = False
        self._synced = 0
        self._held: dict[int, list[Send | Respond]] = {}

    # ---- life and death --------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether a process exists, paused or not."""
        return self._node is not None

    @property
    def life(self) -> int:
        """The number of the last life."""
        return len(self.traces)

    def below(self, n: int) -> int:
        """Draw a number for the node itself: it adds to an election time-out."""
        self._election_draws += 1
        return self._decisions.election(self.name, self._election_draws, n)

    def start(self, *, expected_corrupt_by: str | None = None) -> str | None:
        """Begin a life; None, or why it ended at once. A scheduled fault may end it at once, too.

        expected_corrupt_by: the fault that has damaged the log, and on whose account a refusal is.
        """
        assert self._node is None, f"{self.name} runs"
        now = self._started_at = self._world.now
        self._starts += 1
        storage = self._kind.storage(self.disk)
        fault = None if expected_corrupt_by else self._pending.at_start(self._starts)
        try:
            recovered = self._recover(storage, fault)
        except Interrupted:
            assert isinstance(fault, CrashAtDiskCall)
            self._crashed(fault, self.life + 1)
            return None
        except CorruptLog as problem:
            self.log.append(f"{now} ERROR {problem}")
            self._ended(EX_DATAERR, expected_corrupt_by, self.life + 1)
            return f"refused its log: {problem}"
        except OSError as problem:
            self.log.append(f"{now} ERROR cannot use the log: {problem}")
            self._ended(EX_IOERR, self.disk.refused_by, self.life + 1)
            if isinstance(fault, ReadError):
                self._start_again_after(fault.down_ns)
                return None
            return f"cannot use its disk: {problem}"
        self._begin_life(storage)
        self._node = self._kind.build(
            name=self.name, members=self._members, life=self.life, recovered=recovered, random=self
        )
        self.log.extend(f"{now} INFO recovered {note}" for note in recovered.notes)
        self._carry_out(self._node.start(self.clock.read(now)))
        return None

    def _recover(self, storage: Storage, fault: CrashAtDiskCall | ReadError | None) -> Any:
        """Recover, while the disk fails as the fault says.

        Raises:
            Interrupted: the process ended, at the latest after all was recovered.
            CorruptLog, OSError: the log is damaged, or the disk fails.
        """
        match fault:
            case None:
                return storage.recover()
            case ReadError():
                self.disk.fail_read(fault.read, READ_ERROR)
                try:
                    return storage.recover()
                finally:
                    self.disk.end_failing_reads()
            case CrashAtDiskCall():
                self.disk.interrupt(self._decisions.tear(self.name, self._writes), fault.call)
                try:
                    storage.recover()
                finally:
                    self.disk.end_interruption()
                raise Interrupted

    def _begin_life(self, storage: Storage) -> None:
        self._most = {}
        self._trace = []
        self.traces.append(self._trace)
        self._storage = storage
        self._deadlines, self._requests, self._held = {}, {}, {}
        self._queued, self._writing, self._deferred = [], [], []
        self._has_written = False
        self._synced = self._last_request = 0

    def kill(self, by: str) -> None:
        """End the process at once; of what it was writing the kernel keeps a beginning, or all."""
        assert self._node is not None, f"{self.name} does not run"
        if self._writing:
            draw = self._decisions.tear(self.name, self._writes)
            calls = CALLS_OF_A_SNAPSHOT if self._writes_snapshot() else CALLS_OF_A_WRITE
            self._interrupt_write(draw, 1 + scramble(draw) % calls)
        self._ended(KILLED, by, self.life)

    def stop(self, by: str) -> None:
        """End it in order, as SIGTERM does; the disk catches up first, as in a real node with an end of its
        patience: of some seeded bugs each write brings the next one."""
        assert self._node is not None, f"{self.name} does not run"
        self.is_paused = self.is_stopped = False
        for _ in range(MOST_WRITES_AT_END):
            if not self._writing or self._node is None:  # a write that fails ends it sooner
                break
            self._written(self.life)
        if self._node is not None:
            self._step(Shutdown())
        if self._node is not None:
            self._ended(0, by, self.life)

    def stop_faults(self) -> None:
        """Drop the scheduled faults that are still to come."""
        self._pending.stop()

    def _count(self, node: Life) -> None:
        """Look how much the node holds now."""
        most = self._most
        for what, size in node.sizes().items():
            before = most.get(what)
            if before is None or size > before[0]:
                most[what] = size, self._world.now

    def _keep_sizes(self, node: Life, life: int) -> None:
        """This life ends: keep how much it held at the most."""
        self._count(node)
        allowed = self._kind.bounds({what: size for what, (size, _) in self._most.items()})
        self.sizes.extend(
            HeldSize(self.name, life, what, size, at, allowed[what])
            for what, (size, at) in self._most.items()
        )

    def _ended(self, status: int, by: str | None, life: int) -> None:
        """The process is gone, and with it all that it held. The status of an end that a fault meant is left
        out, since only unexpected ends are judged by their status."""
        shown = None if by is not None and status > 0 else status
        self.lives.append(
            NodeLife(self.name, life, self._starts, self._started_at, self._world.now, shown, by)
        )
        if self._node is not None:
            self._keep_sizes(self._node, life)
            if not isinstance(self._node, Node):
                self._node.end(killed=status != 0)
        self._node = self._storage = None
        self.is_paused = self.is_stopped = self._leads = False
        self._slowed_percent = 0
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

    def _crash(self, crash: CrashAtEffect) -> None:
        self.kill(_account(crash))
        self._lose_power_and_return(crash)

    def _crashed(self, crash: CrashAtDiskCall, life: int) -> None:
        self._ended(KILLED, _account(crash), life)
        self._pending.after_crash(crash, self._starts)
        self._lose_power_and_return(crash)

    def _lose_power_and_return(self, crash: CrashAtEffect | CrashAtDiskCall) -> None:
        if crash.power_lost:
            self.disk.lose_power(self._decisions.tear(self.name, self._writes))
        self._start_again_after(crash.down_ns)

    def _start_again_after(self, down_ns: int) -> None:
        self._world.at(self._world.now + down_ns, self._supervise, None)

    def _supervise(self, _: None) -> None:
        """Start it again, unless it runs or must not run."""
        if self._node is None and not self.is_held_down:
            self.start()

    def _defect(self, error: Exception) -> None:
        lines = "".join(traceback.format_exception(error)).rstrip().splitlines()
        self.log.extend(f"{self._world.now} ERROR {line}" for line in lines)
        self._ended(EX_SOFTWARE, None, self.life)

    # ---- stopping, and the clock ------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop in mid-step, as SIGSTOP does; the kernel keeps what arrives."""
        self.is_paused = self.is_stopped = True

    def resume(self) -> None:
        """Go on with what has arrived, in order."""
        self.is_paused = False
        self._go_on()

    @property
    def is_slowed(self) -> bool:
        """Whether the process is stopped for a part of every period."""
        return self._slowed_percent > 0

    def slow(self, stopped_percent: int) -> None:
        """Be stopped for so much of every period, from now on."""
        self._slowed_percent = stopped_percent
        self._slowings += 1
        self._begin_period(self._slowings)

    def end_slow(self) -> None:
        """Run all the time again."""
        self._slowed_percent = 0
        self._go_on()

    def _begin_period(self, slowing: int) -> None:
        if not self.is_slowed or slowing != self._slowings:
            return
        self.is_stopped = True
        stopped_ns = SLOW_PERIOD_NS * self._slowed_percent // 100
        self._world.at(self._world.now + stopped_ns, self._end_stop, slowing)

    def _end_stop(self, slowing: int) -> None:
        if not self.is_slowed or slowing != self._slowings:
            return
        self._go_on()
        running_ns = SLOW_PERIOD_NS * (100 - self._slowed_percent) // 100
        self._world.at(self._world.now + running_ns, self._begin_period, slowing)

    def _go_on(self) -> None:
        """Take what arrived while the process was stopped."""
        self.is_stopped = False
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

    def drift(self, percent: int | None) -> bool:
        """Let the clock run so much faster from now on, or at its own rate if None; whether that is a
        change."""
        ppm = self._own_drift_ppm if percent is None else percent * _PPM_A_PERCENT
        if ppm == self.clock.drift_ppm:
            return False
        self.clock.drift(ppm, self._world.now)
        for name, rings_at in self._deadlines.items():
            self._set_alarm(name, rings_at)
        return True

    # ---- what arrives ----------------------------------------------------------------------------------

    def receive(self, envelope: Envelope) -> None:
        """Take a peer's message; it is lost if no process runs here."""
        if self._node is None:
            return
        if self.is_stopped:
            self._deferred.append(Received(envelope))
        else:
            self._step(Received(envelope))

    def ask(self, request: Any, answer: Answer) -> None:
        """Take a client's request; a process must run."""
        assert self._node is not None
        if self.is_stopped:
            self._deferred.append((request, answer))
        else:
            self._take(request, answer)

    def _take(self, request: Any, answer: Answer) -> None:
        self._last_request += 1
        self._requests[self._last_request] = answer
        self._step(ClientRequest(self._last_request, request))

    def view(self) -> NodeView:
        """Give what the node says of itself when it is asked; a slow one answers, too, since it would
        soon."""
        if self._node is None:
            return NodeView(running=False)
        if self.is_paused:
            return NodeView(running=True, paused=True)
        if not isinstance(self._node, Node):
            return self._node.stated()
        answers: list[Reply | None] = []
        self._take(Request(GetStatus()), answers.append)
        status = getattr(answers[0], "value", None) if answers else None
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
        """Give (term, commitIndex, last index, whether it has committed in its term) of a leader, else None.
        The node is not asked, so nothing happens in it."""
        node = self._node
        if node is None or self.is_stopped:
            return None
        if not isinstance(node, Node):
            return node.leads_with()
        if node.raft.state.role != "leader":
            return None
        state = node.raft.state
        has_committed = state.has_committed_in_its_term()
        return state.current_term, state.commit_index, state.log.last_index, has_committed

    def _ring(self, alarm: _Alarm) -> None:
        if alarm.life != self.life or self._deadlines.get(alarm.name) != alarm.rings_at or self._node is None:
            return
        if self.clock.read(self._world.now) < alarm.rings_at:
            return  # set again when the clock's rate changed
        del self._deadlines[alarm.name]
        if self.is_stopped:
            self._deferred.append(TimerFired(alarm.name))
        else:
            self._step(TimerFired(alarm.name))

    # ---- stepping the node ---------------------------------------------------------------------------

    def _step(self, event: Event) -> None:
        node, now = self._node, self._world.now
        assert node is not None
        self.events += 1
        millisecond = now // MILLISECOND_NS
        if millisecond != self._millisecond:
            self._millisecond, self._events_before = millisecond, self.events
        elif self.events - self._events_before > MOST_STEPS_A_MILLISECOND:
            self._turns_in_a_circle(event)
            return
        try:
            effects = node.step(self.clock.read(now), event)
        except CouldNotRun:
            raise  # nothing can be said of a core that breaks its protocol
        except Exception as error:  # noqa: BLE001 - a defect ends the node, as in the real driver
            self._defect(error)
            return
        if not self.events % EVENTS_A_COUNT or isinstance(event, ClientRequest):
            self._count(node)
        self._carry_out(effects)
        if isinstance(event, Synced):
            self._release(event.number)
        if self._world.watcher is not None and self._node is node:
            self._world.watcher(self)

    def _turns_in_a_circle(self, event: Event) -> None:
        """End the process, as a watchdog would: time would stand still for ever."""
        what = event.name if isinstance(event, TimerFired) else type(event).__name__
        self.log.append(
            f"{self._world.now} ERROR it took {MOST_STEPS_A_MILLISECOND:,} steps within one virtual "
            f"millisecond, the last of them for {what}"
        )
        self._ended(EX_SOFTWARE, None, self.life)

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
                self._crash(pending.next_crash(self._effects))
                return
            if type(effect) is Trace:  # most effects: `match` comes to them later
                effect.seq, effect.at = len(lines) + 1, now
                lines.append(effect)
                if pending.needs_elections and effect.event == "role":
                    self._took_role(effect.role)
                continue
            match effect:
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
                case Handed(records):
                    if not self._hand(records):
                        return
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

    def _hand(self, records: tuple[bytes, ...] | Replacement) -> bool:
        """Let the kernel have records that nothing syncs; False if the disk refused: this life is over."""
        assert isinstance(self._storage, Journal)
        try:
            self._storage.hand(records)
        except OSError as problem:
            self._cannot_write(problem)
            return False
        return True

    def _cannot_write(self, problem: OSError) -> None:
        self.log.append(f"{self._world.now} ERROR cannot write the log: {problem}")
        self._ended(EX_IOERR, self.disk.refused_by, self.life)

    def _begin_write(self) -> None:
        self._writing, self._queued = self._queued, []
        self._writes += 1
        took = self._decisions.write_ns(self.name, self._writes) + self.disk.delay_ns()
        self._world.at(self._world.now + took, self._written, self.life)

    def _written(self, life: int) -> None:
        """The write is over: on disk, or failed."""
        if life != self.life or self._storage is None or not self._writing:
            return
        if self._pending.needs_writes:
            is_first, self._has_written = not self._has_written, True
            crash = self._pending.in_write(self._starts if is_first else None, self._writes_snapshot())
            if crash is not None:
                self._interrupt_write(self._decisions.tear(self.name, self._writes), crash.call)
                self._crashed(crash, self.life)
                return
        number = self._writing[-1].number
        try:
            for persist in self._writing:
                self._storage.write(persist.records)
            self._storage.sync()
        except OSError as problem:
            self._cannot_write(problem)
            return
        except Exception as error:  # noqa: BLE001 - as in `_step`
            self._defect(error)
            return
        self._writing = []
        if self._queued:
            self._begin_write()
        if self.is_stopped:
            self._deferred.append(Synced(number))
        else:
            self._step(Synced(number))

    def _writes_snapshot(self) -> bool:
        """Whether the write under way holds a snapshot."""
        replaces = SnapshotRecord | Replacement
        return any(isinstance(one, replaces) for persist in self._writing for one in persist.records)

    def _interrupt_write(self, draw: int, call: int) -> None:
        """Leave on the disk what the kernel has of a write under way that ends in its `call`-th call."""
        assert self._storage is not None
        self.disk.interrupt(draw, call)
        try:
            for persist in self._writing:
                self._storage.write(persist.records)
            self._storage.sync()
        except (Interrupted, OSError):
            pass
        finally:
            self.disk.end_interruption()
        self._writing = []


def _account(crash: CrashAtEffect | CrashAtDiskCall) -> str:
    """On whose account a life ends that a scheduled crash ends."""
    return "power-loss" if crash.power_lost else "crash"
