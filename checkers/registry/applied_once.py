"""Applied once: a write that is in the log several times took effect where its first copy stands.

A node may apply only the first copy of a (client id, sequence), and answers every other with the first
one's index (Ongaro's thesis, section 6.3). So, with the operation id that each copy carries: whatever index a
node acknowledges for an operation, or a client is told, must be the lowest at which any node applied it.
Without a copy in any log the run shows nothing of this: `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import EventRef, Evidence, Validity, Verdict
from history import Recording, TraceEvent


@dataclass(frozen=True)
class AppliedOnce:
    """Judges acknowledgements and replies by the nodes' apply traces."""

    name: str = "applied-once"

    def check(self, recording: Recording) -> Verdict:
        """Compare every answer with the first place where its operation was applied."""
        applied = _applied(recording)
        first = {op: min(indices) for op, indices in applied.items()}
        copied = sum(len(indices) > 1 for indices in applied.values())
        evidence = [*_wrong_acknowledgements(recording, first), *_wrong_replies(recording, first)]
        if evidence:
            validity = Validity.INVALID
            summary = f"{len(evidence)} answers, as: {evidence[0].text}"
        elif not copied:
            validity = Validity.UNKNOWN
            summary = "no write was in the log twice, so nothing was shown"
        else:
            validity = Validity.VALID
            summary = f"{copied} of {len(applied)} writes were in the log several times, and took effect once"
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            measures={"operations": len(applied), "in_the_log_several_times": copied},
        )


def _applied(recording: Recording) -> dict[str, set[int]]:
    """By operation id, the indices at which any node applied it."""
    found: dict[str, set[int]] = {}
    for trace in recording.traces.values():
        for event in trace.events:
            if event.event == "apply":
                for entry in event.entries:
                    if entry.op is not None:
                        found.setdefault(entry.op, set()).add(entry.index)
    return found


def _wrong_acknowledgements(recording: Recording, first: dict[str, int]) -> list[Evidence]:
    return [
        _evidence(f"{event.node} acknowledged operation {event.op}", event.op, event.index, first, event)
        for trace in recording.traces.values()
        for event in trace.events
        if event.event == "acknowledge"
        and event.op is not None
        and event.index is not None
        and first.get(event.op, event.index) != event.index
    ]


def _wrong_replies(recording: Recording, first: dict[str, int]) -> list[Evidence]:
    history, found = recording.history, []
    for completion in history:
        if completion.type != "ok" or not completion.is_client or completion.raft_index is None:
            continue
        op = str(history.invocation(completion).index)
        if first.get(op, completion.raft_index) != completion.raft_index:
            who = f"the client of operation {op} was told that it took effect"
            found.append(_evidence(who, op, completion.raft_index, first))
    return found


def _evidence(
    who: str, op: str, index: int, first: dict[str, int], event: TraceEvent | None = None
) -> Evidence:
    text = f"{who} at index {index}, but it had been applied at {first[op]}: it took effect twice."
    operations = (int(op),) if op.isdigit() else ()
    refs = () if event is None else (EventRef(event.node, event.life, event.seq),)
    return Evidence(f"operation {op} took effect twice", text, operations, refs)
