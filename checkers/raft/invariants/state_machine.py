"""What is committed and applied: the same on every node, in order, and never less than before."""

from __future__ import annotations

from dataclasses import dataclass, field

from checkers.raft.facts.cluster import Replays, conclude, evidence, named
from checkers.raft.facts.state_order import Differs, OutOfOrder
from checkers.verdict import Evidence, Verdict
from checkers.words import plural
from history import Recording, TraceEvent


@dataclass(frozen=True)
class StateMachineSafety:
    """No two nodes apply different entries at one index (Figure 3); each applies in order, without a gap.

    In order: within a life, each entry's index is one above the last one applied.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "state-machine-safety"

    def check(self, recording: Recording) -> Verdict:
        """Report every applied entry that differs from the first of its index, or comes out of order."""
        cluster = self.replays.of(recording)
        violations: list[Evidence] = []
        applied = 0
        for facts in cluster.nodes.values():
            applied += facts.orders.applied
            violations += map(_in_words, facts.orders.wrong)
        indices = cluster.common.applied.indices
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(applied, 'applied entry', 'applied entries')} at "
            f"{plural(indices, 'index', 'indices')}: every node applied the same entries, in order",
            nothing_seen=None if applied else "nothing was applied",
            measures={"applied": applied, "indices": indices},
        )


def _in_words(wrong: Differs | OutOfOrder) -> Evidence:
    match wrong:
        case Differs(known, where, entry, event):
            text = f"{where.node} applied {named(known)}; {event.node} applied {named(entry)}."
            title = f"{where.node} and {event.node} applied different entries at index {entry.index}"
            return evidence(title, text, where, event, ops=(known.op, entry.op))
        case OutOfOrder(entry, event, before):
            text = f"{event.node} applied {named(entry)} although it had applied only up to index {before}."
            title = f"{event.node} applied out of order at index {entry.index}"
            return evidence(title, text, event, ops=(entry.op,))


@dataclass(frozen=True)
class CommitMonotonic:
    """Within a life, commitIndex and lastApplied never decrease, and applied <= commit <= last.

    Across a restart they may decrease: both are volatile in Figure 2.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "commit-monotonic"

    def check(self, recording: Recording) -> Verdict:
        """Report every event whose indices are out of order, or lower than those before it."""
        cluster = self.replays.of(recording)
        violations: list[Evidence] = []
        commits = 0
        for node, facts in cluster.nodes.items():
            commits += facts.orders.commits
            for wrong, before, event in facts.orders.disorders:
                text = f"In life {event.life} of {node}, {wrong}: {_state(before)}, then {_state(event)}."
                events = (event,) if before is None else (before, event)
                violations.append(evidence(f"{node}: {wrong}", text, *events))
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(commits, 'change')} of commitIndex: it never went back within a life of a node",
            nothing_seen=None if commits else "nothing was committed",
            measures={"commits": commits},
        )


def _state(event: TraceEvent | None) -> str:
    if event is None:
        return "no earlier event"
    return f"commit {event.commit}, applied {event.applied}, last {event.last}"
