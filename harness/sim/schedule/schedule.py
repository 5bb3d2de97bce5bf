"""A run as a schedule: every choice written out, so that any of them can be left out.

A seed says all and shows nothing. A schedule lists what clients and nemesis do and when, what befalls
the nodes, and, of each message, write, request and election, what is other than the default. Run it,
and the same happens again; take a line away, and the rest stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import msgspec

from harness.generator import NEVER, Answer, Context, Generator, Pending
from harness.generator.base import bit_of
from harness.nemesis.base import Action, ClusterView, Link
from harness.nemesis.nemesis import Nemesis
from harness.sim.plan.chance import Stream
from harness.sim.plan.fates import (
    DEFAULT_MESSAGE_NS,
    DEFAULT_WRITE_NS,
    MILLISECOND_NS,
    ClientFate,
    Delays,
    DrawnFates,
    Fates,
)
from harness.sim.plan.incidents import Incident
from harness.sim.plan.swarm import Plan
from harness.sim.run import Ran, run
from history import NEMESIS, Operation

_ACTIONS: dict[str, type[Action]] = {kind.__name__: kind for kind in get_args(Action)}


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client or the nemesis does, as soon as `at` has come and its thread is free."""

    at: int
    """Virtual nanoseconds."""
    thread: int
    """A client's, or -1: the nemesis."""
    f: str
    key: str | None = None
    value: Any = None
    node: str | None = None
    actions: tuple[Action, ...] = ()
    """Of the nemesis."""


class Message(msgspec.Struct, frozen=True):
    """The n-th message on a link: when it arrives, in nanoseconds after it left; never if empty."""

    sender: str
    receiver: str
    n: int
    delays: Delays


class Write(msgspec.Struct, frozen=True):
    """How long a node's n-th write takes."""

    node: str
    n: int
    takes: int


class Tear(msgspec.Struct, frozen=True):
    """How much of a node's n-th write, which was interrupted, is on disk: see `SimulatedDisk.tear`."""

    node: str
    n: int
    draw: int


class Election(msgspec.Struct, frozen=True):
    """What a node's n-th election time-out is longer than the least, in nanoseconds."""

    node: str
    n: int
    adds: int


class Client(msgspec.Struct, frozen=True):
    """How the n-th client request travels."""

    n: int
    fate: ClientFate


Deviation = Message | Write | Tear | Election | Client


class Deviations(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is not the default."""

    messages: tuple[Message, ...] = ()
    writes: tuple[Write, ...] = ()
    tears: tuple[Tear, ...] = ()
    elections: tuple[Election, ...] = ()
    clients: tuple[Client, ...] = ()


class Schedule(msgspec.Struct, frozen=True):
    """A whole run. The plan's weather, pace and incidents are not used: they are written out here."""

    plan: Plan
    until: int
    """Virtual nanoseconds: when the run ends, if all steps are done."""
    steps: tuple[Step, ...]
    incidents: tuple[Incident, ...] = ()
    deviations: Deviations = Deviations()


def default_election(node: str, n: int, bound: int) -> int:
    """An election time-out that no schedule names: another for each draw, so that votes seldom split."""
    stream = Stream(0, "default election", node, n)
    if bound < MILLISECOND_NS:
        return stream.below(bound)
    return stream.below(bound // MILLISECOND_NS) * MILLISECOND_NS


class RecordingFates:
    """Says what others say, and writes down what is not the default."""

    def __init__(self, others: Fates) -> None:
        self._others = others
        self._messages: list[Message] = []
        self._writes: list[Write] = []
        self._tears: list[Tear] = []
        self._elections: list[Election] = []
        self._clients: list[Client] = []

    @property
    def deviations(self) -> Deviations:
        """All of them so far."""
        return Deviations(
            tuple(self._messages),
            tuple(self._writes),
            tuple(self._tears),
            tuple(self._elections),
            tuple(self._clients),
        )

    def message(self, link: Link, n: int) -> Delays:
        """As they say."""
        delays = self._others.message(link, n)
        if delays != (DEFAULT_MESSAGE_NS,):
            self._messages.append(Message(*link, n, delays))
        return delays

    def write_ns(self, node: str, n: int) -> int:
        """As they say."""
        takes = self._others.write_ns(node, n)
        if takes != DEFAULT_WRITE_NS:
            self._writes.append(Write(node, n, takes))
        return takes

    def tear(self, node: str, n: int) -> int:
        """As they say."""
        draw = self._others.tear(node, n)
        self._tears.append(Tear(node, n, draw))
        return draw

    def election(self, node: str, n: int, bound: int) -> int:
        """As they say."""
        adds = self._others.election(node, n, bound)
        if adds != default_election(node, n, bound):
            self._elections.append(Election(node, n, adds))
        return adds

    def client(self, n: int) -> ClientFate:
        """As they say."""
        fate = self._others.client(n)
        if fate != ClientFate():
            self._clients.append(Client(n, fate))
        return fate

    def calm(self) -> None:
        """As they say."""
        self._others.calm()


class ScriptedFates:
    """As the deviations say, and the default elsewhere."""

    def __init__(self, deviations: Deviations) -> None:
        self._messages = {(m.sender, m.receiver, m.n): m.delays for m in deviations.messages}
        self._writes = {(write.node, write.n): write.takes for write in deviations.writes}
        self._tears: dict[tuple[str, int], list[int]] = {}
        for tear in deviations.tears:
            self._tears.setdefault((tear.node, tear.n), []).append(tear.draw)
        self._elections = {(election.node, election.n): election.adds for election in deviations.elections}
        self._clients = {client.n: client.fate for client in deviations.clients}

    def message(self, link: Link, n: int) -> Delays:
        """As scripted."""
        return self._messages.get((*link, n), (DEFAULT_MESSAGE_NS,))

    def write_ns(self, node: str, n: int) -> int:
        """As scripted."""
        return self._writes.get((node, n), DEFAULT_WRITE_NS)

    def tear(self, node: str, n: int) -> int:
        """As scripted; one write may be torn, and then what was unsynced before it."""
        draws = self._tears.get((node, n))
        return draws.pop(0) if draws else 0

    def election(self, node: str, n: int, bound: int) -> int:
        """As scripted, within the bound."""
        adds = self._elections.get((node, n))
        return default_election(node, n, bound) if adds is None else min(adds, bound - 1)

    def client(self, n: int) -> ClientFate:
        """As scripted."""
        return self._clients.get(n, ClientFate())

    def calm(self) -> None:
        """A schedule says by itself when it is calm."""


class Script(msgspec.Struct, frozen=True):
    """A generator: each step as soon as its time has come and its thread is free; then rest until `until`."""

    steps: tuple[Step, ...]
    until: int

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The first step that can be done."""
        wake_at, waiting = NEVER, context.free_mask
        for place, step in enumerate(self.steps):
            bit = bit_of(step.thread)
            if not waiting & bit:
                continue
            if step.at <= context.now:
                rest = Script((*self.steps[:place], *self.steps[place + 1 :]), self.until)
                return _operation(step, context), rest
            wake_at = min(wake_at, step.at)
            waiting &= ~bit
            if not waiting:
                break
        if self.steps:
            return Pending(wake_at), self
        return (Pending(self.until), self) if context.now < self.until else (None, self)

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        """Nothing that happens changes it."""
        return self


def _operation(step: Step, context: Context) -> Operation:
    value = step.value
    if step.thread == NEMESIS:
        told = value if isinstance(value, Mapping) else {}
        value = {**told, "script": msgspec.to_builtins(step.actions)}
    return Operation(
        -1, context.now, context.process_of(step.thread), "invoke", step.f, step.key, value, None, step.node
    )


class ScriptedNemesis(Nemesis, frozen=True):
    """Does what the operation's value says under `script`; without one, what its packages plan."""

    def plan(
        self,
        operation: Operation,
        view: ClusterView,
        draw: int,
    ) -> tuple[Action, ...]:
        """The actions as they were written down."""
        if not isinstance(operation.value, Mapping) or "script" not in operation.value:
            return super().plan(operation, view, draw)
        return msgspec.convert(operation.value["script"], tuple[Action, ...])


def record(plan: Plan) -> tuple[Schedule, Ran]:
    """Run a plan, and give it as a schedule."""
    fates = RecordingFates(DrawnFates(plan.test.seed, plan.weather))
    ran = run(plan, fates=fates)
    completions = _completions(ran.operations)
    steps = tuple(
        _step(operation, completions.get(operation.index), plan.test.concurrency)
        for operation in ran.operations
        if operation.type == "invoke"
    )
    schedule = Schedule(
        plan=msgspec.structs.replace(plan, incidents=()),
        until=ran.ended_at,
        steps=steps,
        incidents=plan.incidents,
        deviations=fates.deviations,
    )
    return schedule, ran


def play(schedule: Schedule) -> Ran:
    """Run a schedule."""
    return _play(schedule, ScriptedFates(schedule.deviations))


def play_and_clear(schedule: Schedule) -> tuple[Ran, Schedule]:
    """Run a schedule; with it, the same without the deviations that nothing met."""
    fates = RecordingFates(ScriptedFates(schedule.deviations))
    ran = _play(schedule, fates)
    return ran, msgspec.structs.replace(schedule, deviations=fates.deviations)


def _play(schedule: Schedule, fates: Fates) -> Ran:
    plan = msgspec.structs.replace(schedule.plan, incidents=schedule.incidents)
    return run(
        plan,
        fates=fates,
        script=Script(schedule.steps, schedule.until),
        perform=lambda operation, world: ScriptedNemesis(()).perform(operation, world, 0),
    )


def as_played(schedule: Schedule) -> Schedule:
    """The same schedule, and the same run, but every step says when it was done.

    A step waits for its thread, and none is done before there is a leader; so where time was taken out, what
    the steps say of it need not be so.
    """
    waiting = list(schedule.steps)
    done: list[Step] = []
    for operation in play(schedule).operations:
        if operation.type == "invoke":
            thread = operation.process % schedule.plan.test.concurrency if operation.is_client else NEMESIS
            place = next(place for place, step in enumerate(waiting) if step.thread == thread)
            done.append(msgspec.structs.replace(waiting.pop(place), at=operation.time))
    return msgspec.structs.replace(schedule, steps=(*done, *waiting))


def _completions(operations: Sequence[Operation]) -> dict[int, Operation]:
    """By index of the invocation."""
    pending: dict[int, int] = {}
    found: dict[int, Operation] = {}
    for operation in operations:
        if operation.type == "invoke":
            pending[operation.process] = operation.index
        else:
            found[pending.pop(operation.process)] = operation
    return found


def _step(operation: Operation, completion: Operation | None, threads: int) -> Step:
    if operation.is_client:
        return Step(
            operation.time,
            operation.process % threads,
            operation.f,
            operation.key,
            operation.value,
            operation.node,
        )
    done = completion.value["actions"] if completion is not None else []
    actions = tuple(_action(row) for row in done)
    return Step(operation.time, NEMESIS, operation.f, value=operation.value, actions=actions)


def _action(row: Mapping[str, Any]) -> Action:
    kind = _ACTIONS[row["kind"]]
    given: dict[str, Any] = dict(row.get("with", {}))
    if "nodes" in kind.__struct_fields__:
        given["nodes"] = tuple(row["nodes"])
    if "links" in kind.__struct_fields__:
        given["links"] = tuple((a, b) for a, b in row["links"])
    return kind(**given)
