"""Replays one node's trace: rebuilds its log event by event, and notes the facts that invariants are about.

Events are read once, and only rare ones are kept; facts about entries are kept by the number of the entry
(`entries.py`).

**What a restart recovers.** A kill may lose what was not yet synced, so the log of a new life is the old one
cut to the recovered `last`; nothing may be missing below what a `synced` event promised. A truncation that
was not yet synced may be lost, too; then the disk still holds the entries that it removed. If it cannot be
decided which of the two logs came back, an entry is NONE, *not known*, and no checker may guess it. After a
gap in the trace nothing is known of an earlier life.

**What a snapshot covers.** A snapshot that a node installs brings entries that its trace never names: below
the last included entry they are NONE, and *covered*. The checker `snapshot-safety` judges whether a snapshot
is the committed log; if it is, the node holds a covered entry although no trace shows it.

**What a `synced` event proves of term and vote.** It carries the vote that is on disk, but its term
is the node's current one, which may be newer. With one write to the disk at a time, what was traced
before the last `synced` line is on disk by the next; from there on, the first state with that vote
is the least that is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from checkers.raft.facts.compact import NONE, Firsts, MessageIds
from checkers.raft.facts.entries import (
    EMPTY,
    CommitClaims,
    Entries,
    EventPlace,
    Journal,
    Placements,
    place_of,
)
from checkers.raft.facts.state_order import AppliedEntries, StateOrder
from history import NodeTrace, TraceEntry, TraceEvent

Log = list[int]
"""The numbers of the entries from index 1 on; NONE where it is not known which entry it is."""

SHOWS_TERM = frozenset({"RequestVote", "RequestVoteReply", "AppendEntriesReply"})
SHOWS_VOTE = "RequestVoteReply"


class Election(NamedTuple):
    """A node became leader; the journal has a mark of its log at that moment."""

    event: TraceEvent
    covered: int
    """Up to this index a snapshot covers entries that are not known."""


class SnapshotHeld(NamedTuple):
    """A node took, installed or recovered a snapshot; or it ended in order and traced its final state."""

    event: TraceEvent
    up_to: int
    last: TraceEntry | None
    """The last included entry, if the event names it."""


class Truncation(NamedTuple):
    """Entries were removed from the end of a log."""

    event: TraceEvent
    first: int
    """The lowest index removed."""
    removed: list[int]
    """The numbers of the removed entries; NONE where it is not known which it was."""
    commit_before: int


class Acknowledgement(NamedTuple):
    """A node answered a client that its write is done."""

    event: EventPlace
    position: int
    """The event's position among all events of the node."""
    at_index: int
    op: str | None
    by_leader: bool
    held: int
    """The number of the entry in the node's own log at that index; NONE if there is none, if it is not known,
    or if it need not be the entry that was acknowledged."""


class DurableLoss(NamedTuple):
    """A life began with a shorter log than an earlier life had on disk."""

    event: TraceEvent
    promised: int
    promise: TraceEvent


class HardStateLoss(NamedTuple):
    """A life began with an older term than was on disk, or in the same term with another vote."""

    event: TraceEvent
    term: int
    vote: str | None
    promise: TraceEvent


MOST_UNKNOWN_ENTRIES = 1 << 24
"""How many entries that no line names are kept, for all nodes: some hundred megabytes."""
MOST_REPLACED_LOGS = 64
"""Logs before a truncation that a restart may bring back, of one node; after more, its log is not known."""


class TooMuchUnknownError(Exception):
    """The traces claim more entries than they name."""


class Common:
    """Facts that the replays of all nodes share."""

    def __init__(self, received: MessageIds) -> None:
        self.received = received
        self.unknown_entries = 0
        """How many entries were put into logs without being known."""
        self.entries = Entries()
        self.placements = Placements(self.entries)
        self.claims = CommitClaims(self.entries)
        self.applied = AppliedEntries(self.entries)


@dataclass
class NodeFacts:
    """What one node did, in order."""

    trace: NodeTrace
    journal: Journal = field(default_factory=Journal)
    elections: list[Election] = field(default_factory=list)
    truncations: list[Truncation] = field(default_factory=list)
    refused_cuts: list[TraceEvent] = field(default_factory=list)
    """Where the node was to truncate what it had committed, and refused."""
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    snapshots: list[SnapshotHeld] = field(default_factory=list)
    durable_losses: list[DurableLoss] = field(default_factory=list)
    hard_state_losses: list[HardStateLoss] = field(default_factory=list)
    durable_votes: list[tuple[int, str, TraceEvent]] = field(default_factory=list)
    """Term, vote, and the event that proves that they are on disk."""
    rare: list[TraceEvent] = field(default_factory=list)
    """Events that are kept: restarts, terms, votes and configurations; answers to candidates, and the first
    message of each term that shows the term, if a node received them; events that prove a vote to be on disk;
    events at which the term went back."""
    term_fell: dict[tuple[int, int], TraceEvent] = field(default_factory=dict)
    """By (life, seq) of an event with a lower term than the event before it: that earlier event."""
    led: dict[int, TraceEvent] = field(default_factory=dict)
    """By term: the first event at which the node was leader in it."""
    led_with: dict[int, set[frozenset[str]]] = field(default_factory=dict)
    """By term: the sets of voters in force while the node led."""
    restarts: int = 0
    """The number of lives after the first."""
    highest_term: int = 0
    orders: StateOrder = field(default_factory=StateOrder)
    held_from: Firsts = field(default_factory=Firsts)
    """By entry: the position of the first event at which the log held it."""
    synced_from: Firsts = field(default_factory=Firsts)
    """By entry: the position of the first event that proves it to be on disk."""
    perhaps_synced: set[int] = field(default_factory=set)
    """Entries that a restart may or may not have recovered."""
    inconsistencies: list[str] = field(default_factory=list)
    """Contradictions inside the trace, in words; each counts as a gap."""


class _HardState(NamedTuple):
    term: int
    vote: str | None


NOT_STATE = frozenset({"send", "receive", "apply", "configuration"})
"""Events that change neither log nor hard state."""
RARE = frozenset({"restart", "term", "vote", "configuration"})


class _Replay:
    def __init__(self, trace: NodeTrace, common: Common) -> None:
        self.facts = NodeFacts(trace)
        self._common = common
        self._log: Log = []
        self._covered = 0  # up to here a snapshot stands for what is not known in the log
        self._durable = 0  # the log up to here is promised to be on disk
        self._durable_by: TraceEvent | None = None
        self._replaced: list[tuple[Log, int]] = []  # (log before an unsynced truncation, durable then)
        self._forgot_replaced = False  # there were more of them than are kept
        self._life = 0
        self._unsynced_cut: int | None = None
        self._hard_states: list[_HardState] = [_HardState(0, None)]  # the first is known to be on disk
        self._hard_by: TraceEvent | None = None
        self._at_last_sync = 0  # index into _hard_states
        self._commit = 0
        self._role = "follower"
        self._shown_term = -1  # the newest term that another node knows of
        self._voters: frozenset[str] | None = None
        self._led_term = -1  # this and the next: at the last event at which it led
        self._led_by: frozenset[str] | None = None

    def run(self) -> NodeFacts:
        """Follow the trace; up to the event at which it claims too much."""
        try:
            return self._follow()
        except TooMuchUnknownError:
            self.facts.inconsistencies.insert(
                0,
                f"{self.facts.trace.node} claims more log entries than the traces name; "
                f"it was followed up to life {self._life}",
            )
            return self.facts

    def _follow(self) -> NodeFacts:
        facts, orders = self.facts, self.facts.orders
        before: TraceEvent | None = None
        for position, event in enumerate(facts.trace.events):
            name, term = event.event, event.term
            if before is not None and term < before.term and before.life == event.life:
                facts.term_fell[event.life, event.seq] = before
                self._keep(event)
            if name == "send":
                if event.message in SHOWS_TERM:
                    self._sent(event)
            elif name in RARE:
                self._keep(event)
            elif name == "apply":
                self._common.applied.see(event, orders)
            if name not in NOT_STATE:
                if before is not None:
                    self._commit, self._role, self._life = before.commit, before.role, before.life
                self._step(position, event)
            if event.role == "leader" and (term != self._led_term or self._voters is not self._led_by):
                self._lead(event)
            is_same_state = (
                (name == "send" or name == "receive")
                and before is not None
                and before.life == event.life
                and before.commit <= event.commit <= event.last
                and before.applied <= event.applied <= event.commit
            )
            if not is_same_state:
                orders.see(before, event)
            before = event
        return facts

    def _keep(self, event: TraceEvent) -> None:
        rare = self.facts.rare
        if not rare or rare[-1] is not event:
            rare.append(event)
        if event.event == "restart":
            self.facts.restarts += event.life > 1
            self._voters = None
            if event.term < self._shown_term:
                self._shown_term = -1
        elif event.event == "configuration" and event.members:
            self._voters = frozenset(event.members)

    def _sent(self, event: TraceEvent) -> None:
        message = event.message
        is_first_word = message in SHOWS_TERM and event.term > self._shown_term
        if (is_first_word or message == SHOWS_VOTE) and event.message_id in self._common.received:
            self._keep(event)
            self._shown_term = max(self._shown_term, event.term)

    def _lead(self, event: TraceEvent) -> None:
        self._led_term, self._led_by = event.term, self._voters
        self.facts.led.setdefault(event.term, event)
        if self._voters is not None:
            self.facts.led_with.setdefault(event.term, set()).add(self._voters)

    def _step(self, position: int, event: TraceEvent) -> None:
        self.facts.highest_term = max(self.facts.highest_term, event.term)
        match event.event:
            case "restart":
                self._restart(position, event)
            case "term":
                self._hard_states.append(_HardState(event.term, None))
            case "vote":
                self._hard_states.append(_HardState(event.term, event.vote))
            case "role":
                if event.role == "leader" and self._role != "leader":
                    self.facts.elections.append(Election(event, self._covered))
                    self.facts.journal.mark()
            case "append":
                self._append(position, event)
            case "truncate":
                self._truncate(event)
            case "refuse" if event.index is not None:
                self.facts.refused_cuts.append(event)
            case "synced":
                self._synced(position, event)
            case "commit":
                self._commit_to(event)
            case "acknowledge":
                self._acknowledge(position, event)
            case "snapshot":
                self._snapshot(event)
            case "stop" if event.index is not None and event.digest is not None:
                self.facts.snapshots.append(SnapshotHeld(event, event.index, None))
        self._hold_against(event)

    # ---- the log -----------------------------------------------------------------------------------------

    def _put(self, number: int) -> None:
        self._log.append(number)
        self.facts.journal.put(number)

    def _cut(self, length: int) -> None:
        if length < len(self._log):
            del self._log[length:]
            self.facts.journal.cut(length)

    def _replace(self, log: Log) -> None:
        self._count_unknown(len(log))
        self._log = log
        self.facts.journal.replace(log)

    def _count_unknown(self, entries: int) -> None:
        self._common.unknown_entries += entries
        if self._common.unknown_entries > MOST_UNKNOWN_ENTRIES:
            raise TooMuchUnknownError

    def _keep_replaced(self) -> None:
        """Note that the log as it is may come back, although it is about to be cut or replaced."""
        if len(self._replaced) < MOST_REPLACED_LOGS:
            self._replaced.append((list(self._log), self._durable))
        else:
            self._forgot_replaced = True

    def _forget_replaced(self) -> None:
        self._replaced, self._unsynced_cut, self._forgot_replaced = [], None, False

    def _hold_against(self, event: TraceEvent) -> None:
        """Compare the log's length in the event with that of the rebuilt log."""
        if event.last != len(self._log):
            self._doubt(
                event, f"says that the log ends at {event.last}, but by its trace it ends at {len(self._log)}"
            )
            self._make_long(event.last)
            self._durable = min(self._durable, event.last)

    def _make_long(self, length: int) -> None:
        """Cut the log to a length, or lengthen it with entries that are not known."""
        self._cut(length)
        more = length - len(self._log)
        self._count_unknown(more)
        self._log += [NONE] * more
        self.facts.journal.put_unknown(more)

    def _doubt(self, event: TraceEvent, what: str) -> None:
        self.facts.inconsistencies.append(
            f"{event.node}, life {event.life}, seq {event.seq} ({event.event}): {what}"
        )

    def _append(self, position: int, event: TraceEvent) -> None:
        entries, placements = self._common.entries, self._common.placements
        for entry in event.entries:
            if not 1 <= entry.index <= event.last:
                self._doubt(event, f"appends index {entry.index} to a log that ends at {event.last} then")
                break
            if entry.index != len(self._log) + 1:
                self._doubt(event, f"appends index {entry.index} to a log that ends at {len(self._log)}")
                self._make_long(entry.index - 1)
            number = entries.number(entry)
            placements.put(number, entry, self._log[-1] if self._log else EMPTY, event)
            self._put(number)
            self.facts.held_from.first(number, position)

    def _truncate(self, event: TraceEvent) -> None:
        index = max(1, event.index if event.index is not None else event.last + 1)
        removed = self._log[index - 1 :]
        self.facts.truncations.append(Truncation(event, index, removed, self._commit))
        self._keep_replaced()
        self._unsynced_cut = index if self._unsynced_cut is None else min(index, self._unsynced_cut)
        self._cut(index - 1)
        self._durable = min(self._durable, index - 1)

    def _snapshot(self, event: TraceEvent) -> None:
        """A snapshot that the node took changes nothing; one that it installed may replace the log.

        If a node kept less of its log than it should have, the rest counts as a truncation.
        """
        index = event.index or 0
        last = event.entries[-1] if event.entries else None
        if index > event.last:
            self._doubt(event, f"has a snapshot up to {index}, beyond the end of the log")
            return
        self.facts.snapshots.append(SnapshotHeld(event, index, last))
        if event.peer is None:
            return
        own = self._log[index - 1] if 1 <= index <= len(self._log) else NONE
        number = NONE if last is None else self._common.entries.number(last)
        goes_on = own not in (NONE, EMPTY) and own == number
        if goes_on and event.last == len(self._log):
            return
        first = event.last + 1 if goes_on else index + 1
        removed = self._log[first - 1 :]
        if removed:
            self.facts.truncations.append(Truncation(event, first, removed, self._commit))
        self._keep_replaced()
        self._unsynced_cut = index if self._unsynced_cut is None else min(index, self._unsynced_cut)
        self._durable = min(self._durable, self._commit)
        if goes_on:
            self._cut(event.last)
        else:
            self._replace([*[NONE] * (index - 1), number][:index])
        self._covered = max(self._covered, index)

    # ---- the disk ----------------------------------------------------------------------------------------

    def _synced(self, position: int, event: TraceEvent) -> None:
        if event.index is not None:
            if event.index > len(self._log):
                self._doubt(event, f"says that index {event.index} is on disk, beyond the end of the log")
            index = min(event.index, len(self._log))
            self._on_disk(position, self._durable, index)
            if index >= self._durable:
                self._durable, self._durable_by = index, event
            if self._unsynced_cut is not None and index >= self._unsynced_cut:
                self._forget_replaced()
        since = self._at_last_sync
        votes = [state.vote for state in self._hard_states[since:]]
        proved = since + votes.index(event.vote) if event.vote in votes else since
        self._hard_states = self._hard_states[proved:]
        self._hard_by = event
        self._at_last_sync = len(self._hard_states) - 1
        self._note_durable_vote(event)

    def _on_disk(self, position: int, start: int, end: int) -> None:
        """The entries above index `start`, up to `end`, are proved to be on disk."""
        for number in self._log[start:end]:
            if number != NONE:
                self.facts.synced_from.first(number, position)

    def _note_durable_vote(self, event: TraceEvent) -> None:
        state = self._hard_states[0]
        known = self.facts.durable_votes
        if state.vote is not None and (not known or known[-1][:2] != state):
            known.append((state.term, state.vote, event))
            if event.event == "synced":  # a restart is kept anyway
                self._keep(event)

    def _restart(self, position: int, event: TraceEvent) -> None:
        self._commit, self._role = 0, "follower"
        self._covered = event.index or 0
        if event.index is not None:
            is_last = bool(event.entries) and event.entries[-1].index == event.index
            self.facts.snapshots.append(
                SnapshotHeld(event, event.index, event.entries[-1] if is_last else None)
            )
        self._recover_hard_state(event)
        proved = self._durable
        if not self.facts.trace.is_whole_between(self._life, event.life):
            self._replace([NONE] * event.last)
        else:
            if event.last < self._durable and self._durable_by is not None:
                self.facts.durable_losses.append(DurableLoss(event, self._durable, self._durable_by))
            proved = self._recover_log(event)
        self._forget_replaced()
        self._durable, self._durable_by = event.last, event
        self._on_disk(position, proved, len(self._log))

    def _recover_log(self, event: TraceEvent) -> int:
        """Set the log to what was on disk; returns the index up to which that was proved before."""
        last = event.last
        if self._forgot_replaced:
            self._doubt(event, "follows more truncations than are kept, so its log is not known")
            self._replace([NONE] * last)
            return self._durable
        candidates = [(self._log, 0, self._durable), *((log, least, least) for log, least in self._replaced)]
        fitting = [
            (log, proved, at)
            for at, (log, least, proved) in enumerate(candidates)
            if least <= last <= len(log)
        ]
        if event.entries and last:  # the recovered last entry, if the node names it
            named = self._common.entries.number(event.entries[-1])  # equal ones stand upon equal logs
            fitting = [found for found in fitting if found[0][last - 1] == named] or fitting
        if not fitting:
            if last > len(self._log):
                self._doubt(
                    event, f"recovers a log up to {last}, but its trace goes only up to {len(self._log)}"
                )
            self._make_long(last)
            return self._durable
        proved = min(proved for _, proved, _ in fitting)
        if len(fitting) == 1:
            log, _, at = fitting[0]
            if at == 0:
                self._cut(last)
            else:
                self._replace(log[:last])
            return proved
        logs = [log[:last] for log, _, _ in fitting]
        first, *others = logs
        recovered = [
            number if all(log[at] == number for log in others) else NONE for at, number in enumerate(first)
        ]
        for log in logs:
            self.facts.perhaps_synced.update(
                number for number, sure in zip(log, recovered, strict=True) if number != NONE and sure == NONE
            )
        self._replace(recovered)
        return proved

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

    # ---- what is done with it ------------------------------------------------------------------------------

    def _commit_to(self, event: TraceEvent) -> None:
        claims = self._common.claims
        for number in self._log[self._commit : event.commit]:
            if number != NONE:
                claims.add(number, event)

    def _acknowledge(self, position: int, event: TraceEvent) -> None:
        index = event.index or 0
        held = self._log[index - 1] if 1 <= index <= len(self._log) else NONE
        op = event.op
        if held != NONE and self._common.entries.all[held].op == op:
            op = self._common.entries.all[held].op  # the same string, held once
            if event.role == "leader":  # a follower may hear of it terms later, and not know that
                self._common.claims.add(held, event)
        is_leader = event.role == "leader"
        if not is_leader and index > event.commit:
            # The entry may be the same write as this node proposed when it led: the client repeated the write
            # to the leader of a later term, which may have put it at that index again.
            held = NONE
        self.facts.acknowledgements.append(
            Acknowledgement(place_of(event), position, index, op, is_leader, held)
        )


def replay(trace: NodeTrace, common: Common) -> NodeFacts:
    """The facts of one node."""
    return _Replay(trace, common).run()
