"""Applied once: a write takes effect once, however many copies of it are in the log.

A client may repeat a write that carries (client id, sequence), and so may the nodes. A node carries out only
the first copy of it, and answers every other copy with the index of the first (Ongaro's thesis, section 6.3).
Each copy carries the operation id. So the index that a node acknowledges for an operation, and the index in
the client's reply, must be the lowest index at which any node carried that operation out.

A plain write carries no sequence, and nothing could tell its copies apart. So no node may repeat it, and it
must be in the log once. If no write was in the log twice, and no client wrote plainly, nothing was tested.

A write that failed certainly has no effect and never will (docs/node.md: `proposed` is false). So no node may
carry it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checkers.limits import MOST_EVIDENCE
from checkers.registry.applied import applied_ops
from checkers.registry.names import WRITES
from checkers.verdict import EventRef, Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import plural
from history import Recording, TraceEvent


@dataclass(frozen=True)
class AppliedOnce:
    """Compares acknowledgements and replies with the nodes' apply traces."""

    name: str = "applied-once"

    def check(self, recording: Recording) -> Verdict:
        """Compare every answer with the first index at which its operation was carried out."""
        applied = _applied(recording)
        first = _Firsts(recording, set().union(*applied.values()))
        copied = sum(len(indices) > 1 for op, indices in applied.items() if op is not None)
        plain = {op: at for op, at in applied.items() if op is not None and _is_plain(op, recording)}
        evidence = [
            *_repeated(plain),
            *_disagreeing(recording),
            *_wrong_acknowledgements(recording, first),
            *_wrong_replies(recording, first),
            *_refused(recording, first),
        ]
        mark: Mark
        if evidence:
            mark = Validity.INVALID
            summary = f"{plural(len(evidence), 'contradiction')}; for example: {evidence[0].text}"
        elif any(trace.gaps for trace in recording.traces.values()):
            mark, summary = Validity.UNKNOWN, "the traces lack lines, so a first copy may not be known"
        elif not copied and not plain:
            mark = Unjudged.NOT_EXERCISED
            summary = "no write was in the log twice, so nothing could be applied twice"
        else:
            mark = Validity.VALID
            summary = (
                f"{copied} of {len(first.of)} writes were in the log several times, and each took effect once"
            )
            summary += f"; {len(plain)} plain ones were in it once" if plain else ""
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            measures={
                "operations": len(first.of),
                "in_the_log_several_times": copied,
                "plain_writes": len(plain),
            },
        )


def _applied(recording: Recording) -> dict[str | None, set[int]]:
    """By operation id, the indices at which a copy of it was applied, also where it was skipped; None for
    entries without an operation."""
    found: dict[str | None, set[int]] = {}
    for trace in recording.traces.values():
        for event in trace.events:
            if event.event == "apply":
                for entry in event.entries:
                    found.setdefault(entry.op, set()).add(entry.index)
    return found


class _Firsts:
    """The first index at which each operation was carried out, as far as the traces show it."""

    def __init__(self, recording: Recording, shown: set[int]) -> None:
        self.of: dict[str, int] = {}
        for index, op in sorted(applied_ops(recording.traces).items()):
            if op is not None:
                self.of.setdefault(op, index)
        self._shown = shown

    def contradicts(self, op: str, index: int) -> bool:
        """Whether an answer that names an index is wrong.

        Where no trace shows what was applied at a lower index, it may be the operation's first.
        """
        first = self.of.get(op, index)
        return first < index or (first > index and index in self._shown)


def _is_plain(op: str, recording: Recording) -> bool:
    """Whether a client without a session wrote it: the first clients are those (`Test.plain_clients`)."""
    plain, clients = (recording.options.get(name, 0) for name in ("plain_clients", "concurrency"))
    if not plain or not clients or not op.isdecimal() or int(op) >= len(recording.history):
        return False
    process = recording.history[int(op)].process
    return process >= 0 and bool(process % clients < plain)


def _repeated(plain: Mapping[str, set[int]]) -> list[Evidence]:
    return [
        Evidence(
            f"plain write {op} is in the log {len(indices)} times",
            f"operation {op} carries no client id and sequence, so no node may repeat it, but it was applied "
            f"at the indices {', '.join(map(str, sorted(indices)))}: it took effect {len(indices)} times.",
            (int(op),),
            kind="a plain write is in the log several times",
        )
        for op, indices in plain.items()
        if len(indices) > 1
    ]


def _disagreeing(recording: Recording) -> list[Evidence]:
    """Nodes of which one skipped an entry that another one carried out: their states differ from then on."""
    skipped: dict[int, TraceEvent] = {}
    carried_out: dict[int, TraceEvent] = {}
    applies = [
        event for trace in recording.traces.values() for event in trace.events if event.event == "apply"
    ]
    for event in applies:
        for index in event.skipped:
            skipped.setdefault(index, event)
    for event in applies if skipped else ():
        for entry in event.entries:
            if entry.index in skipped and entry.index not in event.skipped:
                carried_out.setdefault(entry.index, event)
    return [
        Evidence(
            f"{other.node} carried out an entry that {skipped[index].node} skipped",
            f"{skipped[index].node} skipped the entry at index {index}, as its session says, but "
            f"{other.node} carried it out: from there on their states differ.",
            (),
            (_place(skipped[index]), _place(other)),
            kind="nodes disagree on which copies to skip",
        )
        for index, other in sorted(carried_out.items())
    ]


def _wrong_acknowledgements(recording: Recording, first: _Firsts) -> list[Evidence]:
    return [
        _evidence(f"{event.node} acknowledged operation {event.op}", event.op, event.index, first, event)
        for trace in recording.traces.values()
        for event in trace.events
        if event.event == "acknowledge"
        and event.op is not None
        and event.index is not None
        and first.contradicts(event.op, event.index)
    ]


def _wrong_replies(recording: Recording, first: _Firsts) -> list[Evidence]:
    history, found = recording.history, []
    for completion in history:
        if completion.type != "ok" or not completion.is_client or completion.raft_index is None:
            continue
        op = str(history.invocation(completion).index)
        if first.contradicts(op, completion.raft_index):
            who = f"the reply to operation {op} says that it took effect"
            found.append(_evidence(who, op, completion.raft_index, first))
    return found


def _refused(recording: Recording, first: _Firsts) -> list[Evidence]:
    """Writes that failed and were carried out."""
    history, found = recording.history, []
    for completion in history:
        if completion.type != "fail" or not completion.is_client or completion.f not in WRITES:
            continue
        op = history.invocation(completion).index
        index = first.of.get(str(op))
        if index is not None:
            text = (
                f"operation {op} ({completion.f} of {completion.key}) failed ({completion.error}), so it "
                f"must have no effect, but it was carried out at index {index}"
            )
            title = f"a refused {completion.f} took effect"
            found.append(Evidence(title, text, (op,), kind="a refused write took effect"))
    return found


def _evidence(who: str, op: str, index: int, first: _Firsts, event: TraceEvent | None = None) -> Evidence:
    text = f"{who} at index {index}, but it was applied first at index {first.of[op]}: it took effect twice."
    operations = (int(op),) if op.isdigit() else ()
    refs = () if event is None else (_place(event),)
    return Evidence(f"operation {op} took effect twice", text, operations, refs)


def _place(event: TraceEvent) -> EventRef:
    return EventRef(event.node, event.life, event.seq)
