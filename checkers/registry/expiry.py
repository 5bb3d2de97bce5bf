"""Expiry: ephemeral instances come and go as the nodes' log says, and every reply agrees with the log.

No client makes an instance expire, so an expiry is in no history. It is in the nodes' apply traces, as an
entry whose operation is `expire:TO:REGISTERED:KEY` (docs/node.md): an internal operation. The clients' writes
carry their operation ids into the same traces. Together they make one sequence by Raft index. This sequence
is a linearization if

- each write's reply names the index at which its operation was applied, and what the key held before that;
- each lookup's reply is what its key held at the index that the reply names, and each list's what all keys of
  its service held;
- indices respect real time: an operation that began after another had ended names no lower index, and a write
  a higher one.

A `taken` beat must have found its instance at its index. It is no linearizable read, so real time is not
required of it. An expiry must name an earlier registration, and removes only that one; a registration that
was removed never comes back. Without traces, or if no trace shows what was applied at some index, the verdict
is `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checkers.limits import MOST_EVIDENCE
from checkers.registry.applied import applied_ops
from checkers.registry.names import (
    BEAT,
    DEREGISTER,
    EXPIRE,
    LIST,
    LOOKUP,
    REGISTER,
    TAKEN,
    UPDATE,
    service_of,
)
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import seconds, who_answered
from history import History, Operation, Recording


@dataclass
class _Key:
    """The versions of one key: (first index at which it holds them, registration id or None), by index."""

    versions: list[tuple[int, str | None]] = field(default_factory=list)
    registered: int = 0
    """The index of the registration that the key holds."""

    @property
    def holds(self) -> str | None:
        """The registration id that the key holds now."""
        return self.versions[-1][1] if self.versions else None

    def at(self, index: int) -> str | None:
        """The registration id when everything up to `index` was applied."""
        held = None
        for since, value in self.versions:
            if since > index:
                break
            held = value
        return held


@dataclass
class _Log:
    """The replayed sequence, and the problems that it has by itself."""

    keys: dict[str, _Key] = field(default_factory=dict)
    placed: dict[int, int] = field(default_factory=dict)
    """An invocation's index in the history -> the Raft index at which it was applied first."""
    replaced: dict[int, str | None] = field(default_factory=dict)
    """An invocation's index in the history -> what its key held before it was applied."""
    last: int = 0
    expired: dict[str, int] = field(default_factory=dict)
    """How many expiries of each kind changed something."""
    problems: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True)
class Expiry:
    """Replays the log from the traces and compares every reply with it."""

    name: str = "expiry"

    def check(self, recording: Recording) -> Verdict:
        """Compare all replies with the log."""
        ops = applied_ops(recording.traces)
        missing = next((index for index in range(1, max(ops, default=0)) if index not in ops), None)
        if not ops or missing is not None:
            why = "there are no traces" if not ops else f"no trace shows what was applied at index {missing}"
            return Verdict(self.name, Validity.UNKNOWN, f"{why}, so expiries are not known")
        lacking = _lacking(ops, recording)
        if lacking is not None:
            return Verdict(self.name, Validity.UNKNOWN, f"{lacking}, so expiries are not known")
        log = _replay(ops, recording.history)
        evidence = [*log.problems, *_wrong_replies(log, recording.history)]
        removed = log.expired.get("removed", 0)
        mark: Mark
        if evidence:
            mark, summary = (
                Validity.INVALID,
                f"{len(evidence)} replies contradict the log; for example: {evidence[0].text}",
            )
        elif not removed:
            mark, summary = Unjudged.NOT_EXERCISED, "no instance expired, so expiry was not tested"
        else:
            mark = Validity.VALID
            summary = f"{removed} instances expired; all replies on {len(log.keys)} keys agree with the log"
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            measures={"keys": len(log.keys), **{f"expired_{to}": n for to, n in sorted(log.expired.items())}},
            caveats=(
                "how long an instance sent no beat before it expired was not checked, as clocks differ",
            ),
        )


def _lacking(ops: dict[int, str | None], recording: Recording) -> str | None:
    """What the end of the history, or of the traces, does not show; None if they show all."""
    history = recording.history
    found = (int(op) for op in ops.values() if op is not None and op.isdigit())
    beyond = next((op for op in found if op >= len(history)), None)
    if beyond is not None:
        return f"the traces show operation {beyond}, which the history does not reach"
    highest = max((op.raft_index or 0 for op in history if op.type == "ok"), default=0)
    if highest > max(ops) and any(trace.gaps for trace in recording.traces.values()):
        return f"no trace shows what was applied at index {highest}"
    return None


def _replay(ops: dict[int, str | None], history: History) -> _Log:
    log = _Log(last=max(ops))
    holder: dict[int, str] = {}  # key by the index of a registration
    for index in sorted(ops):
        op = ops[index]
        if op is None:
            continue
        if op.startswith(f"{EXPIRE}:"):
            _, to, registered, _ = op.split(":", 3)
            _expire(log, holder.get(int(registered)), to, int(registered), index)
        elif op.isdigit() and int(op) < len(history) and int(op) not in log.placed:
            invocation = history[int(op)]
            key = log.keys.setdefault(str(invocation.key), _Key())
            log.placed[invocation.index], log.replaced[invocation.index] = index, key.holds
            if invocation.f == REGISTER:
                key.versions.append((index, str(invocation.value)))
                key.registered = index
                holder[index] = str(invocation.key)
            elif invocation.f == DEREGISTER:
                key.versions.append((index, None))
            elif invocation.f == UPDATE and key.holds is not None:
                key.versions.append((index, str(invocation.value)))
    return log


def _expire(log: _Log, name: str | None, to: str, registered: int, index: int) -> None:
    if name is None:
        text = (
            f"The entry at index {index} says that the registration of index "
            f"{registered} is {to}, but there is "
            "no registration at that index."
        )
        title = f"index {index} expired a registration that does not exist"
        log.problems.append(Evidence(title, text, kind="an expiry of nothing"))
        return
    key = log.keys[name]
    if key.registered == registered and key.holds is not None:
        log.expired[to] = log.expired.get(to, 0) + 1
        if to == "removed":
            key.versions.append((index, None))


def _wrong_replies(log: _Log, history: History) -> Iterator[Evidence]:
    highest = 0
    floors: dict[int, int] = {}
    for operation in history:
        if not operation.is_client:
            continue
        if operation.type == "invoke":
            floors[operation.index] = highest
            continue
        if operation.type != "ok" or operation.raft_index is None:
            continue
        invocation, index = history.invocation(operation), operation.raft_index
        wrong = _wrong(log, invocation, operation, index)
        if operation.f != BEAT:
            floor = floors[invocation.index]
            if wrong is None and index < floor + (operation.f not in (LOOKUP, LIST)):
                wrong = f"when it began, a client had already got index {floor} in a reply"
            highest = max(highest, index)
        if wrong is not None:
            node, at = who_answered(operation), seconds(operation.time)
            text = (
                f"{node} answered operation {invocation.index} ({operation.f} {operation.key}) at {at} with "
                f"index {index}: {wrong}."
            )
            title = f"{node} answered {operation.f} against its log at {at}"
            kind = "a reply contradicts the log"
            yield Evidence(title, text, (invocation.index,), kind=kind)


def _id(value: object) -> str:
    return "nothing" if value is None else str(value)


def _wrong(log: _Log, invocation: Operation, completion: Operation, index: int) -> str | None:
    """How one reply contradicts the log; None if it does not."""
    key = log.keys.get(str(invocation.key), _Key())
    match completion.f:
        case "register" | "deregister" | "update":
            placed = log.placed.get(invocation.index)
            if placed != index:
                return "no node applied it" if placed is None else f"the nodes applied it at index {placed}"
            held = log.replaced[invocation.index]
            if completion.f == DEREGISTER and completion.value != held:
                return f"it removed {_id(completion.value)}, but the key held {_id(held)}"
            if completion.f == UPDATE and (completion.value is False) != (held is None):
                return f"it replied {completion.value}, but the key held {_id(held)}"
        case "lookup" if index <= log.last and key.at(index) != completion.value:
            return f"it showed {_id(completion.value)}, but the key held {_id(key.at(index))}"
        case "list" if index <= log.last:
            held_by_key = {
                name.partition("/")[2]: held
                for name, other in log.keys.items()
                if service_of(name) == invocation.key and (held := other.at(index)) is not None
            }
            seen = completion.value if isinstance(completion.value, dict) else {}
            for name in sorted(held_by_key.keys() | seen.keys()):
                if held_by_key.get(name) != seen.get(name):
                    return (
                        f"it showed {_id(seen.get(name))} at {name}, but that "
                        f"instance held {_id(held_by_key.get(name))}"
                    )
        case "beat" if completion.value == TAKEN and index <= log.last and key.at(index) is None:
            return "the beat was taken, but there was no such instance"
    return None
