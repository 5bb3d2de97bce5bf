"""A counterexample: the steps to a violation, taken once more on real cores, in words, and in a file.

Nothing is looked up here: each step is the core's own, with the message ids and traces that a node has.
So a counterexample is also a recording, which the checkers of traces judge, and which can be drawn.

```
{"ackproof_way": 1,
 "violation": "election-safety: ...",
 "story": ["n1: its election time-out is over ...", ...],    for people; not read back
 "code": {"node_impl/core/raft": ...},                            digests of the code that ran
 "mutant": "half-is-a-majority",
 "scope": {...},
 "steps": [...]}
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun
from harness.mutants.catalogue import MUTANTS
from harness.sim.explore import invariants
from harness.sim.explore.invariants import Past, in_words
from harness.sim.explore.node.clocks import ELECTION_TIMEOUT, FAST_TICK, SLOW_TICK
from harness.sim.explore.node.member import Happened, first_member, happens
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
    taken_in,
)
from harness.sim.explore.scope import Scope
from harness.sim.explore.search import PathStep
from harness.sim.schedule.replay import pretty
from harness.sim.schedule.version import differences, digests
from harness.sim.world.traces import node_trace
from history import History, Recording
from history.files import RefusedFile, brief, decode_json, read_regular
from history.limits import LARGEST_NUMBER, MOST_NODES, MOST_STEPS
from history.units import MILLISECOND_NS
from node_impl.core.build import DEFAULT_PARTS, MACHINE_PARTS, RAFT_PARTS, Parts
from node_impl.core.events import Trace
from node_impl.core.raft.messages import AppendEntries

FORMAT = 1
_PARTS = (*RAFT_PARTS, *MACHINE_PARTS)
_STEP_NS = MILLISECOND_NS
"""The time between two steps in a recording: a counterexample has their order, not their times."""


class Counterexample(msgspec.Struct, frozen=True):
    """The steps from the start of a scope, and the violation at their end."""

    ackproof_way: int
    violation: str
    code: Mapping[str, str]
    mutant: str | None
    scope: Scope
    steps: tuple[PathStep, ...]


class Walked(msgspec.Struct, frozen=True):
    """The result of taking the steps of a counterexample."""

    story: tuple[str, ...]
    """One line for each step."""
    violation: str | None
    """The first violation that a step came to."""
    recording: Recording


class NoSuchStep(Exception):
    """A step is impossible: its message is not in transit, or the node cannot take such a step."""


def parts_of(mutant: str | None, scope: Scope) -> Parts:
    """The parts of a node with a seeded bug, or the correct ones.

    Raises:
        CouldNotRun: the bug is in a part of the node that this scope leaves out.
    """
    if mutant is None:
        return DEFAULT_PARTS
    parts = MUTANTS[mutant].parts
    broken = [part for part in _PARTS if getattr(parts, part) is not getattr(DEFAULT_PARTS, part)]
    if not broken:
        raise CouldNotRun(
            f"{mutant} breaks a part of the node outside its Raft core and its state machine, and only these "
            f"are explored; try: ackproof sim --seeds 1000 --mutant {mutant} --stop-at-first"
        )
    if not set(broken) & set(scope.explored_parts):
        raise CouldNotRun(
            f"{mutant} breaks the state machine ({', '.join(broken)}), which is explored only where a "
            "client's writes arrive again; give --repeats 1"
        )
    return parts


def walk(scope: Scope, parts: Parts, steps: Sequence[PathStep]) -> Walked:
    """Take these steps, up to the first violation.

    Raises:
        NoSuchStep: one of the steps cannot be taken.
    """
    walker = _Walker(scope, parts)
    for number, step in enumerate(steps, start=1):
        walker.take(number, step)
        if walker.violation is not None:
            break
    return walker.walked()


def save(path: Path, scope: Scope, mutant: str | None, steps: tuple[PathStep, ...], walked: Walked) -> None:
    """Write a file for `load`.

    Raises:
        CouldNotRun: it cannot be written.
    """
    counterexample = Counterexample(FORMAT, walked.violation or "", digests(), mutant, scope, steps)
    plain = msgspec.to_builtins(counterexample)
    plain = {**dict(list(plain.items())[:2]), "story": list(walked.story), **plain}
    try:
        path.write_text(pretty(plain) + "\n", encoding="utf-8")
    except OSError as error:
        raise CouldNotRun(f"cannot write {path}: {error.strerror}") from error


def is_counterexample(path: Path) -> bool:
    """Whether this looks like a file that `save` wrote, in any version."""
    try:
        found = decode_json(read_regular(path), _Version, where=path)
    except (OSError, RefusedFile):
        return False
    return found.ackproof_way is not None


def load(path: Path, *, anyway: bool = False) -> Counterexample:
    """Read a file that `save` wrote.

    Args:
        anyway: read the file also if the code has changed since.

    Raises:
        CouldNotRun: it is of another version, or of other code, with what differs; or it is damaged.
    """
    try:
        data = read_regular(path)
        version = decode_json(data, _Version, where=path).ackproof_way
        if version != FORMAT:
            raise CouldNotRun(
                f"{path} is a counterexample of format {version}, and this ackproof reads format {FORMAT}; "
                "use the ackproof that wrote it"
            )
        counterexample = decode_json(data, Counterexample, where=path)
        _check_bounds(path, counterexample)
    except FileNotFoundError as error:
        raise CouldNotRun(f"cannot read {path}: {error.strerror}") from error
    except RefusedFile as refusal:
        raise CouldNotRun(
            f"{path} is not a counterexample of `ackproof explore`: {refusal.rule}"
        ) from refusal
    if counterexample.mutant is not None and counterexample.mutant not in MUTANTS:
        raise CouldNotRun(
            f"{path} is of the mutant {brief(counterexample.mutant)!r}, which this ackproof does not have"
        )
    changed = differences(counterexample.code)
    if changed and not anyway:
        raise CouldNotRun(
            f"{path} was recorded with other code: {', '.join(changed)} changed since, so the same steps may "
            "not be possible or lead elsewhere. Check out the code that recorded it, or pass --anyway"
        )
    return counterexample


def _check_bounds(path: Path, counterexample: Counterexample) -> None:
    """Refuse a scope that no exploration has.

    Raises:
        RefusedFile: a number or a name is out of its bounds.
    """
    scope, steps = counterexample.scope, len(counterexample.steps)
    if not 1 <= scope.nodes <= MOST_NODES:
        raise RefusedFile(path, f"it has {scope.nodes} nodes; a cluster has 1 to {MOST_NODES}")
    if steps > MOST_STEPS:
        raise RefusedFile(path, f"it has {steps:,} steps, and may have {MOST_STEPS:,}")
    if not 1 <= scope.batch <= LARGEST_NUMBER:
        raise RefusedFile(path, f"its batch is {scope.batch}, which is out of bounds")
    try:
        scope.disks()
    except ValueError as error:
        raise RefusedFile(path, str(error)) from error


class _Version(msgspec.Struct):
    ackproof_way: int | None = None


class _Walker:
    def __init__(self, scope: Scope, parts: Parts) -> None:
        self._scope = scope
        disks = scope.disks()
        self._members = {
            name: first_member(
                parts, name, scope.names, scope.config, disks[name], has_sessions=scope.repeats > 0
            )
            for name in scope.names
        }
        self._past = Past()
        self._mail: list[tuple[str, Mail]] = []
        """(message id, message) of the messages in transit."""
        self._story: list[str] = []
        self._traces: dict[str, list[list[Trace]]] = {name: [[]] for name in scope.names}
        self.violation: str | None = None

    def take(self, number: int, step: PathStep) -> None:
        event = step.event
        received = [self._take_from_network(take, again=step.again) for take in taken_in(event)]
        if isinstance(event, TimePasses):
            for name, member in self._members.items():
                self._members[name] = happens(member, event).after
            self._story.append(_happening(step))
            return
        before = self._members.get(event.node)
        if before is None:
            raise NoSuchStep(f"step {number}: there is no node {event.node}")
        syncs = [part.groups for part in parts_of_step(event) if isinstance(part, Sync)]
        if not all(1 <= groups <= len(before.unsynced) for groups in syncs):
            raise NoSuchStep(f"step {number}: {event.node} has {len(before.unsynced)} unfinished writes")
        happened = happens(before, event, received=received)
        self._members[event.node] = happened.after
        self._mail.extend(zip(happened.ids, happened.mail, strict=True))
        if isinstance(event, Crash):
            self._traces[event.node].append([])
        for trace in happened.traces:
            lines = self._traces[event.node][-1]
            trace.seq, trace.at = len(lines) + 1, number * _STEP_NS
            lines.append(trace)
        self.violation = happened.wrong or self._look(happened)
        self._story.append(f"{event.node}: {_happening(step)}{_consequences(happened.traces)}")

    def _take_from_network(self, event: Take, *, again: bool) -> str:
        wanted = Mail(event.node, event.sender, event.body)
        for place, (message_id, mail) in enumerate(self._mail):
            if mail == wanted:
                if not again:
                    del self._mail[place]
                return message_id
        raise NoSuchStep(
            f"{event.sender}'s {_message_in_words(event.body)} to {event.node} is not in transit"
        )

    def _look(self, happened: Happened) -> str | None:
        """Check the invariants of several nodes in the state after a step."""
        node = happened.after
        name, term = node.core.state.name, node.core.state.current_term
        past: Past | str = self._past
        if happened.elected:
            log = node.log if node.core.state.role == "leader" else None
            past = invariants.elected(self._past, name, happened.elected, log)
        if happened.commits and isinstance(past, Past):
            past = invariants.commits(past, name, term, happened.commits, self._leaders())
        if isinstance(past, str):
            return past
        self._past = past
        members = self._members.values()
        disks = {name: member.disk.log for name, member in self._members.items()}
        voters = invariants.voters_of(past, self._scope.first_voters)
        return invariants.logs_match([*(member.log for member in members), *disks.values()]) or (
            invariants.nothing_is_lost(past, disks, voters, may_change=self._scope.changes > 0)
        )

    def _leaders(self) -> dict[str, tuple[int, invariants.Log]]:
        return {
            name: (member.core.state.current_term, member.log)
            for name, member in self._members.items()
            if member.core.state.role == "leader"
        }

    def walked(self) -> Walked:
        recording = Recording(
            nodes=self._scope.names,
            history=History([]),
            traces={name: node_trace(name, lives) for name, lives in self._traces.items()},
            options={"monotonic_start_ns": 0},
        )
        return Walked(tuple(self._story), self.violation, recording)


def _happening(step: PathStep) -> str:
    event: Event = step.event
    first, *more = [_part_in_words(part, again=step.again) for part in parts_of_step(event)]
    return f"{first}, and in the same step {more[0]}" if more else first


def _part_in_words(event: Single, *, again: bool) -> str:
    match event:
        case Take(_, sender, body, late):
            long_after = ", long after it heard a leader" if late else ""
            copy = ", a copy of which stays in transit" if again else ""
            return f"takes {sender}'s {_message_in_words(body)}{long_after}{copy}"
        case TimeOut():
            return "its election time-out is over"
        case HeartbeatDue():
            return "its heartbeat is due"
        case CheckQuorum():
            return "looks whether a majority answers"
        case TimePasses(slow):
            one = f"that of {slow} by {SLOW_TICK}, " if slow else ""
            return (
                f"time passes: each clock moves by {FAST_TICK}, {one}where a time-out is {ELECTION_TIMEOUT}"
            )
        case Propose(_, _, (client, sequence)):
            return f"write {sequence} of client {client} arrives"
        case Propose(_, payload):
            return f"a client writes {payload.decode()!r}"
        case AskRead(_, committed):
            return f"a client reads, when {committed} entries are committed"
        case Sync(_, groups):
            return "its write is on disk" if groups == 1 else f"{groups} of its writes are on disk"
        case Crash(_, kept, half):
            also = ", and the snapshot of the next without its log," if half else ""
            return f"crashes, with {kept} of the unfinished writes{also} on disk, and starts again"
        case ChangeMembers(_, change):
            return f"an operator asks for {type(change).__name__} {change.node}"
        case Transfer(_, to):
            return f"an operator asks it to hand over to {to}"
        case TakeSnapshot():
            return "takes a snapshot"


def _message_in_words(body: object) -> str:
    """Write a message as its kind and its fields."""
    fields = []
    for name in body.__struct_fields__:  # type: ignore[attr-defined]  # msgspec's
        value = getattr(body, name)
        if isinstance(body, AppendEntries) and name == "entries":
            fields.append(f"entries {', '.join(in_words(entry) for entry in value) or 'none'}")
        else:
            fields.append(f"{name} {value}")
    return f"{type(body).__name__}({', '.join(fields)})"


def _consequences(traces: Sequence[Trace]) -> str:
    """Describe what a step changed in the node."""
    found = []
    for trace in traces:
        match trace.event:
            case "term":
                found.append(f"term {trace.term}")
            case "role":
                found.append(trace.role)
            case "vote":
                found.append(f"votes for {trace.vote}")
            case "append":
                found.extend(f"appends {index}" for index, *_ in trace.entries)
            case "truncate":
                found.append(f"removes {trace.index} and above")
            case "commit":
                found.append(f"commits up to {trace.commit}")
            case "configuration":
                found.append(f"goes by the voters {', '.join(trace.members)}")
            case "snapshot":
                found.append(f"has a snapshot up to {trace.index}")
            case "send":
                found.append(f"{trace.message} to {trace.peer}")
    return f" -> {', '.join(found)}" if found else ""
