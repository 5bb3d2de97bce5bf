"""Snapshots: each stands for the committed log, and the same one everywhere (section 7).

That is what the other invariants rest on when they take an entry that lies below a snapshot for held.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checkers.raft.facts.cluster import Replays, conclude, evidence, named
from checkers.raft.facts.entries import CommitClaim, identity
from checkers.raft.facts.replay import SnapshotHeld
from checkers.verdict import Evidence, Verdict
from history import Recording, TraceEvent


@dataclass(frozen=True)
class SnapshotSafety:
    """A snapshot's last entry is the committed one; equal indices have equal states; none comes from nowhere.

    So have nodes that ended in order: each says what its state was at the end, and as of which index.
    The digest is the nodes' own word on their state: two that agree may both be wrong, which the
    clients' history tells.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "snapshot-safety"

    def check(self, recording: Recording) -> Verdict:
        """Hold every snapshot against what is committed, and against the first of its index."""
        cluster = self.replays.of(recording)
        held = [snapshot for facts in cluster.nodes.values() for snapshot in facts.snapshots]
        taken = {(s.up_to, s.event.digest) for s in held if s.event.event == "snapshot" and not s.event.peer}
        first: dict[int, TraceEvent] = {}
        violations: list[Evidence] = []
        doubts: list[str] = []
        for snapshot in held:
            event, index = snapshot.event, snapshot.up_to
            wrong = _not_committed(snapshot, cluster.common.claims.at(index))
            if wrong is not None:
                violations.append(wrong)
            known = first.setdefault(index, event)
            if known.digest != event.digest:
                text = (
                    f"The state of {known.node} as of index {index} has digest {known.digest}, that of "
                    f"{event.node} has {event.digest}: the same entries gave different states."
                )
                violations.append(evidence(f"two states at index {index}", text, known, event))
            if event.peer is not None and (index, event.digest) not in taken:
                text = f"{event.node} installed a snapshot up to {index} that nobody took."
                if cluster.incomplete:
                    doubts.append(text)
                else:
                    violations.append(evidence(f"{event.node} installed what nobody took", text, event))
        final = sum(s.event.event == "stop" for s in held)
        installed = sum(s.event.event == "snapshot" and s.event.peer is not None for s in held)
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{len(taken)} snapshots, {installed} installed, {final} final states: each of "
            "the committed log, and equal where the index is",
            doubts=doubts,
            measures={
                "snapshots": len(held) - final,
                "indices": len(first),
                "installed": installed,
                "final_states": final,
            },
        )


def _not_committed(snapshot: SnapshotHeld, claims: list[CommitClaim]) -> Evidence | None:
    """The violation, if another entry than the snapshot's last was taken for committed at its index."""
    last = snapshot.last
    if last is None:
        return None
    for claim in claims:
        if identity(claim.entry) != identity(last):
            text = (
                f"The snapshot of {snapshot.event.node} ends with {named(last)}, "
                f"but {claim.event.node} took {named(claim.entry)} for committed."
            )
            title = f"a snapshot of what is not committed, at index {snapshot.up_to}"
            return evidence(title, text, claim.event, snapshot.event, ops=(claim.entry.op,))
    return None
