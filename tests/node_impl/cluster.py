"""A deterministic cluster for tests: real `Node`s in virtual time over a bad network and bad disks.

Everything follows from one seed. Nodes are driven through events alone, as any driver does it. A
crash loses what was not synced, or rather all but a random beginning of it, since a kernel may have
written that much. `Invariants` watches every trace line as it is written.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random as PythonRandom
from typing import Any

from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.build import DEFAULT_PARTS, Parts, build_node
from node_impl.core.config import NodeConfig
from node_impl.core.events import (
    Body,
    CancelTimer,
    ClientRequest,
    Effect,
    Event,
    Fatal,
    HardState,
    InstanceKey,
    Persist,
    Received,
    Register,
    Reply,
    Request,
    Respond,
    Send,
    SetTimer,
    Shutdown,
    Synced,
    TimerFired,
    Trace,
)
from node_impl.core.node import Node
from node_impl.core.raft.messages import Envelope
from node_impl.core.storage.wal import WriteAheadLog
from tests.node_impl.invariants import Invariants, Violation

CONFIG = NodeConfig(max_batch_entries=8)
SNAPSHOTS = NodeConfig(
    max_batch_entries=8,
    snapshot_entries=7,
    snapshot_trailing=3,
    snapshot_chunk_bytes=300,
    max_apply_entries=5,
)
"""A snapshot every few entries, each in several chunks."""


class Random(PythonRandom):
    def below(self, n: int) -> int:
        return self.randrange(n)


@dataclass(frozen=True)
class Faults:
    """What goes wrong by chance, in parts per thousand, and how long things take."""

    lost: int = 0
    repeated: int = 0
    delay_ns: tuple[int, int] = (1 * MILLISECOND_NS, 2 * MILLISECOND_NS)
    fsync_ns: tuple[int, int] = (1 * MILLISECOND_NS, 2 * MILLISECOND_NS)
    crash_between_effects: int = 0
    """Per 100,000 effects."""


@dataclass
class Call:
    """A client's request and what became of it."""

    node: str
    body: Body
    op: str
    invoked_at: int
    session: tuple[str, int] | None = None
    reply: Reply | None = None
    replied_at: int | None = None


class MemoryDisk:
    """A disk that keeps what it is given; that a crash loses what was not synced is the cluster's doing."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}

    def read(self, name: str) -> bytes | None:
        return bytes(self.files[name]) if name in self.files else None

    def write_new(self, name: str, content: bytes) -> None:
        self.files[name] = bytearray(content)

    def rename(self, old: str, new: str) -> None:
        self.files[new] = self.files.pop(old)

    def sync_folder(self) -> None:
        pass

    def append(self, name: str, data: bytes) -> None:
        self.files[name] += data

    def sync(self, name: str) -> None:
        pass

    def truncate(self, name: str, size: int) -> None:
        del self.files[name][size:]


@dataclass
class Member:
    """One node's process, and the disk that outlives it."""

    disk: MemoryDisk = field(default_factory=MemoryDisk)
    storage: WriteAheadLog | None = None
    """None while it is down."""
    life: int = 0
    node: Node | None = None
    """None while it is down."""
    unsynced: list[Persist] = field(default_factory=list)
    is_syncing: bool = False
    synced: int = 0
    held: list[Send | Respond] = field(default_factory=list)
    deadlines: dict[str, int] = field(default_factory=dict)
    calls: dict[int, Call] = field(default_factory=dict)


class Cluster:
    """Nodes `n1`, `n2`, ... all down until started."""

    def __init__(
        self,
        size: int,
        seed: int = 0,
        *,
        faults: Faults = Faults(),
        config: NodeConfig = CONFIG,
        parts: Parts = DEFAULT_PARTS,
    ) -> None:
        self.names = tuple(f"n{number}" for number in range(1, size + 1))
        self.members = {name: Member() for name in self.names}
        self.now = 0
        self.faults = faults
        self.config = config
        self.parts = parts
        self.random = Random(seed)
        self.calls: list[Call] = []
        self.cut_links: set[tuple[str, str]] = set()
        self.drop: Callable[[str, Envelope], bool] = lambda to, envelope: False
        """Messages for which it is true never arrive."""
        self.traces: list[tuple[str, Trace]] = []
        self.invariants = Invariants(self.names)
        self.events = 0
        self._agenda: list[tuple[int, int, str, int, Event | Callable[[], None]]] = []
        self._ids = count(1)

    # ---- faults ------------------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Begin a new life of these nodes, which must be down; without names, of all that are."""
        for name in names or [name for name in self.names if name not in self.up]:
            member = self.members[name]
            assert member.node is None, f"{name} is up"
            member.storage = self.parts.storage(member.disk)
            recovered = member.storage.recover()
            member.life += 1
            member.node = build_node(
                name=name,
                members=self.names,
                life=member.life,
                recovered=recovered,
                random=Random(self.random.random()),
                config=self.config,
                parts=self.parts,
            )
            self._carry_out(name, member.node.start(self.now))

    def crash(self, *names: str) -> None:
        """Kill nodes that are up: memory is gone, and what was not synced may be."""
        for name in names:
            member = self.members[name]
            kept = self.random.below(len(member.unsynced) + 1)
            for persist in member.unsynced[:kept]:
                self._reach_disk(name, persist)
            member.node = member.storage = None
            member.unsynced, member.held, member.deadlines, member.calls = [], [], {}, {}
            member.synced, member.is_syncing = 0, False

    def cut(self, side: Iterable[str]) -> None:
        """Separate these nodes from all others, both ways."""
        inside = set(side)
        for a in self.names:
            for b in self.names:
                if (a in inside) != (b in inside):
                    self.cut_links.add((a, b))

    def heal(self) -> None:
        """Let all links carry messages again."""
        self.cut_links.clear()

    # ---- clients ---------------------------------------------------------------------------------------

    def ask(
        self, name: str, body: Body, session: tuple[str, int] | None = None, op: str | None = None
    ) -> Call:
        """Begin a request at a node that is up; `op`: whose copy this is, if it repeats a call."""
        request_id = next(self._ids)
        call = Call(name, body, op or str(request_id), self.now, session)
        self.calls.append(call)
        self.members[name].calls[request_id] = call
        self.step(name, ClientRequest(request_id, Request(body, call.op, *(session or (None, None)))))
        return call

    def answer(
        self, name: str, body: Body, limit: int = 10 * SECOND_NS, session: tuple[str, int] | None = None
    ) -> Reply:
        """Ask and run until the reply is there."""
        call = self.ask(name, body, session)
        self.run_until(lambda: call.reply is not None, limit)
        assert call.reply is not None
        return call.reply

    # ---- time --------------------------------------------------------------------------------------------

    def run(self, duration: int) -> None:
        """Let that much virtual time pass."""
        end = self.now + duration
        while self._agenda and self._agenda[0][0] <= end:
            self._next()
        self.now = end

    def run_until(self, condition: Callable[[], bool], limit: int = 10 * SECOND_NS) -> None:
        """Run until the condition holds.

        Raises:
            Violation: `recovery`: it does not within the limit.
        """
        end = self.now + limit
        while not condition():
            assert self._agenda, "nothing will ever happen again"
            if self._agenda[0][0] > end:
                raise Violation("recovery", f"not within {limit / SECOND_NS} s: {self.describe()}")
            self._next()

    def later(self, delay: int, action: Callable[[], None]) -> None:
        """Do something at a later time."""
        heapq.heappush(self._agenda, (self.now + delay, next(self._ids), "", 0, action))

    def step(self, name: str, event: Event) -> None:
        """Feed one event to a node that is up."""
        node = self.node(name)
        self.events += 1
        self._carry_out(name, node.step(self.now, event))

    # ---- looking ---------------------------------------------------------------------------------------

    def node(self, name: str) -> Node:
        """A node that is up."""
        node = self.members[name].node
        assert node is not None, f"{name} is down"
        return node

    @property
    def up(self) -> list[str]:
        """Names of the nodes that run."""
        return [name for name in self.names if self.members[name].node is not None]

    def leader(self) -> str | None:
        """Who leads in the highest term, if it can reach a majority of those up, which follow it."""
        leading = [n for n in self.up if self.node(n).raft.state.role == "leader"]
        if not leading:
            return None
        best = max(leading, key=lambda n: self.node(n).raft.state.current_term)
        voters = self.node(best).raft.membership.voters
        followers = [n for n in self.up if self.node(n).raft.state.leader == best and n in voters]
        return best if len(followers) > len(voters) // 2 else None

    def elect(self) -> str:
        """Run until there is a leader whose first entry is committed; its name."""

        def is_settled() -> bool:
            leader = self.leader()
            return leader is not None and self.node(leader).raft.reads.may_serve_reads()

        self.run_until(is_settled)
        leader = self.leader()
        assert leader is not None
        return leader

    def settle(self) -> None:
        """Run until all members up have the same log, and all of it is applied."""

        def is_settled() -> bool:
            leader = self.leader()
            members = () if leader is None else self.node(leader).raft.state.configuration.members
            states = [self.node(name).raft.state for name in self.up if name in members]
            logs = {(s.current_term, s.log.last_index, s.last_applied - s.log.last_index) for s in states}
            return self.leader() is not None and len(logs) == 1 and next(iter(logs))[2] == 0

        self.run_until(is_settled, 30 * SECOND_NS)

    def terms(self, name: str) -> list[int]:
        """The terms of a node's log, in order."""
        log = self.node(name).raft.state.log
        return [log.term_at(index) for index in range(log.base_index + 1, log.last_index + 1)]

    def describe(self) -> str:
        """For failures."""
        return "; ".join(
            f"{name}: {state.role}, term {state.current_term}, {state.commit_index} of {state.log.last_index}"
            for name in self.up
            for state in [self.node(name).raft.state]
        )

    # ---- the driver ------------------------------------------------------------------------------------

    def _next(self) -> None:
        at, _, name, life, event = heapq.heappop(self._agenda)
        self.now = max(self.now, at)
        if callable(event):
            event()
            return
        member = self.members[name]
        match event:
            case Received():
                if member.node is not None:
                    self.step(name, event)
            case TimerFired(timer):
                if member.life == life and member.deadlines.get(timer) == at:
                    del member.deadlines[timer]
                    self.step(name, event)
            case Synced():
                if member.life == life and member.node is not None:
                    self._synced(name, event.number)
            case _:
                raise TypeError(event)

    def _later(self, at: int, name: str, event: Event) -> None:
        heapq.heappush(self._agenda, (at, next(self._ids), name, self.members[name].life, event))

    def _between(self, bounds: tuple[int, int]) -> int:
        return bounds[0] + self.random.below(bounds[1] - bounds[0] + 1)

    def _synced(self, name: str, number: int) -> None:
        member = self.members[name]
        while member.unsynced and member.unsynced[0].number <= number:
            self._reach_disk(name, member.unsynced.pop(0))
        life = member.life
        self.step(name, Synced(number))
        if member.node is None or member.life != life:
            return
        member.synced, member.is_syncing = number, False
        released = [effect for effect in member.held if effect.after <= number]
        member.held = [effect for effect in member.held if effect.after > number]
        for effect in released:
            self._leave(name, effect)
        self._sync(name)

    def _reach_disk(self, name: str, persist: Persist) -> None:
        storage = self.members[name].storage
        assert storage is not None
        storage.write(persist.records)
        storage.sync()
        for record in persist.records:
            if isinstance(record, HardState):
                self.invariants.reached_disk(name, record)

    def _sync(self, name: str) -> None:
        member = self.members[name]
        if member.unsynced and not member.is_syncing:
            member.is_syncing = True
            self._later(
                self.now + self._between(self.faults.fsync_ns), name, Synced(member.unsynced[-1].number)
            )

    def _carry_out(self, name: str, effects: list[Effect]) -> None:
        member = self.members[name]
        for effect in effects:
            if isinstance(effect, Persist):
                self.invariants.wrote(effect)
        for effect in effects:
            if self.random.below(100_000) < self.faults.crash_between_effects:
                self.crash(name)
                return
            match effect:
                case Trace():
                    self.traces.append((name, effect))
                    self.invariants.check(name, effect, member.node)
                case Persist():
                    member.unsynced.append(effect)
                    self._sync(name)
                case SetTimer(timer, at):
                    member.deadlines[timer] = at
                    self._later(at, name, TimerFired(timer))
                case CancelTimer(timer):
                    member.deadlines.pop(timer, None)
                case Send() | Respond():
                    if effect.after <= member.synced:
                        self._leave(name, effect)
                    else:
                        member.held.append(effect)
                case Fatal(reason):
                    raise AssertionError(f"{name}: {reason}")

    def _leave(self, name: str, effect: Send | Respond) -> None:
        match effect:
            case Respond(request_id, reply):
                call = self.members[name].calls.pop(request_id)
                call.reply, call.replied_at = reply, self.now
            case Send(to, envelope):
                copies = 2 if self.random.below(1000) < self.faults.repeated else 1
                for _ in range(copies):
                    is_lost = self.random.below(1000) < self.faults.lost
                    if not (is_lost or (name, to) in self.cut_links or self.drop(to, envelope)):
                        self._later(self.now + self._between(self.faults.delay_ns), to, Received(envelope))

    def shut_down(self, name: str) -> None:
        """An orderly end."""
        self.step(name, Shutdown())
        self.crash(name)


def key(number: int) -> InstanceKey:
    """The key of test instance `number`."""
    return InstanceKey("service", "10.0.0.1", number)


def register(number: int, value: Any = None) -> Register:
    """Register test instance `number`; `value` tells registrations apart."""
    return Register(key(number), metadata={"value": str(value)})
