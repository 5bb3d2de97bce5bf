"""Expiry: ephemeral instances come and go as the nodes' log says, and every reply agrees with the log.

That an instance expired is no client's doing, so it is in no history. The nodes' apply traces have it, as
entries whose operation is `expire:TO:REGISTERED:KEY` (docs/node.md): internal operations. Together with the
clients' writes, which carry their operation ids into the same traces, they make one sequence by Raft index.
This sequence is a linearization if

- each write's reply names the index where its operation was applied, and what the log held there before it;
- each lookup's reply is what the log made of its key up to the index that it names, each list's what it made
  of all keys of its service;
- indices respect real time: who began after another had ended names no lower index, and a write a higher one.

A `taken` beat must have found its instance at its index (it is no linearizable read, so real time is not
asked of it). An expiry must name a registration that stands before it, and removes that one only; what was
removed never comes back. Without traces, or where an index was applied in no trace, it is `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checkers.limits import MOST_EVIDENCE
from checkers.registry.names import DEREGISTER, LIST, LOOKUP, REGISTER, service_of
from checkers.verdict import Evidence, Validity, Verdict
from history import History, Operation, Recording

BEAT = "beat"
UPDATE = "update"
"""Gives an instance that is there another registration id; the value False says that there was none."""
EXPIRE = "expire"
TAKEN = "taken"


@dataclass
class _Key:
    """What the log made of one key: (from which index on, registration id or None), ascending."""

    versions: list[tuple[int, str | None]] = field(default_factory=list)
    registered: int = 0
    """The index of the registration that it holds."""

    @property
    def holds(self) -> str | None:
        """The registration id after the last version."""
        return self.versions[-1][1] if self.versions else None

    def at(self, index: int) -> str | None:
        """What it held once everything up to `index` was applied."""
        held = None
        for since, value in self.versions:
            if since > index:
                break
            held = value
        return held


@dataclass
class _Log:
    """The replayed sequence, and what is wrong with it by itself."""

    keys: dict[str, _Key] = field(default_factory=dict)
    placed: dict[int, int] = field(default_factory=dict)
    """Invocation's index in the history -> Raft index where it was applied first."""
    replaced: dict[int, str | None] = field(default_factory=dict)
    """Invocation's index -> what its key held before it."""
    last: int = 0
    expired: dict[str, int] = field(default_factory=dict)
    """How many expiries of each kind changed something."""
    problems: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True)
class Expiry:
    """Replays the log from the traces and holds every reply against it."""

    name: str = "expiry"

    def check(self, recording: Recording) -> Verdict:
        """Judge all replies."""
        ops = _ops_by_index(recording)
        missing = next((index for index in range(1, max(ops, default=0)) if index not in ops), None)
        if not ops or missing is not None:
            why = "there are no traces" if not ops else f"no trace shows what was applied at index {missing}"
            return Verdict(self.name, Validity.UNKNOWN, f"{why}, so expiries are not known")
        log = _replay(ops, recording.history)
        evidence = [*log.problems, *_wrong_replies(log, recording.history)]
        removed = log.expired.get("removed", 0)
        if evidence:
            validity, summary = Validity.INVALID, f"{len(evidence)} contradictions, as: {evidence[0].text}"
        elif not removed:
            validity, summary = Validity.UNKNOWN, "no instance expired, so nothing was shown"
        else:
            validity = Validity.VALID
            summary = f"{removed} instances expired; all replies on {len(log.keys)} keys agree with the log"
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            measures={"keys": len(log.keys), **{f"expired_{to}": n for to, n in sorted(log.expired.items())}},
            caveats=("how long an instance was silent before it expired was not checked: clocks differ",),
        )


def _ops_by_index(recording: Recording) -> dict[int, str | None]:
    """What was applied at each index; that nodes agree on it is another checker's matter."""
    found: dict[int, str | None] = {}
    for trace in recording.traces.values():
        for event in trace.events:
            if event.event == "apply":
                found.update((entry.index, entry.op) for entry in event.entries)
    return found


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
        text = f"index {index} says that the registration at index {registered} is {to}, but there is none."
        log.problems.append(Evidence("an expiry of nothing", text))
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
                wrong = f"it began when index {floor} had been answered already"
            highest = max(highest, index)
        if wrong is not None:
            what = f"operation {invocation.index} ({operation.f} {operation.key})"
            text = f"{what} ended at index {index}: {wrong}."
            yield Evidence("a reply contradicts the log", text, (invocation.index, operation.index))


def _wrong(log: _Log, invocation: Operation, completion: Operation, index: int) -> str | None:
    """What is wrong with one reply, in itself."""
    key = log.keys.get(str(invocation.key), _Key())
    match completion.f:
        case "register" | "deregister" | "update":
            placed = log.placed.get(invocation.index)
            if placed != index:
                return "it was applied nowhere" if placed is None else f"it was applied at {placed}"
            held = log.replaced[invocation.index]
            if completion.f == DEREGISTER and completion.value != held:
                return f"it removed {completion.value}, but the log held {held}"
            if completion.f == UPDATE and (completion.value is False) != (held is None):
                return f"it said {completion.value}, but the log held {held}"
        case "lookup" if index <= log.last and key.at(index) != completion.value:
            return f"it saw {completion.value}, but the log held {key.at(index)}"
        case "list" if index <= log.last:
            held_by_key = {
                name.partition("/")[2]: held
                for name, other in log.keys.items()
                if service_of(name) == invocation.key and (held := other.at(index)) is not None
            }
            seen = completion.value if isinstance(completion.value, dict) else {}
            for name in sorted(held_by_key.keys() | seen.keys()):
                if held_by_key.get(name) != seen.get(name):
                    return f"at {name} it saw {seen.get(name)}, but the log held {held_by_key.get(name)}"
        case "beat" if completion.value == TAKEN and index <= log.last and key.at(index) is None:
            return "it was taken, but the log held no such instance"
    return None
