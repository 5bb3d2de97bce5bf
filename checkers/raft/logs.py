"""The replicated log: matching, completeness, and what may never be removed from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from checkers.raft.cluster import Replays, conclude, evidence, named
from checkers.raft.replay import Placement, identity
from checkers.verdict import Evidence, Verdict
from harness.history import Recording, TraceEntry


@dataclass(frozen=True)
class LogMatching:
    """If two logs hold an entry with the same index and term, they are equal up to it (Figure 3).

    By induction it is enough that for each (index, term) the entry and the one below it are the same
    wherever they stand, and that is compared whenever an entry is put into a log.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "log-matching"

    def check(self, recording: Recording) -> Verdict:
        """Compare every entry ever put into a log with the first of its index and term."""
        cluster = self.replays.of(recording)
        first: dict[tuple[int, int], Placement] = {}
        with_known_below: dict[tuple[int, int], Placement] = {}
        violations: list[Evidence] = []
        compared = blind = 0
        for facts in cluster.nodes.values():
            for placement in facts.placements:
                where = (placement.entry.index, placement.entry.term)
                known = first.setdefault(where, placement)
                compared += known is not placement
                if known.entry.hash != placement.entry.hash:
                    violations.append(_different(known, placement))
                if not placement.below_known:
                    blind += 1
                    continue
                known = with_known_below.setdefault(where, placement)
                if _key(known.below) != _key(placement.below):
                    violations.append(_different_below(known, placement))
        doubts = [f"for {blind} entries it is not known upon which entry they were put"] if blind else []
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{len(first)} entries, {compared} copies: all equal, and upon equal entries",
            nothing_seen=None if first else "no entry was ever put into a log",
            doubts=doubts,
            measures={"entries": len(first), "copies_compared": compared},
        )


def _key(entry: TraceEntry | None) -> tuple[int, int, str] | None:
    return None if entry is None else identity(entry)


def _different(one: Placement, other: Placement) -> Evidence:
    entry = one.entry
    text = (
        f"At index {entry.index} in term {entry.term}, {one.event.node} put {named(entry)}, "
        f"but {other.event.node} put {named(other.entry)}."
    )
    title = f"two entries at index {entry.index} of term {entry.term}"
    return evidence(title, text, one.event, other.event, ops=(entry.op, other.entry.op))


def _different_below(one: Placement, other: Placement) -> Evidence:
    def told(placement: Placement) -> str:
        return "the empty log" if placement.below is None else named(placement.below)

    entry = one.entry
    text = (
        f"{one.event.node} put index {entry.index} of term {entry.term} upon {told(one)}, "
        f"{other.event.node} upon {told(other)}: the two logs hold the same entry and differ below it."
    )
    ops = [placement.below.op for placement in (one, other) if placement.below is not None]
    return evidence(
        f"logs differ below index {entry.index}", text, one.event, other.event, ops=(entry.op, *ops)
    )


@dataclass(frozen=True)
class LeaderCompleteness:
    """An entry committed in a term is in the log of the leader of every later term (Figure 3)."""

    replays: Replays = field(default_factory=Replays)
    name: str = "leader-completeness"

    def check(self, recording: Recording) -> Verdict:
        """Look for every committed entry in the log of every later leader, as it was at its election."""
        cluster = self.replays.of(recording)
        claims = list(cluster.committed.values())
        elections = [election for facts in cluster.nodes.values() for election in facts.elections]
        violations: list[Evidence] = []
        compared = unknown = 0
        for event, log, covered in sorted(elections, key=lambda election: election.event.term):
            lacking = []
            for claim in claims:
                if claim.event.term >= event.term:
                    continue
                compared += 1
                index = claim.entry.index
                held = log[index - 1] if index <= len(log) else None
                if held is None and index <= covered:
                    continue  # a snapshot holds it: see snapshots.py
                if held is None and index <= len(log):
                    unknown += 1
                elif held is None or identity(held) != identity(claim.entry):
                    lacking.append((claim, held))
            if not lacking:
                continue
            claim, held = min(lacking, key=lambda item: item[0].entry.index)
            instead = "its log ended before that" if held is None else f"it held {named(held)}"
            more = f", and {len(lacking) - 1} more committed entries" if len(lacking) > 1 else ""
            text = (
                f"{claim.event.node} took {named(claim.entry)} for committed in term {claim.event.term}. "
                f"{event.node} became leader of term {event.term} without it{more}: {instead}."
            )
            title = f"the leader of term {event.term} lacks committed index {claim.entry.index}"
            ops = [other.entry.op for other, _ in lacking[:10]]
            violations.append(evidence(title, text, claim.event, event, ops=ops))
        doubts = [f"for {unknown} committed entries it is not known whether a later leader held them"]
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{len(claims)} committed entries, {len(elections)} elections: later leaders held all",
            nothing_seen=None if claims and elections else "nothing was committed, or nobody was elected",
            doubts=doubts if unknown else (),
            measures={"committed": len(claims), "elections": len(elections), "comparisons": compared},
        )


@dataclass(frozen=True)
class LeaderAppendOnly:
    """A leader never removes entries from its own log (Figure 3)."""

    replays: Replays = field(default_factory=Replays)
    name: str = "leader-append-only"

    def check(self, recording: Recording) -> Verdict:
        """Look for truncations by leaders."""
        cluster = self.replays.of(recording)
        truncations = [cut for facts in cluster.nodes.values() for cut in facts.truncations]
        violations = [
            evidence(
                f"leader {cut.event.node} truncated its log",
                f"As leader of term {cut.event.term}, {cut.event.node} removed index {cut.first} and above.",
                cut.event,
                ops=[entry.op for entry in cut.removed if entry is not None],
            )
            for cut in truncations
            if cut.event.role == "leader"
        ]
        led = any(facts.elections for facts in cluster.nodes.values())
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{len(truncations)} truncations, none by a leader",
            nothing_seen=None if led else "no node was ever leader",
            measures={"truncations": len(truncations)},
        )


@dataclass(frozen=True)
class CommittedNeverTruncated:
    """A committed entry stays in every log that holds it.

    A node must not truncate at or below its own commitIndex; nor, in term T, an entry that anyone took
    for committed in a term up to T. (In a later term is legal: Figure 8 commits what another node
    had removed in the meantime.)
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "committed-never-truncated"

    def check(self, recording: Recording) -> Verdict:
        """Look for committed entries among what was removed."""
        cluster = self.replays.of(recording)
        violations: list[Evidence] = []
        removed = unknown = 0
        for node, facts in cluster.nodes.items():
            for cut in facts.truncations:
                removed += len(cut.removed)
                unknown += cut.removed.count(None)
                entries = [entry for entry in cut.removed if entry is not None]
                claims = [
                    claim
                    for entry in entries
                    if (claim := cluster.committed.get(identity(entry))) is not None
                    and claim.event.term <= cut.event.term
                ]
                own = cut.first <= cut.commit_before
                if not own and not claims:
                    continue
                what = named(claims[0].entry) if claims else f"index {cut.first}"
                by = (
                    f"although its own commitIndex was {cut.commit_before}"
                    if own
                    else f"which {claims[0].event.node} took for committed in term {claims[0].event.term}"
                )
                text = f"{node} removed, in term {cut.event.term}, index {cut.first} and above: {what}, {by}."
                events = (*(claim.event for claim in claims[:1]), cut.event)
                ops = [claim.entry.op for claim in claims] or [entry.op for entry in entries]
                violations.append(evidence(f"{node} truncated a committed entry", text, *events, ops=ops))
        doubts = [f"of {unknown} removed entries it is not known which they were"] if unknown else []
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{len(cluster.committed)} committed entries, {removed} entries removed: none of those",
            nothing_seen=None if cluster.committed else "nothing was committed",
            doubts=doubts,
            measures={"committed": len(cluster.committed), "removed": removed},
        )


@dataclass(frozen=True)
class DurableLog:
    """What a node said to be on its disk is there when it starts again."""

    replays: Replays = field(default_factory=Replays)
    name: str = "durable-log"

    def check(self, recording: Recording) -> Verdict:
        """Compare each recovered log's length with what had been promised."""
        cluster = self.replays.of(recording)
        violations: list[Evidence] = []
        restarts = 0
        for node, facts in cluster.nodes.items():
            restarts += sum(event.event == "restart" and event.life > 1 for event in facts.trace.events)
            for loss in facts.durable_losses:
                text = (
                    f"In life {loss.promise.life}, {node} had its log up to index {loss.promised} on disk; "
                    f"life {loss.event.life} recovered only up to index {loss.event.last}."
                )
                violations.append(evidence(f"{node} lost its durable log", text, loss.promise, loss.event))
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{restarts} restarts: each recovered all that had been on disk",
            measures={"restarts": restarts},
        )
