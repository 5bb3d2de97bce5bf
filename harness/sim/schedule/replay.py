"""Schedules as files: one line a thing that happens, readable, and replayed exactly or not at all.

```
{"ackproof_schedule": 1,
 "checker": "durability",            who found the violation
 "violation": "1 lost; ...",         what it said
 "story": ["at 35 ms kill n2", ...], the same as below for people; not read back
 "code": {"node_impl/core/raft": ...},    digests of the code that ran
 "run": "...",                       digest of the run's history and traces
 "schedule": {...}}                  see schedule.py
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import CouldNotRun
from harness.nemesis.base import Action, ChangeMembership, LieInWait, MemberChange, SetRate
from harness.sim.plan.fates import DEFAULT_MESSAGE_NS
from harness.sim.plan.incidents import BadWrite, ClockJump, Coup, Crash, Hush, Incident, Reset, Rot
from harness.sim.run import Ran
from harness.sim.schedule.schedule import Schedule, Step
from harness.sim.schedule.version import differences, digests
from harness.sim.world.traces import written
from history import NEMESIS

FORMAT = 1
_CHANGES: Mapping[MemberChange, str] = {
    "add-learner": "add {} as a learner",
    "promote": "let {} vote",
    "remove": "remove {}",
}
_MS = 1_000_000


class Replay(msgspec.Struct, frozen=True):
    """A schedule and what it was seen to do."""

    ackproof_schedule: int
    checker: str
    violation: str
    code: Mapping[str, str]
    run: str
    schedule: Schedule


def digest_of(ran: Ran) -> str:
    """Sixteen hex digits over the history and all traces."""
    digest = blake2b(digest_size=8)
    encode = msgspec.json.Encoder().encode
    for operation in ran.operations:
        digest.update(encode(operation) + b"\n")
    for node, lives in ran.traces.items():
        for lines in lives:
            digest.update(node.encode() + b"\n")
            for line in written(lines):
                digest.update(line)
    return digest.hexdigest()


def save(path: Path, schedule: Schedule, ran: Ran, checker: str, violation: str) -> None:
    """Write a file for `load`.

    Raises:
        CouldNotRun: it cannot be written.
    """
    replay = Replay(FORMAT, checker, violation, digests(), digest_of(ran), schedule)
    plain = msgspec.to_builtins(replay)
    plain = {**dict(list(plain.items())[:3]), "story": list(story(schedule)), **plain}
    try:
        path.write_text(pretty(plain) + "\n", encoding="utf-8")
    except OSError as error:
        raise CouldNotRun(f"cannot write {path}: {error.strerror}") from error


def load(path: Path, *, anyway: bool = False) -> Replay:
    """Read a file that `save` wrote.

    Args:
        anyway: also if the code has changed since; what happens may then be something else.

    Raises:
        CouldNotRun: it is no such file, of another version, or of other code; with what differs.
    """
    try:
        data = path.read_bytes()
        version = msgspec.json.decode(data, type=_Version).ackproof_schedule
        if version != FORMAT:
            raise CouldNotRun(
                f"{path} is a schedule of format {version}, and this ackproof reads format {FORMAT}; "
                "use the ackproof that wrote it"
            )
        replay = msgspec.json.decode(data, type=Replay)
    except OSError as error:
        raise CouldNotRun(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise CouldNotRun(f"{path} is no schedule: {error}") from error
    wrong = next(_impossible(replay.schedule), None)
    if wrong is not None:
        raise CouldNotRun(f"{path} is no schedule: {wrong}")
    changed = differences(replay.code)
    if changed and not anyway:
        raise CouldNotRun(
            f"{path} was recorded with other code: {', '.join(changed)} changed since, so the same schedule "
            "may not give the same run. Check out the code that recorded it, or pass --anyway"
        )
    return replay


def _impossible(schedule: Schedule) -> Iterator[str]:
    """What somebody wrote into it that cannot be played, and where."""
    test = schedule.plan.test
    parts: list[tuple[str, Sequence[msgspec.Struct]]] = [
        ("steps", schedule.steps),
        ("incidents", schedule.incidents),
        *((f"deviations.{kind}", part) for kind, part in msgspec.structs.asdict(schedule.deviations).items()),
    ]
    for kind, part in parts:
        for place, line in enumerate(part):
            for name in _nodes_named(line):
                if name not in test.nodes:
                    nodes = ", ".join(test.nodes)
                    yield f"schedule.{kind}[{place}] names a node {name!r}, and its nodes are {nodes}"
    for place, step in enumerate(schedule.steps):
        if not NEMESIS <= step.thread < test.concurrency:
            yield (
                f"schedule.steps[{place}] is of thread {step.thread}; "
                f"there are 0 to {test.concurrency - 1}, and -1, the nemesis"
            )


def _nodes_named(line: msgspec.Struct) -> Iterator[str]:
    for field in ("node", "sender", "receiver", "at"):
        name = getattr(line, field, None)
        if isinstance(name, str):  # `at` is a node of a change of membership, and a time of all else
            yield name
    for name in getattr(line, "nodes", ()):
        yield name
    for link in getattr(line, "links", ()):
        yield from link
    for action in getattr(line, "actions", ()):
        yield from _nodes_named(action)


class _Version(msgspec.Struct):
    ackproof_schedule: int


def story(schedule: Schedule) -> Iterator[str]:
    """What happens beyond the default, a line each, in order of time where there is one."""
    plan = schedule.plan
    bug = f" of mutant {plan.test.mutant}" if plan.test.mutant else ""
    yield f"{len(plan.test.nodes)} nodes{bug}: {', '.join(plan.test.nodes)}"
    if not plan.in_order:
        yield "messages on one link may overtake one another"
    for node, ppm in plan.drift_ppm.items():
        yield f"{node}'s clock runs {abs(ppm)} ppm {'fast' if ppm > 0 else 'slow'}"
    for incident in schedule.incidents:
        yield told_incident(incident)
    for election in schedule.deviations.elections:
        yield f"{election.node}'s election time-out {election.n} is {election.adds // _MS} ms above the least"
    for message in schedule.deviations.messages:
        link = f"message {message.n} from {message.sender} to {message.receiver}"
        times = " and ".join(f"after {delay / _MS:g} ms" for delay in message.delays)
        usual = DEFAULT_MESSAGE_NS / _MS
        yield f"{link} arrives {times}, not {usual:g} ms" if times else f"{link} is lost"
    for write in schedule.deviations.writes:
        yield f"write {write.n} of {write.node} takes {write.takes / _MS:g} ms"
    for tear in schedule.deviations.tears:
        yield f"write {tear.n} of {tear.node} is torn"
    for client in schedule.deviations.clients:
        how = "loses its reply" if client.fate.reset else "travels slower or faster"
        yield f"client request {client.n} {how}"
    for step in schedule.steps:
        yield f"at {step.at // _MS} ms {told_step(step, plan.kill_loses_power)}"


def told_step(step: Step, power: bool) -> str:
    """What a client or the nemesis does, in words. power: whether a kill takes the machine's power."""
    if step.thread != NEMESIS:
        value = f" as {step.value}" if step.value is not None else ""
        return f"client {step.thread} asks {step.node}: {step.f} {step.key}{value}"
    return "; ".join(_told_action(action, power) for action in step.actions) or (
        f"{step.f}, which changes nothing"
    )


def _told_action(action: Action, power: bool) -> str:
    match action:
        case ChangeMembership((node,), change, at):
            return f"ask {at} to {_CHANGES[change].format(node)}"
        case SetRate(nodes, percent):
            pace = "faster" if percent > 0 else "slower"
            return f"make the clocks of {' '.join(nodes)} {abs(percent)} % {pace}"
        case LieInWait(moment, by, after_term, within_ms):
            until = "it has just won" if moment == "new-leader" else "it holds what it has not committed"
            return f"{by} the leader of a term after {after_term} once {until}, within {within_ms} ms"
    on = getattr(action, "nodes", None) or [f"{a}->{b}" for a, b in getattr(action, "links", ())]
    kind = words_of(type(action).__name__)
    return f"{kind} {' '.join(on)}{' (power)' if power and kind == 'kill' else ''}".strip()


def words_of(kind: str) -> str:
    """An action's class name in words: `LosePower` is "lose power"."""
    return re.sub(r"\B([A-Z])", r" \1", kind).lower()


def told_incident(incident: Incident) -> str:
    """What befalls a node or link, in words."""
    match incident:
        case Crash(node, effect, power_lost, down_ns):
            how = "loses power" if power_lost else "crashes"
            return f"{node} {how} before its effect {effect}, for {down_ns // _MS} ms"
        case Coup(node, lead, effects, power_lost, down_ns):
            how = "loses power" if power_lost else "crashes"
            when = f"{effects} effects after it began to lead for time {lead}"
            return f"{node} {how} {when}, for {down_ns // _MS} ms"
        case Hush(node, lead, receiver, heard, for_ns):
            what = f"its first {heard} messages" if heard else "no message"
            return f"while {node} leads for time {lead}, {receiver} gets {what}, for {for_ns // _MS} ms"
        case BadWrite(node, write, failure, down_ns):
            return f"{node}'s write {write} fails ({failure}); it is down for {down_ns // _MS} ms"
        case ClockJump(node, at, by_ns):
            return f"{node}'s clock leaps ahead by {by_ns // _MS} ms at {at // _MS} ms"
        case Reset(sender, receiver, at):
            return f"the connection from {sender} to {receiver} breaks at {at // _MS} ms"
        case Rot(node, start):
            return f"a bit of {node}'s log flips before its start {start}"


def pretty(value: Any, indent: str = "") -> str:
    """JSON with containers opened down to the third level, so that each thing has its line."""
    inner = indent + "  "
    if len(indent) >= 6 or not isinstance(value, dict | list | tuple) or not value:
        return msgspec.json.encode(value).decode()
    if not isinstance(value, dict):
        return (
            "[\n" + ",\n".join(inner + msgspec.json.encode(item).decode() for item in value) + f"\n{indent}]"
        )
    rows = (
        f"{inner}{msgspec.json.encode(name).decode()}: {pretty(item, inner)}" for name, item in value.items()
    )
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
