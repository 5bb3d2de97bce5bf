"""One node of an exploration: the unchanged core, its disk, what waits for the disk, what can happen to it.

It drives the core as node_impl/core/events.py demands of every driver. What is left out of a real node
here, and which behaviour is lost by it (but for one point, none):

- *Time.* Any timer may fire at any time. A clock stands still until its node's time-out fires, and then
  has moved beyond it; a node that has heard a leader may also have heard it long ago (`Take.late`). Under
  leases it is otherwise (`clocks.py`).
- *Loss.* A message that is never taken is lost, so no step is needed for it.
- *A crash between two effects of a step.* A message that was not sent yet is one that is never taken, and
  records come last in a step: so this is a crash after the step that keeps none of them (`Crash.kept`).
- *Being down.* A node that is down does nothing and answers nothing, as one that is up may. So a crash and
  the start after it are one step.
- *Several events in one step.* A node takes those that are at hand together, and then writes and sends what
  they came to at once. Here each has a step of its own, or two share one (`Both`), of which the second is a
  message or the disk's answer. More, and others, are left out, and `ackproof sim` has them.
- *The state machine.* It is the list of the entries that it applied, and applies at once what is committed;
  other tests hold that nodes which apply the same entries have the same registry. Where a client's writes
  arrive again, it is the node's own (`machine.py`).
- *When a snapshot is due.* It may be taken whenever something was applied since the last one, and the log is
  forgotten up to its end; a snapshot is sent in one message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from harness.sim.explore.node.clocks import FAST_TICK, SLOW_TICK, NoChance
from harness.sim.explore.node.copying import copied
from harness.sim.explore.node.disk import DurableState, applied_in, snapshot_of, whole_log, written
from harness.sim.explore.node.machine import (
    MachineState,
    RunningMachine,
    nothing_applied,
    what_is_wrong,
)
from harness.sim.explore.node.shape import Shape, shape_of
from harness.sim.explore.node.steps import (
    AskRead,
    ChangeMembers,
    CheckQuorum,
    Crash,
    Event,
    HeartbeatDue,
    Mail,
    Propose,
    Single,
    Sync,
    Take,
    TakeSnapshot,
    TimeOut,
    TimePasses,
    Transfer,
    parts_of_step,
)
from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import Configuration, Effect, Entry, Persist, Send, Snapshot, Trace
from node_impl.core.raft.elections import ELECTION_TIMER, HEARTBEAT_TIMER
from node_impl.core.raft.messages import RequestVote, RequestVoteReply
from node_impl.core.raft.raft import Raft
from node_impl.core.requests import AddLearner, AdminBody, Promote, Remove, TransferLeadership
from node_impl.core.serving.administration import plan


class Promise(NamedTuple):
    """The newest term that a node has shown to others, and the candidate that got its vote in that term."""

    term: int
    vote: str | None


NO_PROMISE = Promise(0, None)


class Happened(msgspec.Struct, frozen=True):
    """The consequences of an event."""

    after: Member
    mail: tuple[Mail, ...]
    """The messages that left the node."""
    ids: tuple[str, ...]
    """The message id of each of them."""
    elected: int
    """The term that it began to lead; 0: none."""
    commits: tuple[Entry, ...]
    """What it takes for committed, and did not before."""
    wrong: str | None
    """The invariant of one node that was broken, and how."""
    traces: tuple[Trace, ...]
    """The lines that a real node would write to its trace."""


class Member:
    """A node at one moment. It never changes once it is made: `happens` makes another one."""

    __slots__ = ("applied", "core", "disk", "held", "life", "machine", "parts", "promise", "unsynced")

    def __init__(
        self,
        parts: Parts,
        core: Raft,
        disk: DurableState,
        unsynced: tuple[Persist, ...] = (),
        held: tuple[Send, ...] = (),
        promise: Promise = NO_PROMISE,
        life: int = 1,
        applied: tuple[Entry, ...] = (),
        machine: MachineState | None = None,
    ) -> None:
        self.parts = parts
        """The classes of the core's collaborators, of which each life is built."""
        self.core = core
        self.life = life
        self.disk = disk
        self.unsynced = unsynced
        """Writes that are not on disk yet, oldest first."""
        self.held = held
        """Messages that wait for one of those."""
        self.promise = promise
        self.applied = applied
        """The state machine: the entries that it applied, also those of the snapshots that it became."""
        self.machine = machine
        """What the node's own state machine holds; None if clients have no sessions."""

    @property
    def log(self) -> tuple[Entry, ...]:
        """All entries that it stands for in memory, those of its snapshot first."""
        log = self.core.state.log
        return whole_log(self.core.snapshots.newest, log.base_index, log.entries_after(log.base_index))

    def orders(self) -> tuple[AdminBody, ...]:
        """The changes of the members, and the transfers, that this leader would begin now."""
        state = self.core.state
        changes: list[AdminBody] = [
            kind(name) for name in state.known for kind in (AddLearner, Promote, Remove, TransferLeadership)
        ]
        return tuple(change for change in changes if _may_begin(self.core, change))

    @property
    def least_term(self) -> int:
        """A term that it will never be below, whatever crashes."""
        return min(self.core.state.current_term, self.disk.hard_state.term)

    @property
    def may_time_out(self) -> bool:
        """Whether its election timer may fire now: under leases it goes by the node's clock."""
        core = self.core
        return not core.state.config.lease or core.elections._deadline <= core.state.now

    def shape(self, *, quorum_is_checked: bool) -> Shape:
        """All that decides what this node will ever do, and what it has promised."""
        synced = self.core.state.outbox.synced_number
        shaped = partial(shape_of, quorum_is_checked=quorum_is_checked)
        return (
            shaped(self.core),
            shaped(self.disk),
            tuple([(write.number - synced, shaped(write.records)) for write in self.unsynced]),
            tuple([(sent.after - synced, sent.to, shaped(sent.message.body)) for sent in self.held]),
            tuple(self.promise),
            self.applied,
            self.machine,
        )


def first_member(
    parts: Parts,
    name: str,
    members: tuple[str, ...],
    config: NodeConfig,
    disk: DurableState,
    *,
    has_sessions: bool = False,
) -> Member:
    """A node that starts for the first time, or with what an earlier life left on its disk.

    Args:
        has_sessions: whether it has the node's own state machine.
    """
    machine = nothing_applied(parts, config) if has_sessions else None
    core, applied, machine, _ = _started(parts, name, members, config, disk, 1, machine)
    if config.lease:
        core.state.set_time(config.election_timeout_ns)  # it has been up, and promises nothing any more
    return Member(parts, core, disk, promise=Promise(*_hard(disk)), applied=applied, machine=machine)


def happens(member: Member, event: Event, *, received: Sequence[str] = ()) -> Happened:
    """Let an event happen to a node; `member` stays as it is.

    Args:
        received: the message id of each message that is taken, for the trace.
    """
    if isinstance(event, Crash):
        return _crash(member, event)
    kept = (member.disk, member.unsynced, member.held, member.promise, member.life, member.applied)
    new = Member(member.parts, copied(member.core), *kept, member.machine)
    walk = _Step(member, new)
    try:
        walk.take(event, received)
    except Exception as error:  # noqa: BLE001 - whatever the core raises would end a real node: a finding
        walk.wrong = f"node-health: {event.node} failed with {type(error).__name__}: {error}"
    return walk.end()


class _Step:
    """One event, with all that follows from it in the node."""

    def __init__(self, before: Member, new: Member) -> None:
        self.before, self.new = before, new
        self.mail: list[Mail] = []
        self.ids: list[str] = []
        self.traces: list[Trace] = []
        self.wrong: str | None = None
        self._on_disk = 0
        """The number of the last write that this step says is on disk; 0: it says nothing."""

    def take(self, event: Event, received: Sequence[str]) -> None:
        """Take what is at hand; each part is followed up, and then all that came of it is sent."""
        ids = iter(received)
        for part in parts_of_step(event):
            self._take(part, ids)
            self._follow_up()
        state = self.new.core.state
        self.new.core.replication.flush()
        self._carry_out(state.outbox.take(state.voted_for, state.log.last_index))
        self._release()

    def _take(self, event: Single, received: Iterator[str]) -> None:
        core = self.new.core
        state = core.state
        match event:
            case Take(_, sender, body, late):
                if late:
                    state.set_time(state.now + state.config.election_timeout_ns)
                state.trace_message("receive", sender, type(body).__name__, next(received, ""))
                core.receive(sender, body)
            case TimeOut():
                if not state.config.lease:
                    state.set_time(
                        state.now + 2 * state.config.election_timeout_ns
                    )  # no time-out drawn is longer
                core.timer_fired(ELECTION_TIMER)
            case TimePasses(slow):
                state.set_time(state.now + (SLOW_TICK if slow == state.name else FAST_TICK))
            case CheckQuorum():
                core.timer_fired(ELECTION_TIMER)
            case HeartbeatDue():
                core.timer_fired(HEARTBEAT_TIMER)
            case Propose(_, payload, session):
                core.replication.propose(payload, None, session)
            case AskRead(_, committed):
                core.reads.request((None, committed))
            case ChangeMembers(_, change):
                planned = plan(core, change)
                assert isinstance(planned, Configuration)  # `orders` has what may begin
                core.replication.propose_configuration(planned, None)
            case Transfer(_, to):
                core.elections.transfer_to(to)
            case TakeSnapshot():
                core.snapshots.take(self._snapshot())
            case Sync(_, groups):
                done = self.new.unsynced[:groups]
                self._on_disk = done[-1].number
                self.new.disk, self.new.unsynced = written(self.new.disk, done), self.new.unsynced[groups:]
                core.synced(self._on_disk)

    def _release(self) -> None:
        """Send what waited for the writes that this step says are on disk."""
        new, number = self.new, self._on_disk
        waited = [sent for sent in new.held if sent.after <= number]
        new.held = tuple(sent for sent in new.held if sent.after > number)
        for sent in waited:
            self._leaves(sent)

    def _follow_up(self) -> None:
        core, state = self.new.core, self.new.core.state
        new = self.new
        if new.machine is None:
            self._apply_to_the_list()
        else:
            running = RunningMachine(new.parts, core, new.applied, new.machine)
            running.follow()
            new.applied, new.machine = running.applied, running.state
        for index, tokens in core.reads.take_confirmed():
            for _, committed in tokens:
                if index < int(committed):
                    self.wrong = (
                        f"stale-read: {state.name} answers a read from index {index}, although {committed} "
                        "was committed when it was asked"
                    )

    def _apply_to_the_list(self) -> None:
        new, core, state = self.new, self.new.core, self.new.core.state
        installed = core.snapshots.take_installed()
        if installed is not None:
            new.applied = applied_in(installed)
        while state.commit_index > state.last_applied:
            first = max(state.last_applied, state.log.base_index)
            new.applied += state.log.entries_after(first)[: state.commit_index - first]
            core.applied(state.commit_index)

    def _snapshot(self) -> Snapshot:
        new = self.new
        if new.machine is None:
            return snapshot_of(new.applied, new.core.state.configurations.at(new.core.state.last_applied))
        return RunningMachine(new.parts, new.core, new.applied, new.machine).snapshot()

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        new = self.new
        synced = (
            self.before.core.state.outbox.synced_number
        )  # what this very step says of the disk comes after it
        for effect in effects:
            match effect:
                case Send() if effect.after <= synced:
                    self._leaves(effect)
                case Send():
                    new.held = (*new.held, effect)
                case Persist():
                    new.unsynced = (*new.unsynced, effect)
                case Trace():
                    self.traces.append(effect)

    def _leaves(self, sent: Send) -> None:
        new, body = self.new, sent.message.body
        self.mail.append(Mail(sent.to, new.core.state.name, body))
        self.ids.append(sent.message.message_id)
        vote = None
        if isinstance(body, RequestVote):
            vote = new.core.state.name
        elif isinstance(body, RequestVoteReply) and body.granted:
            vote = sent.to
        term, given = new.promise
        if body.term > term:
            new.promise = Promise(body.term, vote)
        elif body.term == term and vote is not None:
            if given is not None and given != vote:
                self.wrong = (
                    f"one-vote-a-term: {new.core.state.name} votes for {given} and for {vote} in term {term}"
                )
            new.promise = Promise(term, vote)

    def end(self) -> Happened:
        before, after = self.before.core.state, self.new.core.state
        led = [trace.term for trace in self.traces if trace.event == "role" and trace.role == "leader"]
        log = self.new.log
        wrong = self.wrong or _broken(self.before, self.new, log)
        return Happened(
            after=self.new,
            mail=tuple(self.mail),
            ids=tuple(self.ids),
            elected=led[-1] if led else 0,
            commits=() if wrong else log[before.commit_index : after.commit_index],
            wrong=wrong,
            traces=tuple(self.traces),
        )


def _may_begin(core: Raft, change: AdminBody) -> bool:
    planned = plan(core, change)
    return isinstance(planned, Configuration) or (planned is None and isinstance(change, TransferLeadership))


def _broken(before: Member, after: Member, new: tuple[Entry, ...]) -> str | None:
    """What one node, between two starts, must never do; `new` is its log afterwards."""
    was, now = before.core.state, after.core.state
    name = now.name
    if now.current_term < was.current_term:
        return f"term-monotonic: {name} goes from term {was.current_term} back to {now.current_term}"
    if now.commit_index < was.commit_index:
        return f"commit-monotonic: {name} takes commitIndex back to {now.commit_index}"
    if now.commit_index > now.log.last_index:
        return f"commit-monotonic: {name} commits {now.commit_index}, beyond the end of its log"
    old = before.log
    kept = len(old)
    if was.role == now.role == "leader" and was.current_term == now.current_term:
        if new[:kept] != old:
            return f"leader-append-only: {name} removes entries of its own log as leader"
    elif new[: was.commit_index] != old[: was.commit_index]:
        return f"committed-never-truncated: {name} removes entries up to its commitIndex {was.commit_index}"
    if after.applied != new[: now.last_applied]:
        return (
            f"state-machine-safety: {name} has applied {in_words(after.applied)}, and its log up to "
            f"{now.last_applied} is {in_words(new[: now.last_applied])}"
        )
    if after.machine is None:
        return None
    return what_is_wrong(after.parts, after.core, after.applied, after.machine)


def in_words(entries: Sequence[Entry]) -> str:
    """Name entries by index and term."""
    return ", ".join(f"{entry.index} of term {entry.term}" for entry in entries) or "nothing"


def _crash(member: Member, event: Crash) -> Happened:
    parts, state = member.parts, member.core.state
    half = member.unsynced[event.kept] if event.half else None
    disk = written(member.disk, member.unsynced[: event.kept], half)
    life = member.life + 1
    first = None if member.machine is None else nothing_applied(parts, state.config)
    again, applied, machine, traces = _started(
        parts, state.name, state.known, state.config, disk, life, first
    )
    wrong = None
    if again.state.current_term < member.promise.term:
        wrong = (
            f"term-monotonic: {state.name} starts in term {again.state.current_term}, and has shown others "
            f"term {member.promise.term}"
        )
    after = Member(parts, again, disk, promise=member.promise, life=life, applied=applied, machine=machine)
    return Happened(after, (), (), 0, (), wrong, traces)


def _started(
    parts: Parts,
    name: str,
    members: tuple[str, ...],
    config: NodeConfig,
    disk: DurableState,
    life: int,
    machine: MachineState | None,
) -> tuple[Raft, tuple[Entry, ...], MachineState | None, tuple[Trace, ...]]:
    """A core, what its state machine has applied and holds, and the first lines of its trace.

    Args:
        machine: what it would hold without a snapshot.
    """
    core = Raft(
        name=name,
        members=members,
        life=life,
        recovered=disk.recovered,
        random=NoChance(),
        config=config,
        parts=parts,
    )
    core.start()
    applied: tuple[Entry, ...] = ()
    if machine is not None:
        running = RunningMachine(parts, core, applied, machine)
        running.follow()
        applied, machine = running.applied, running.state
    elif (installed := core.snapshots.take_installed()) is not None:
        applied = applied_in(installed)
    effects = core.state.outbox.take(core.state.voted_for, core.state.log.last_index)
    return core, applied, machine, tuple(effect for effect in effects if isinstance(effect, Trace))


def _hard(disk: DurableState) -> tuple[int, str | None]:
    return disk.hard_state.term, disk.hard_state.vote
