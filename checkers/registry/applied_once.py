"""Applied once: a write that is in the log several times takes effect only at its first copy.

A node applies only the first copy of a (client id, sequence), and answers every other copy with the index of
the first (Ongaro's thesis, section 6.3). Each copy carries the operation id. So the index that a node
acknowledges for an operation, and the index in the client's reply, must be the lowest index at which any node
applied that operation. If no write was in the log twice, the verdict is `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import EventRef, Evidence, Mark, Unjudged, Validity, Verdict
from history import Recording, TraceEvent


@dataclass(frozen=True)
class AppliedOnce:
    """Compares acknowledgements and replies with the nodes' apply traces."""

    name: str = "applied-once"

    def check(self, recording: Recording) -> Verdict:
        """Compare every answer with the first index at which its operation was applied."""
        applied = _applied(recording)
        first = _Firsts(applied)
        copied = sum(len(indices) > 1 for op, indices in applied.items() if op is not None)
        evidence = [*_wrong_acknowledgements(recording, first), *_wrong_replies(recording, first)]
        mark: Mark
        if evidence:
            mark = Validity.INVALID
            summary = f"{len(evidence)} answers name a later copy; for example: {evidence[0].text}"
        elif any(trace.gaps for trace in recording.traces.values()):
            mark, summary = Validity.UNKNOWN, "the traces lack lines, so a first copy may not be known"
        elif not copied:
            mark = Unjudged.NOT_EXERCISED
            summary = "no write was in the log twice, so nothing could be applied twice"
        else:
            mark = Validity.VALID
            summary = (
                f"{copied} of {len(first.of)} writes were in the log several times, and each took effect once"
            )
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            measures={"operations": len(first.of), "in_the_log_several_times": copied},
        )


def _applied(recording: Recording) -> dict[str | None, set[int]]:
    """By operation id, the indices at which some node applied it; None for entries without an operation."""
    found: dict[str | None, set[int]] = {}
    for trace in recording.traces.values():
        for event in trace.events:
            if event.event == "apply":
                for entry in event.entries:
                    found.setdefault(entry.op, set()).add(entry.index)
    return found


class _Firsts:
    """The first index at which each operation was applied, as far as the traces show it."""

    def __init__(self, applied: dict[str | None, set[int]]) -> None:
        self.of = {op: min(indices) for op, indices in applied.items() if op is not None}
        self._shown = set().union(*applied.values())

    def contradicts(self, op: str, index: int) -> bool:
        """Whether an answer that names an index is wrong.

        Where no trace shows what was applied at a lower index, it may be the operation's first.
        """
        first = self.of.get(op, index)
        return first < index or (first > index and index in self._shown)


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


def _evidence(who: str, op: str, index: int, first: _Firsts, event: TraceEvent | None = None) -> Evidence:
    text = f"{who} at index {index}, but it was applied first at index {first.of[op]}: it took effect twice."
    operations = (int(op),) if op.isdigit() else ()
    refs = () if event is None else (EventRef(event.node, event.life, event.seq),)
    return Evidence(f"operation {op} took effect twice", text, operations, refs)
