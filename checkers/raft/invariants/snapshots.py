"""Snapshots: each represents the committed log, and the same state on every node (section 7).

The other invariants rely on this: they assume that a node holds the entries below its snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checkers.raft.facts.cluster import Replays, conclude, evidence, named
from checkers.raft.facts.entries import CommitClaim, identity
from checkers.raft.facts.replay import SnapshotHeld
from checkers.verdict import Evidence, Verdict
from checkers.words import count, plural
from history import Recording, TraceEvent


@dataclass(frozen=True)
class SnapshotSafety:
    """The last entry of a snapshot is committed; equal indices have equal states; each was taken by a node.

    The same holds for the final states of nodes that ended in order, which trace them with their index. The
    nodes compute the digests themselves: two equal ones may both be wrong, which clients' histories show.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "snapshot-safety"

    def check(self, recording: Recording) -> Verdict:
        """Compare every snapshot with the committed entries, and with the first snapshot of its index."""
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
                    f"At index {index}, the state of {known.node} has digest "
                    f"{known.digest}, that of {event.node} "
                    f"has {event.digest}: the same entries gave different states."
                )
                violations.append(
                    evidence(
                        f"{known.node} and {event.node} have different states at index {index}",
                        text,
                        known,
                        event,
                    )
                )
            if event.peer is not None and (index, event.digest) not in taken:
                text = f"{event.node} installed a snapshot up to index {index} that no node took."
                if cluster.incomplete:
                    doubts.append(text)
                else:
                    violations.append(
                        evidence(f"{event.node} installed a snapshot that no node took", text, event)
                    )
        final = sum(s.event.event == "stop" for s in held)
        installed = sum(s.event.event == "snapshot" and s.event.peer is not None for s in held)
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(len(taken), 'snapshot')} taken, {count(installed)} installed, "
            f"{plural(final, 'final state')} of nodes: each holds what the committed log gives, "
            "and all states at one index are equal",
            nothing_seen=None if len(held) > final else "no snapshot was taken or installed",
            doubts=doubts,
            measures={
                "snapshots": len(held) - final,
                "indices": len(first),
                "installed": installed,
                "final_states": final,
            },
        )


def _not_committed(snapshot: SnapshotHeld, claims: list[CommitClaim]) -> Evidence | None:
    """The violation, if a node took another entry for committed at the index of the snapshot's last one."""
    last = snapshot.last
    if last is None:
        return None
    for claim in claims:
        if identity(claim.entry) != identity(last):
            text = (
                f"The snapshot of {snapshot.event.node} ends with {named(last)}, "
                f"but {claim.event.node} took {named(claim.entry)} for committed."
            )
            title = (
                f"{snapshot.event.node} has a snapshot up to index "
                f"{snapshot.up_to} that is not the committed log"
            )
            return evidence(title, text, claim.event, snapshot.event, ops=(claim.entry.op,))
    return None
