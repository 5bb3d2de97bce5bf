"""What is committed and applied: the same everywhere, in order, and never less than before."""

from __future__ import annotations

from dataclasses import dataclass, field

from checkers.raft.cluster import Replays, conclude, evidence, named
from checkers.raft.replay import identity
from checkers.verdict import Evidence, Verdict
from harness.history import Recording, TraceEntry, TraceEvent


@dataclass(frozen=True)
class StateMachineSafety:
    """No two nodes apply different entries at one index (Figure 3); each applies in order, without a gap.

    In order: within a life, each entry's index is one above the last one applied.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "state-machine-safety"

    def check(self, recording: Recording) -> Verdict:
        """Compare every applied entry with the first of its index."""
        cluster = self.replays.of(recording)
        first: dict[int, tuple[TraceEntry, TraceEvent]] = {}
        violations: list[Evidence] = []
        applied = 0
        for node, facts in cluster.nodes.items():
            before = 0
            for event in facts.trace.events:
                if event.event == "apply":
                    for entry in event.entries:
                        applied += 1
                        known, known_event = first.setdefault(entry.index, (entry, event))
                        if identity(known) != identity(entry) or known.op != entry.op:
                            violations.append(_different(known, known_event, entry, event))
                        if entry.index != before + 1:
                            text = f"{node} applied {named(entry)} when it had applied up to index {before}."
                            title = f"{node} applied out of order at index {entry.index}"
                            violations.append(evidence(title, text, event, ops=(entry.op,)))
                        before = entry.index
                if event.event in ("restart", "snapshot"):
                    before = event.applied
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{applied} entries applied at {len(first)} indices: the same on every node, in order",
            nothing_seen=None if applied else "nothing was applied",
            measures={"applied": applied, "indices": len(first)},
        )


def _different(known: TraceEntry, known_event: TraceEvent, entry: TraceEntry, event: TraceEvent) -> Evidence:
    text = f"{known_event.node} applied {named(known)}; {event.node} applied {named(entry)}."
    title = f"different entries applied at index {entry.index}"
    return evidence(title, text, known_event, event, ops=(known.op, entry.op))


@dataclass(frozen=True)
class CommitMonotonic:
    """Within a life, commitIndex and lastApplied never decrease, and applied <= commit <= last.

    Across lives they may: both are volatile in Figure 2.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "commit-monotonic"

    def check(self, recording: Recording) -> Verdict:
        """Compare each event's state with the one before it."""
        cluster = self.replays.of(recording)
        violations: list[Evidence] = []
        commits = 0
        for node, facts in cluster.nodes.items():
            before: TraceEvent | None = None
            reported: set[str] = set()  # one of each kind a life: what follows repeats it
            for event in facts.trace.events:
                commits += event.event == "commit"
                if before is None or before.life != event.life:
                    before, reported = None, set()
                wrong = _wrong_order(before, event)
                if wrong is not None and wrong not in reported:
                    reported.add(wrong)
                    text = f"In life {event.life} of {node}: {wrong}: {_state(before)} then {_state(event)}."
                    events = (event,) if before is None else (before, event)
                    violations.append(evidence(f"{node}: {wrong}", text, *events))
                before = event
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{commits} steps of commitIndex, none backwards within a life",
            nothing_seen=None if commits else "nothing was committed",
            measures={"commits": commits},
        )


def _wrong_order(before: TraceEvent | None, event: TraceEvent) -> str | None:
    if before is not None and event.commit < before.commit:
        return "commitIndex went back"
    if before is not None and event.applied < before.applied:
        return "lastApplied went back"
    if event.applied > event.commit:
        return "applied what is not committed"
    if event.commit > event.last:
        return "commitIndex lies beyond the end of the log"
    return None


def _state(event: TraceEvent | None) -> str:
    if event is None:
        return "nothing"
    return f"commit {event.commit}, applied {event.applied}, last {event.last}"
