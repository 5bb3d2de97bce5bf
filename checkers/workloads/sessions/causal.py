"""Causal consistency of registers whose writes are all different.

One operation causally precedes another if it came before it in the same session, or wrote what the other
read, or if a chain of such steps leads from one to the other. Bouajjani, Enea, Guerraoui and Hamza ("On
verifying causal consistency", POPL 2017, section 5) show that a history with unique writes is causally
consistent (their CC) exactly if none of four patterns occurs: a cycle; a read of a value that was never
written; a read of nothing although a write of the key causally precedes it; a read of one write although
another write of the key stands causally between the two.

Vector clocks, one number a session, show which operation precedes which. Within a session only the latest
write of a key that precedes a read can stand between, so n operations of s sessions take O(n * s).

Operations: `write` (or `register`) of a value, `read` (or `lookup`), whose reply is a value or None. A write
of unknown outcome happened if a read showed it; otherwise it is left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from checkers.graphs import small_cycle
from checkers.limits import MOST_EVIDENCE, MOST_NAMED
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from history import History, Recording
from history.values import frozen

WRITES = frozenset({"write", "register"})
READS = frozenset({"read", "lookup"})


class CausalOperation(NamedTuple):
    """One read or write of a session."""

    session: int
    is_write: bool
    key: Hashable
    value: Hashable
    """None for a read that found nothing; writes are all different, by key."""
    operation: int
    """Position of its invocation in the history."""


class Anomaly(NamedTuple):
    """One of the four patterns, and the operations that form it."""

    kind: str
    operations: tuple[CausalOperation, ...]


@dataclass(frozen=True)
class Causal:
    """Looks for the patterns that a causally consistent history does not have."""

    name: str = "causal"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of registers.

        Raises:
            IllegalOperation: an operation is neither a read nor a write, or two writes of a key are equal.
        """
        operations = operations_of(recording.history)
        found = anomalies(operations)
        evidence = tuple(
            Evidence(
                f"{one.kind}: {named_operations(one)}",
                f"{one.kind}: {_words(one)}.",
                tuple(op.operation for op in one.operations),
            )
            for one in found[:MOST_EVIDENCE]
        )
        sessions = len({op.session for op in operations})
        writes = sum(op.is_write for op in operations)
        mark: Mark
        if found:
            mark = Validity.INVALID
            summary = f"{len(found)} anomalies; for example: {evidence[0].text}"
        elif writes == len(operations):
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                "no read was answered, so nothing is known about its order",
            )
        elif not writes:
            mark, summary = Unjudged.NOT_EXERCISED, "nothing was written, so no read could be out of order"
        else:
            mark = Validity.VALID
            summary = (
                f"{len(operations)} operations of {sessions} sessions: every read agrees with causal order"
            )
        return Verdict.marked(self.name, mark, summary, evidence, {"operations": len(operations)})

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def operations_of(history: History) -> list[CausalOperation]:
    """What clients did or may have done, in the order of invocation."""
    found: list[CausalOperation] = []
    written: dict[tuple[Hashable, Hashable], int] = {}
    unsure: dict[tuple[Hashable, Hashable], CausalOperation] = {}
    seen = set()
    for invocation in history:
        if invocation.type != "invoke" or not invocation.is_client:
            continue
        if invocation.f not in WRITES | READS:
            known = ", ".join(sorted(WRITES | READS))
            raise IllegalOperation(invocation.index, f"unknown f {invocation.f!r}; causal knows {known}")
        completion = history.completion(invocation)
        outcome = "info" if completion is None else completion.type
        is_write = invocation.f in WRITES
        if outcome == "fail" or (outcome == "info" and not is_write):
            continue
        value = invocation.value if is_write or completion is None else completion.value
        operation = CausalOperation(
            invocation.process, is_write, invocation.key, frozen(value), invocation.index
        )
        named = (operation.key, operation.value)
        if not is_write:
            seen.add(named)
        elif operation.value is None or named in written:
            raise IllegalOperation(
                invocation.index,
                f"{value!r} is nothing, or was written to this key before; writes of a key must differ",
            )
        else:
            written[named] = invocation.index
            if outcome == "info":
                unsure[named] = operation
        found.append(operation)
    idle = {op.operation for named, op in unsure.items() if named not in seen}
    return [op for op in found if op.operation not in idle]


def anomalies(operations: Sequence[CausalOperation]) -> list[Anomaly]:
    """All reads that break causal consistency; or a cycle of causes, without which order means nothing."""
    writer = {(op.key, op.value): place for place, op in enumerate(operations) if op.is_write}
    source = [
        None if op.is_write or op.value is None else writer.get((op.key, op.value)) for op in operations
    ]
    found = [
        Anomaly("a read of a value that was never written", (op,))
        for op, place in zip(operations, source, strict=True)
        if not op.is_write and op.value is not None and place is None
    ]
    clocks, number = _clocks(operations, source)
    if None in clocks:
        return [*found, Anomaly("a cycle of causes", _cycle(operations, source, clocks))]
    sessions = sorted({op.session for op in operations})
    column = {session: place for place, session in enumerate(sessions)}
    writes: dict[tuple[int, Hashable], tuple[list[int], list[int]]] = {}
    for place, op in enumerate(operations):
        if op.is_write:
            own = writes.setdefault((op.session, op.key), ([], []))
            own[0].append(number[place])
            own[1].append(place)
    for place, op in enumerate(operations):
        clock, origin = clocks[place], source[place]
        if op.is_write or clock is None or (op.value is not None and origin is None):
            continue
        for session in sessions:
            numbers, places = writes.get((session, op.key), ([], []))
            latest = bisect_right(numbers, clock[column[session]]) - 1
            if latest < 0 or places[latest] == origin:
                continue
            between = clocks[places[latest]]
            assert between is not None
            if origin is None:
                found.append(Anomaly("a read of nothing after a write", (operations[places[latest]], op)))
                break
            if between[column[operations[origin].session]] >= number[origin]:
                shown = (operations[origin], operations[places[latest]], op)
                found.append(Anomaly("a read of an overwritten value", shown))
                break
    return found


def _cycle(
    operations: Sequence[CausalOperation], source: Sequence[int | None], clocks: Sequence[list[int] | None]
) -> tuple[CausalOperation, ...]:
    """A small cycle among the operations that have no clock, in causal order."""
    effects: dict[int, list[int]] = {}
    for place, causes in enumerate(_causes(operations, source)):
        for cause in causes:
            if clocks[place] is None and clocks[cause] is None:
                effects.setdefault(cause, []).append(place)
    cycle = small_cycle(effects)
    assert cycle is not None, "an operation has no clock only on or behind a cycle"
    return tuple(operations[place] for place in cycle)


def _causes(operations: Sequence[CausalOperation], source: Sequence[int | None]) -> list[list[int]]:
    """By operation, its direct causes: the one before it in its session, and the write that it read."""
    last: dict[int, int] = {}
    causes: list[list[int]] = []
    for place, op in enumerate(operations):
        causes.append([cause for cause in (last.get(op.session), source[place]) if cause is not None])
        last[op.session] = place
    return causes


def _clocks(
    operations: Sequence[CausalOperation], source: Sequence[int | None]
) -> tuple[list[list[int] | None], list[int]]:
    """By operation, how many operations of each session precede it, itself included (None: it is on or behind
    a cycle); and its number in its session, from 1."""
    column: dict[int, int] = {}
    for op in operations:
        column.setdefault(op.session, -1)
    column = {session: place for place, session in enumerate(sorted(column))}
    before = _causes(operations, source)
    after: list[list[int]] = [[] for _ in operations]
    number: list[int] = []
    counts: dict[int, int] = {}
    for place, op in enumerate(operations):
        for cause in before[place]:
            after[cause].append(place)
        counts[op.session] = counts.get(op.session, 0) + 1
        number.append(counts[op.session])
    clocks: list[list[int] | None] = [None] * len(operations)
    missing = [len(causes) for causes in before]
    ready = deque(place for place, count in enumerate(missing) if not count)
    while ready:
        place = ready.popleft()
        clock = [0] * len(column)
        for cause in before[place]:
            known = clocks[cause]
            assert known is not None
            clock = [max(pair) for pair in zip(clock, known, strict=True)]
        clock[column[operations[place].session]] = number[place]
        clocks[place] = clock
        for effect in after[place]:
            missing[effect] -= 1
            if not missing[effect]:
                ready.append(effect)
    return clocks, number


def named_operations(one: Anomaly) -> str:
    """The operations of an anomaly by number."""
    noun = "operation" if len(one.operations) == 1 else "operations"
    return f"{noun} {', '.join(str(op.operation) for op in one.operations[:MOST_NAMED])}"


def _words(one: Anomaly) -> str:
    return ", then ".join(
        f"operation {op.operation} of process {op.session} "
        f"{'wrote' if op.is_write else 'read'} {'nothing' if op.value is None else repr(op.value)} "
        f"{'to' if op.is_write else 'from'} {op.key}"
        for op in one.operations
    )
