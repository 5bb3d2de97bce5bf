"""The replicated log: matching, completeness, and what may never be removed from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from checkers.raft.facts.cluster import Located, Replays, conclude, evidence, named
from checkers.raft.facts.compact import NONE, Numbers
from checkers.raft.facts.entries import Clash
from checkers.verdict import Evidence, Verdict
from checkers.words import plural
from history import Recording, TraceEvent


@dataclass(frozen=True)
class LogMatching:
    """If two logs hold an entry with the same index and term, they are equal up to it (Figure 3).

    By induction it is enough that for each index and term, the entry and the one below it are the same in all
    logs. They are compared whenever a node puts an entry into its log.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "log-matching"

    def check(self, recording: Recording) -> Verdict:
        """Report the entries that differ from the first of their index and term."""
        cluster = self.replays.of(recording)
        placements = cluster.common.placements
        violations = [_different(clash) for clash in placements.clashes]
        blind, compared = placements.blind, placements.copies
        doubts = (
            [f"for {plural(blind, 'entry', 'entries')} it is not known which entry is before it in the log"]
            if blind
            else []
        )
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(compared, 'copy', 'copies')} of "
            f"{plural(placements.places, 'entry', 'entries')} compared: "
            "logs with the same index and term have the same entry there, and before it",
            nothing_seen=None if placements.places else "no entry was ever put into a log",
            doubts=doubts,
            measures={"entries": placements.places, "copies_compared": compared},
        )


def _different(clash: Clash) -> Evidence:
    one, where, other, event, belows = clash
    if belows is None:
        text = (
            f"At index {one.index} in term {one.term}, {where.node} put {named(one)}, "
            f"but {event.node} put {named(other)}."
        )
        title = (
            f"{where.node} and {event.node} have different entries at index {one.index} of term {one.term}"
        )
        return evidence(title, text, where, event, ops=(one.op, other.op))
    first, second = ("the empty log" if below is None else named(below) for below in belows)
    text = (
        f"{where.node} put index {one.index} of term {one.term} above {first}, {event.node} above {second}: "
        "the two logs hold the same entry, but differ below it."
    )
    ops = [one.op, *(below.op for below in belows if below is not None)]
    return evidence(
        f"the logs of {where.node} and {event.node} differ below index {one.index}",
        text,
        where,
        event,
        ops=ops,
    )


@dataclass(frozen=True)
class LeaderCompleteness:
    """An entry committed in a term is in the log of the leader of every later term (Figure 3).

    The same holds for an entry that a leader has acknowledged, as it then took the entry for committed.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "leader-completeness"

    def check(self, recording: Recording) -> Verdict:
        """Look for every committed entry in the log of every later leader, as it was at its election."""
        cluster = self.replays.of(recording)
        claims, entries = cluster.common.claims, cluster.common.entries.all
        columns = claims.columns()
        violations: list[tuple[int, Evidence]] = []
        compared = unknown = elections = 0
        for facts in cluster.nodes.values():
            for election, log in zip(facts.elections, facts.journal.marked(), strict=True):
                elections += 1
                event = election.event
                lacking, earlier, not_known = _lacking(columns, event.term, log, election.covered)
                compared += earlier
                unknown += not_known
                if not len(lacking):
                    continue
                lowest = min(lacking, key=lambda number: entries[number].index)
                claim = claims.of(int(lowest))
                assert claim is not None
                index = claim.entry.index
                instead = (
                    f"it held {named(entries[log[index - 1]])}"
                    if index <= len(log)
                    else "its log ended before that"
                )
                more = (
                    f", and {plural(len(lacking) - 1, 'more committed entry', 'more committed entries')}"
                    if len(lacking) > 1
                    else ""
                )
                text = (
                    f"{claim.event.node} took {named(claim.entry)} for committed in term {claim.event.term}. "
                    f"{event.node} became leader of term {event.term} without it{more}: {instead}."
                )
                title = f"{event.node}, the leader of term {event.term}, lacks committed index {index}"
                ops = [entries[number].op for number in lacking[:10]]
                violations.append((event.term, evidence(title, text, claim.event, event, ops=ops)))
        violations.sort(key=lambda found: found[0])
        doubts = [
            f"for {plural(unknown, 'committed entry', 'committed entries')} "
            "it is not known whether every later leader had it"
        ]
        return conclude(
            self.name,
            cluster,
            violations=[violation for _, violation in violations],
            summary=f"{plural(len(claims), 'committed entry', 'committed entries')}, "
            f"{plural(elections, 'election')}: each later leader had every entry",
            nothing_seen=None if compared else "no node was elected after an entry had been committed",
            doubts=doubts if unknown else (),
            measures={"committed": len(claims), "elections": elections, "comparisons": compared},
        )


def _lacking(
    columns: tuple[Numbers, Numbers, Numbers], term: int, log: Numbers, covered: int
) -> tuple[Numbers, int, int]:
    """The committed entries that a leader of `term` lacks, by number; how many entries were committed in an
    earlier term; and for how many of those it is not known whether the leader had them."""
    numbers, indices, terms = columns
    if not len(numbers):
        return numbers, 0, 0
    earlier = terms < term
    inside = indices <= len(log)
    held = np.full(len(numbers), NONE)
    held[inside] = log[indices[inside] - 1]
    is_covered = (held == NONE) & (indices <= covered)  # a snapshot holds it: see snapshots.py
    not_known = earlier & inside & (held == NONE) & ~is_covered
    lacking = earlier & ~is_covered & ~not_known & (held != numbers)
    return numbers[lacking], int(earlier.sum()), int(not_known.sum())


@dataclass(frozen=True)
class LeaderAppendOnly:
    """A leader never removes entries from its own log (Figure 3)."""

    replays: Replays = field(default_factory=Replays)
    name: str = "leader-append-only"

    def check(self, recording: Recording) -> Verdict:
        """Look for truncations by leaders."""
        cluster = self.replays.of(recording)
        truncations = [cut for facts in cluster.nodes.values() for cut in facts.truncations]
        every = cluster.common.entries.all
        violations = [
            evidence(
                f"{cut.event.node} truncated its log as the leader of term {cut.event.term}",
                f"As the leader of term {cut.event.term}, {cut.event.node} removed "
                f"index {cut.first} and above.",
                cut.event,
                ops=[every[number].op for number in cut.removed if number != NONE],
            )
            for cut in truncations
            if cut.event.role == "leader"
        ]
        led = any(facts.elections for facts in cluster.nodes.values())
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary="no leader removed an entry from its log; "
            f"other nodes truncated their logs {plural(len(truncations), 'time')}",
            nothing_seen=None if led else "no node was ever leader",
            measures={"truncations": len(truncations)},
        )


@dataclass(frozen=True)
class CommittedNeverTruncated:
    """A committed entry stays in every log that holds it.

    A node must not truncate its log at or below its own commitIndex; nor, in term T, remove an entry that
    some node took for committed in a term up to T. (A commit in a later term is legal: in Figure 8, an entry
    is committed that another node had removed in the meantime.) A node that refuses to truncate there shows
    the same: who sent those entries lacks a committed one, or the node itself was about to cut what agrees.
    """

    replays: Replays = field(default_factory=Replays)
    name: str = "committed-never-truncated"

    def check(self, recording: Recording) -> Verdict:
        """Look for committed entries among those that were removed."""
        cluster = self.replays.of(recording)
        committed = cluster.common.claims
        violations: list[Evidence] = []
        removed = unknown = 0
        for node, facts in cluster.nodes.items():
            for cut in facts.truncations:
                removed += len(cut.removed)
                unknown += cut.removed.count(NONE)
                known = [number for number in cut.removed if number != NONE]
                entries = [cluster.common.entries.all[number] for number in known]
                claims = [
                    claim
                    for number in known
                    if (claim := committed.of(number)) is not None and claim.event.term <= cut.event.term
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
                text = f"In term {cut.event.term}, {node} removed index {cut.first} and above: {what}, {by}."
                events: tuple[Located, ...] = (*(claim.event for claim in claims[:1]), cut.event)
                ops = [claim.entry.op for claim in claims] or [entry.op for entry in entries]
                violations.append(
                    evidence(
                        f"{node} truncated a committed entry at index {cut.first}", text, *events, ops=ops
                    )
                )
        violations.extend(
            _refused(node, event) for node, facts in cluster.nodes.items() for event in facts.refused_cuts
        )
        doubts = (
            [f"for {plural(unknown, 'removed entry', 'removed entries')} their contents are not known"]
            if unknown
            else []
        )
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(len(committed), 'committed entry', 'committed entries')}, "
            f"{plural(removed, 'removed entry', 'removed entries')}: no committed entry was removed",
            nothing_seen=None if removed else "no node truncated its log",
            doubts=doubts,
            measures={"committed": len(committed), "removed": removed},
        )


def _refused(node: str, event: TraceEvent) -> Evidence:
    text = (
        f"In term {event.term}, {node} was to remove index {event.index} and above for entries that "
        f"{event.peer} had sent, although its own commitIndex was {event.commit}. It refused."
    )
    title = f"{node} was to truncate a committed entry at index {event.index}, for {event.peer}"
    return evidence(title, text, event)


@dataclass(frozen=True)
class DurableLog:
    """The log that a node had on disk is there when the node starts again."""

    replays: Replays = field(default_factory=Replays)
    name: str = "durable-log"

    def check(self, recording: Recording) -> Verdict:
        """Compare the length of each recovered log with what was on disk before."""
        cluster = self.replays.of(recording)
        violations: list[Evidence] = []
        restarts = 0
        for node, facts in cluster.nodes.items():
            restarts += facts.restarts
            for loss in facts.durable_losses:
                text = (
                    f"In life {loss.promise.life}, {node} had its log up to index {loss.promised} on disk; "
                    f"life {loss.event.life} recovered only up to index {loss.event.last}."
                )
                violations.append(
                    evidence(
                        f"{node} lost its durable log above index {loss.event.last}",
                        text,
                        loss.promise,
                        loss.event,
                    )
                )
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(restarts, 'restart')}: after each, the node had all that had been on its disk",
            nothing_seen=None if restarts else "no node was restarted",
            measures={"restarts": restarts},
        )
