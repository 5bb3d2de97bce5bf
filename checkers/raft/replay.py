"""One node's trace, replayed: its log rebuilt event by event, and the facts that invariants are about.

**What a restart recovers.** A kill may lose what was not yet synced, so the log of a new life is the
old one cut to the recovered `last`; below what a `synced` event promised nothing may be missing. A
truncation that was not yet synced may be lost too, and then the disk still holds the entries that it
removed: where it cannot be told which of the two came back, an entry is `None`, *not known*, and
whoever needs it must not guess. After a gap in the trace nothing of an earlier life is known.

**What a snapshot stands for.** One that a node installs brings entries that its trace never names: below
the last included one they are `None`, and *covered*. That what covers them is the committed log is for
`snapshots.py` to hold; then a covered entry is held, though not seen.

**What a `synced` event proves of term and vote.** It carries the vote that is on disk, but its term
is the node's current one, which may be newer. With one write to the disk at a time, what was traced
before the last `synced` line is on disk by the next; from there on, the first state with that vote
is the least that is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from checkers.verdict import EventRef
from harness.history import NodeTrace, TraceEntry, TraceEvent

Log = list[TraceEntry | None]
"""Entries from index 1; None where it is not known which entry stands there."""

Identity = tuple[int, int, str]
"""(index, term, hash) of an entry."""


def identity(entry: TraceEntry) -> Identity:
    """What makes two entries the same."""
    return (entry.index, entry.term, entry.hash)


def ref(event: TraceEvent) -> EventRef:
    """Where an event stands."""
    return EventRef(node=event.node, life=event.life, seq=event.seq)


class Placement(NamedTuple):
    """An entry was put into a log, upon another one."""

    entry: TraceEntry
    below: TraceEntry | None
    """The entry before it; None if there is none, or if it is not known (`below_known`)."""
    below_known: bool
    event: TraceEvent


class Election(NamedTuple):
    """A node became leader, and had this log."""

    event: TraceEvent
    log: Log
    covered: int
    """Up to here a snapshot stands for what is None in the log."""


class SnapshotHeld(NamedTuple):
    """A node took, installed or recovered a snapshot."""

    event: TraceEvent
    up_to: int
    last: TraceEntry | None
    """The last included entry, where the event names it."""


class Commit(NamedTuple):
    """A node took this entry for committed."""

    entry: TraceEntry
    event: TraceEvent


class Truncation(NamedTuple):
    """Entries were removed from the end of a log."""

    event: TraceEvent
    first: int
    """The lowest index removed."""
    removed: Log
    commit_before: int


class Acknowledgement(NamedTuple):
    """A client was told that its write is done."""

    event: TraceEvent
    position: int
    """Of the event among all of the node's."""
    entry: TraceEntry | None
    """What the node's own log held at that index; None if nothing, or if it is not known."""


class DurableLoss(NamedTuple):
    """A life began with less of its log than was promised to be on disk."""

    event: TraceEvent
    promised: int
    promise: TraceEvent


class HardStateLoss(NamedTuple):
    """A life began with an older term, or in the same term with another vote, than was on disk."""

    event: TraceEvent
    term: int
    vote: str | None
    promise: TraceEvent


@dataclass
class NodeFacts:
    """What one node did, in its order."""

    trace: NodeTrace
    placements: list[Placement] = field(default_factory=list)
    elections: list[Election] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    truncations: list[Truncation] = field(default_factory=list)
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    snapshots: list[SnapshotHeld] = field(default_factory=list)
    durable_losses: list[DurableLoss] = field(default_factory=list)
    hard_state_losses: list[HardStateLoss] = field(default_factory=list)
    durable_votes: list[tuple[int, str, TraceEvent]] = field(default_factory=list)
    """(term, vote, the event that proves it on disk)"""
    held_from: dict[Identity, int] = field(default_factory=dict)
    """Position of the first event at which the log held an entry."""
    synced_from: dict[Identity, int] = field(default_factory=dict)
    """Position of the first event that proves an entry to be on disk."""
    perhaps_synced: set[Identity] = field(default_factory=set)
    """Entries of which it is not known whether a restart recovered them."""
    inconsistencies: list[str] = field(default_factory=list)
    """Where the trace contradicts itself, in words: as bad as a gap."""


class _HardState(NamedTuple):
    term: int
    vote: str | None


NOT_STATE = frozenset({"send", "receive", "apply", "configuration", "stop"})
"""Events that change neither log nor hard state."""


class _Replay:
    def __init__(self, trace: NodeTrace) -> None:
        self.facts = NodeFacts(trace)
        self._log: Log = []
        self._covered = 0  # up to here a snapshot stands for what is None in the log
        self._durable = 0  # the log up to here is promised to be on disk
        self._durable_by: TraceEvent | None = None
        self._replaced: list[tuple[Log, int]] = []  # (log before an unsynced truncation, durable then)
        self._unsynced_cut: int | None = None
        self._hard_states: list[_HardState] = [_HardState(0, None)]  # the first is known to be on disk
        self._hard_by: TraceEvent | None = None
        self._at_last_sync = 0  # index into _hard_states
        self._commit = 0
        self._role = "follower"
        self._committed: set[Identity] = set()

    def run(self) -> NodeFacts:
        for position, event in enumerate(self.facts.trace.events):
            if event.event not in NOT_STATE:
                self._step(position, event)
            self._commit, self._role = event.commit, event.role
        return self.facts

    def _step(self, position: int, event: TraceEvent) -> None:
        match event.event:
            case "restart":
                self._restart(position, event)
            case "term":
                self._hard_states.append(_HardState(event.term, None))
            case "vote":
                self._hard_states.append(_HardState(event.term, event.vote))
            case "role":
                if event.role == "leader" and self._role != "leader":
                    self.facts.elections.append(Election(event, list(self._log), self._covered))
            case "append":
                self._append(position, event)
            case "truncate":
                self._truncate(event)
            case "synced":
                self._synced(position, event)
            case "commit":
                self._commit_to(event)
            case "acknowledge":
                self._acknowledge(position, event)
            case "snapshot":
                self._snapshot(event)
        self._hold_against(event)

    def _hold_against(self, event: TraceEvent) -> None:
        """The event's own word on the log's length must be what the replay came to."""
        if event.last != len(self._log):
            self._doubt(
                event, f"says that the log ends at {event.last}, but its trace amounts to {len(self._log)}"
            )
            del self._log[event.last :]
            self._log += [None] * (event.last - len(self._log))
            self._durable = min(self._durable, event.last)

    def _doubt(self, event: TraceEvent, what: str) -> None:
        self.facts.inconsistencies.append(
            f"{event.node}, life {event.life}, seq {event.seq} ({event.event}): {what}"
        )

    def _append(self, position: int, event: TraceEvent) -> None:
        for entry in event.entries:
            if entry.index != len(self._log) + 1:
                self._doubt(event, f"appends index {entry.index} to a log that ends at {len(self._log)}")
                del self._log[entry.index - 1 :]
                self._log += [None] * (entry.index - 1 - len(self._log))
            below = self._log[-1] if self._log else None
            self.facts.placements.append(Placement(entry, below, below is not None or not self._log, event))
            self._log.append(entry)
            self.facts.held_from.setdefault(identity(entry), position)

    def _truncate(self, event: TraceEvent) -> None:
        index = event.index if event.index is not None else event.last + 1
        removed = self._log[index - 1 :]
        self.facts.truncations.append(Truncation(event, index, removed, self._commit))
        self._replaced.append((list(self._log), self._durable))
        self._unsynced_cut = index if self._unsynced_cut is None else min(index, self._unsynced_cut)
        del self._log[index - 1 :]
        self._durable = min(self._durable, index - 1)

    def _snapshot(self, event: TraceEvent) -> None:
        """Taking one changes nothing here; installing one replaces the log, unless that goes on from it.

        Where a node kept less than it should have, what it removed is judged as any truncation.
        """
        index = event.index or 0
        last = event.entries[-1] if event.entries else None
        self.facts.snapshots.append(SnapshotHeld(event, index, last))
        if event.peer is None:
            return
        own = self._log[index - 1] if 1 <= index <= len(self._log) else None
        goes_on = own is not None and last is not None and identity(own) == identity(last)
        if goes_on and event.last == len(self._log):
            return
        first = event.last + 1 if goes_on else index + 1
        removed = self._log[first - 1 :]
        if removed:
            self.facts.truncations.append(Truncation(event, first, removed, self._commit))
        self._replaced.append((list(self._log), self._durable))
        self._unsynced_cut = index if self._unsynced_cut is None else min(index, self._unsynced_cut)
        self._durable = min(self._durable, self._commit)
        self._log = self._log[: event.last] if goes_on else [*[None] * (index - 1), last][:index]
        self._covered = max(self._covered, index)

    def _synced(self, position: int, event: TraceEvent) -> None:
        if event.index is not None:
            if event.index > len(self._log):
                self._doubt(event, f"says that index {event.index} is on disk, beyond the end of the log")
            index = min(event.index, len(self._log))
            for entry in self._log[self._durable : index]:
                if entry is not None:
                    self.facts.synced_from.setdefault(identity(entry), position)
            if index >= self._durable:
                self._durable, self._durable_by = index, event
            if self._unsynced_cut is not None and index >= self._unsynced_cut:
                self._replaced, self._unsynced_cut = [], None
        since = self._at_last_sync
        votes = [state.vote for state in self._hard_states[since:]]
        proved = since + votes.index(event.vote) if event.vote in votes else since
        self._hard_states = self._hard_states[proved:]
        self._hard_by = event
        self._at_last_sync = len(self._hard_states) - 1
        self._note_durable_vote(event)

    def _note_durable_vote(self, event: TraceEvent) -> None:
        state = self._hard_states[0]
        known = self.facts.durable_votes
        if state.vote is not None and (not known or known[-1][:2] != state):
            known.append((state.term, state.vote, event))

    def _restart(self, position: int, event: TraceEvent) -> None:
        self._commit, self._role = 0, "follower"
        self._covered = event.index or 0
        if event.index is not None:
            is_last = bool(event.entries) and event.entries[-1].index == event.index
            self.facts.snapshots.append(
                SnapshotHeld(event, event.index, event.entries[-1] if is_last else None)
            )
        self._recover_hard_state(event)
        if self.facts.trace.gaps and event.life > 1:
            self._log = [None] * event.last
        else:
            if event.last < self._durable and self._durable_by is not None:
                self.facts.durable_losses.append(DurableLoss(event, self._durable, self._durable_by))
            self._log = self._recovered_log(event)
        self._replaced, self._unsynced_cut = [], None
        self._durable, self._durable_by = event.last, event
        for entry in self._log:
            if entry is not None:
                self.facts.synced_from.setdefault(identity(entry), position)

    def _recovered_log(self, event: TraceEvent) -> Log:
        last = event.last
        candidates = [(self._log, 0), *self._replaced]
        fitting = [log[:last] for log, least in candidates if least <= last <= len(log)]
        if event.entries:  # the recovered last entry, if the node names it: equal ones stand upon equal logs
            named = identity(event.entries[-1])
            fitting = [log for log in fitting if log and _is(log[-1], named)] or fitting
        if not fitting:
            if last > len(self._log):
                self._doubt(event, f"recovers a log up to {last}, but only {len(self._log)} was traced")
            return [*self._log[:last], *[None] * (last - len(self._log))]
        first, *others = fitting
        recovered: Log = [
            entry if all(log[at] == entry for log in others) else None for at, entry in enumerate(first)
        ]
        for log in fitting:
            self.facts.perhaps_synced.update(
                identity(entry) for entry, sure in zip(log, recovered, strict=True) if entry and not sure
            )
        return recovered

    def _recover_hard_state(self, event: TraceEvent) -> None:
        promised = self._hard_states[0]
        forgot_vote = event.term == promised.term and promised.vote not in (None, event.vote)
        if (event.term < promised.term or forgot_vote) and self._hard_by is not None:
            self.facts.hard_state_losses.append(
                HardStateLoss(event, promised.term, promised.vote, self._hard_by)
            )
        self._hard_states, self._at_last_sync = [_HardState(event.term, event.vote)], 0
        self._hard_by = event
        self._note_durable_vote(event)

    def _commit_to(self, event: TraceEvent) -> None:
        for entry in self._log[self._commit : event.commit]:
            if entry is not None and identity(entry) not in self._committed:
                self._committed.add(identity(entry))
                self.facts.commits.append(Commit(entry, event))

    def _acknowledge(self, position: int, event: TraceEvent) -> None:
        index = event.index or 0
        entry = self._log[index - 1] if 1 <= index <= len(self._log) else None
        self.facts.acknowledgements.append(Acknowledgement(event, position, entry))


def _is(entry: TraceEntry | None, named: Identity) -> bool:
    return entry is not None and identity(entry) == named


def replay(trace: NodeTrace) -> NodeFacts:
    """All the facts of one node."""
    return _Replay(trace).run()
