"""Membership: configurations change one voter at a time, and only voters elect, lead and count.

The rules are those of Ongaro's thesis, chapter 4, with its correction (raft-dev, 2015). They are judged on
each node's own trace. A configuration is in force as soon as its entry is in the log.

- A leader begins a change only when the one before it is committed, and when it has committed an entry of its
  own term; and a change adds or removes one voter (section 4.1).
- A leader is a voter of its own configuration, and a majority of those voters voted for it; so the votes of
  learners and of removed nodes do not count (4.2).
- When a leader has applied the entry that removes it, it appends and acknowledges nothing more as a leader
  (4.2.2).

The checker `durable-before-acknowledge` counts disks by the configurations that the leader of the term had.
Systems that trace no configuration are not judged here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from checkers.raft.facts.cluster import Replays, conclude, evidence
from checkers.verdict import Evidence, Verdict
from checkers.words import plural
from history import NodeTrace, Recording, TraceEvent

Members = tuple[tuple[str, ...], tuple[str, ...]]
"""The voters, and the learners."""
_MESSAGES = frozenset({"send", "receive"})
"""Most events, and of no interest but for the role in which they happen."""


def members_of(event: TraceEvent) -> Members:
    """The voters and learners that a `configuration` event names."""
    return (tuple(sorted(event.members or ())), tuple(sorted(event.learners)))


def committed_configurations(traces: Iterable[NodeTrace]) -> int:
    """The number of different configurations that some node took for committed."""
    found: set[Members] = set()
    for trace in traces:
        held: TraceEvent | None = None
        for event in trace.events:
            if event.event == "configuration":
                held = event
            elif held is None:
                continue
            if held is not None and event.commit >= (held.index or 0):
                found.add(members_of(held))
                held = None
    return len(found)


@dataclass
class _Counts:
    changes: int = 0
    elections: int = 0


@dataclass(frozen=True)
class MembershipChanges:
    """Judges changes, elections and removals by the rules in the module's docstring."""

    replays: Replays = field(default_factory=Replays)
    name: str = "membership"

    def check(self, recording: Recording) -> Verdict:
        """Go through every node's trace with the configuration that was in force at each event."""
        cluster = self.replays.of(recording)
        votes = _votes(
            event for facts in cluster.nodes.values() for event in facts.rare if event.event == "vote"
        )
        counts = _Counts()
        violations: list[Evidence] = []
        for facts in cluster.nodes.values():
            walk = _Walk(votes, frozenset(cluster.incomplete), counts)
            for event in facts.trace.events:
                if event.event not in _MESSAGES or event.role != walk.role:
                    violations += walk.step(event)
        configurations = committed_configurations(recording.traces.values())
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(counts.changes, 'change')} of the members, "
            f"{plural(configurations, 'committed configuration')}, {plural(counts.elections, 'election')}: "
            "leaders made one change at a time, and voters elected each leader",
            nothing_seen=None if counts.changes else "no leader changed the members",
            measures={
                "changes": counts.changes,
                "configurations_committed": configurations,
                "elections": counts.elections,
            },
        )


def _votes(events: Iterable[TraceEvent]) -> dict[tuple[int, str], set[str]]:
    """By term and candidate, the nodes that voted for it."""
    found: dict[tuple[int, str], set[str]] = {}
    for event in events:
        if event.vote is not None:
            found.setdefault((event.term, event.vote), set()).add(event.node)
    return found


class _Walk:
    """One node's trace, event by event."""

    def __init__(
        self, votes: dict[tuple[int, str], set[str]], perhaps: frozenset[str], counts: _Counts
    ) -> None:
        self.held: TraceEvent | None = None
        """The event of the configuration that is in force."""
        self._votes = votes
        self._perhaps = perhaps
        """Nodes whose trace lacks something: they may have voted for any candidate."""
        self._counts = counts
        self.role = "follower"
        """That of the last event."""
        self._first_own: int | None = None
        """While it leads: the index of the first entry of its term."""

    def step(self, event: TraceEvent) -> list[Evidence]:
        """Take the next event; returns the violations that it shows."""
        found: list[Evidence] = []
        if event.event == "restart":
            self.held, self.role = None, "follower"
        if event.role == "leader" and self.role != "leader":
            self._first_own = None
            found += self._elected(event)
        self.role = event.role
        if event.role == "leader":
            if event.event == "append" and event.entries:
                self._first_own = self._first_own or event.entries[0].index
            found += self._gone(event)
        if event.event == "configuration":
            if event.role == "leader" and self.held is not None:
                found += self._changed(self.held, event)
            self.held = event
        return found

    def _elected(self, event: TraceEvent) -> list[Evidence]:
        if self.held is None:
            return []
        self._counts.elections += 1
        voters, _ = members_of(self.held)
        gave = sorted(self._votes.get((event.term, event.node), set()) & set(voters))
        if event.node not in voters:
            text = f"{event.node} became leader of term {event.term}; the voters are {', '.join(voters)}."
            return [evidence(f"{event.node} leads term {event.term} but is no voter", text, self.held, event)]
        if len(self._perhaps & set(voters) | set(gave)) <= len(voters) // 2:
            text = (
                f"{event.node} became leader of term {event.term}. The voters were {', '.join(voters)}; "
                f"{' and '.join(gave) or 'none of them'} voted for it."
            )
            return [
                evidence(
                    f"{event.node} leads term {event.term} without a majority of voters",
                    text,
                    self.held,
                    event,
                )
            ]
        return []

    def _changed(self, before: TraceEvent, event: TraceEvent) -> list[Evidence]:
        """The violations that a change of the configuration by a leader shows."""
        self._counts.changes += 1
        found: list[Evidence] = []
        old, new = set(before.members or ()), set(event.members or ())
        if len(old ^ new) > 1:
            text = (
                f"{event.node} changed the voters {', '.join(sorted(old))} to {', '.join(sorted(new))} in "
                "one step, so a majority of the old ones and one of the new ones "
                "need not have a node in common."
            )
            found.append(evidence(f"{event.node} changed more than one voter at once", text, before, event))
        if event.commit < (before.index or 0):
            text = (
                f"{event.node} began a change at index {event.index} before the "
                f"change at index {before.index} "
                f"was committed: its commitIndex was {event.commit}."
            )
            found.append(
                evidence(
                    f"{event.node} began a change before the last one was committed", text, before, event
                )
            )
        if self._first_own is None or event.commit < self._first_own or event.index == self._first_own:
            text = (
                f"{event.node} began a change at index {event.index} in term "
                f"{event.term}, but had not committed "
                f"any entry of that term: its commitIndex was {event.commit}."
            )
            found.append(
                evidence(f"{event.node} began a change before it committed an entry of its term", text, event)
            )
        return found

    def _gone(self, event: TraceEvent) -> list[Evidence]:
        """The violation of a leader that goes on after it has applied its own removal."""
        held = self.held
        if held is None or event.node in (held.members or ()) or event.event not in ("append", "acknowledge"):
            return []
        if held.index is None or event.applied < held.index:
            return []
        text = (
            f"{event.node} had applied its own removal at index {held.index}, but "
            f"went on as the leader of term "
            f"{event.term}: it did {event.event} at index {event.index or event.last}."
        )
        return [
            evidence(
                f"{event.node} leads term {event.term} after its removal", text, held, event, ops=(event.op,)
            )
        ]
