"""The refinement map: each event of a node's trace to the specification's actions (docs/conformance.md).

One `Refinement` follows one node. Its server `i` holds the specification's variables. `step` takes the next
event, finds the actions that it stands for, and carries them out: the guards are checked with the variables
as they were, and with the message that was received last. Then the node's state in the event must be the
state after these actions.

If a guard fails, that is an `IllegalStep`, and the server goes on with the state that the node traced. So one
violation does not hide the next, and what only follows from a violation is not reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from checkers.raft.conformance import extensions as extra
from checkers.raft.conformance import spec
from checkers.raft.conformance.disk import TracedDisk
from checkers.raft.conformance.spec import (
    CANDIDATE,
    LEADER,
    Entry,
    Extra,
    GuardFailed,
    Message,
    Server,
    Unsure,
)
from checkers.raft.conformance.words import said_by, words_of
from checkers.raft.facts.compact import MessageIds
from history import NodeTrace, TraceEntry, TraceEvent

WITHOUT_CHECK_OF_STATE = frozenset({"configuration", "restart"})
"""A node uses a configuration before it has traced the snapshot that brought it, within one step."""


MOST_ADOPTED_ENTRIES = 1 << 22
"""After illegal steps that changed this many entries of a node's log, the node is not followed any more."""


class Bag:
    """The specification's variable `messages`: by id, as long as some node will still receive them.

    Args:
        receipts: the ids of all messages that are received, each as often as it is.
    """

    def __init__(self, receipts: MessageIds) -> None:
        self.messages: dict[str, Message | None] = {}
        self._receipts = receipts
        self._received = receipts.as_it_is()
        self._claims: dict[str, extra.Claim] = {}

    def put(self, message_id: str, m: Message | None) -> None:
        """Add a message that is sent; None if the trace does not show its content."""
        if message_id in self._received:
            self.messages[message_id] = m

    def claim(self, message_id: str, claim: extra.Claim) -> None:
        """Note what a message in the bag says is committed."""
        if message_id in self.messages:
            self._claims[message_id] = claim

    def take(self, message_id: str) -> tuple[Message | None, extra.Claim | None]:
        """Take one that is received, None if its content is not known; and what it says is committed."""
        m, claim = self.messages.get(message_id), self._claims.get(message_id)
        if self._receipts.take(message_id):
            self.messages.pop(message_id, None)
            if claim is not None:
                del self._claims[message_id]
        return m, claim


class IllegalStep(NamedTuple):
    """A step that is no action of the specification."""

    event: TraceEvent
    action: str
    guard: str
    before: str
    after: str
    message: str
    """The message in hand, in words; empty if there is none."""


@dataclass
class Refinement:
    """One node's steps as actions.

    Args:
        i: its variables, at Init.
        trace: what it traced, which knows what is missing.
        bag: every message sent so far, by whomever.
        interned: every entry that some trace names, once.
        hold: called with the id of a message that waits for the disk.
        release: called with the ids of messages that leave now.
        never_left: called with the ids of messages that a kill took before they left.
    """

    i: Server
    trace: NodeTrace
    bag: Bag
    interned: dict[Entry, Entry]
    hold: Callable[[str, TraceEvent], None]
    release: Callable[[Iterable[str]], None]
    never_left: Callable[[Iterable[str]], None]
    disk: TracedDisk = field(default_factory=TracedDisk)
    refused: list[IllegalStep] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)
    """How often each action was taken."""

    _m: Message | None = None
    """The message in hand; None: there is none."""
    _m_is_unknown: bool = False
    """There is a message, but the trace does not show its content."""
    _claim: extra.Claim | None = None
    """What the message in hand says is committed."""
    _received_at: int = -1
    """When the message in hand was received, by the node's clock."""
    _own_vote: int | None = None
    """Of a candidate: the number, on its disk, of the state in which it has voted for itself."""
    _standing: bool = False
    """A Timeout whose vote for itself is still to come."""
    _whole: dict[int, int] = field(default_factory=dict)
    """Of each snapshot sent in this term, by its index: how many bytes it has."""
    _has_begun: bool = False
    _adopted: int = 0
    """How many entries of logs were looked at to go on after illegal steps."""
    _life: int = 0
    """The life that is being followed; 0: none yet."""

    def __post_init__(self) -> None:
        self._handlers: dict[str, Callable[[TraceEvent, TraceEvent | None], None]] = {
            "restart": self._restart,
            "term": self._term,
            "vote": self._vote,
            "role": self._role,
            "append": self._append,
            "truncate": self._truncate,
            "synced": self._synced,
            "commit": self._commit,
            "apply": self._apply,
            "snapshot": self._snapshot,
            "configuration": self._configuration,
            "send": self._send,
            "receive": self._receive,
        }

    def step(self, event: TraceEvent, following: TraceEvent | None) -> None:
        """Take the actions that one event stands for; `following` is the node's next event, if any."""
        if self._adopted > MOST_ADOPTED_ENTRIES:
            self._pass_over(event)
            return
        i = self.i
        name = event.event
        handler = self._handlers.get(name)
        try:
            if handler is not None:
                handler(event, following)
            if (
                event.term != i.current_term
                or event.commit != i.commit_index
                or event.last != len(i.log)
                or (event.role == LEADER) != (i.state == LEADER)
            ) and name not in WITHOUT_CHECK_OF_STATE:
                raise GuardFailed("Next", "some action changes currentTerm, state, log or commitIndex so")
        except GuardFailed as refused:
            before, message = words_of(i), "" if self._m is None else said_by(self._m)
            self._adopt(event)
            if self._m_is_unknown:
                self.doubts.append(f"{i.name} received a message whose content the trace does not show")
            else:
                self.refused.append(
                    IllegalStep(event, refused.action, refused.guard, before, words_of(i), message)
                )
        except Unsure as unsure:
            self.doubts.append(str(unsure))
            self._adopt(event)

    # ---- terms, votes, roles -------------------------------------------------------------------------

    def _term(self, event: TraceEvent, following: TraceEvent | None) -> None:
        """UpdateTerm; or Timeout, if the node's vote for itself follows, or no message explains the term."""
        i, m = self.i, self._m
        votes_for_itself = (
            following is not None
            and following.event == "vote"
            and following.vote == i.name
            and following.life == event.life
        )
        is_told = m is not None and m.term == event.term
        if self._m_is_unknown and not votes_for_itself:
            self.doubts.append(f"{i.name} received a message whose content the trace does not show")
            i.current_term, i.state, i.voted_for = event.term, event.role, None
            self._standing = event.role == CANDIDATE
        elif event.term == i.current_term + 1 and (votes_for_itself or not is_told):
            spec.timeout(i)
            self.actions["Timeout"] += 1
            self._standing = True
        elif m is None:
            raise GuardFailed("UpdateTerm", "m \\in DOMAIN messages, m.mterm = currentTerm'[i]")
        else:
            spec.update_term(i, m, event.term)
            self.actions["UpdateTerm"] += 1
            self._standing = False
        self._term_began()

    def _term_began(self) -> None:
        self._own_vote = None
        self._whole = {}
        self.disk.changed(self.i)

    def _vote(self, event: TraceEvent, _: TraceEvent | None) -> None:
        i = self.i
        if event.vote == i.name and self._standing:  # RequestVote(i, i), and its handling
            i.voted_for = i.name
            self._standing = False
            self.disk.changed(i)
            self._own_vote = self.disk.newest
            return
        m = self._m
        if not isinstance(m, spec.RequestVoteRequest) or m.source != event.vote:
            raise GuardFailed("HandleRequestVoteRequest", "m \\in DOMAIN messages, m.msource = votedFor'[i]")
        spec.grant_vote(i, m)
        self.disk.changed(i)
        self.actions["HandleRequestVoteRequest"] += 1

    def _role(self, event: TraceEvent, _: TraceEvent | None) -> None:
        i, m = self.i, self._m
        if event.role == LEADER:
            spec.become_leader(i)
            self.actions["BecomeLeader"] += 1
        elif event.role == CANDIDATE:
            if i.state == LEADER:
                raise GuardFailed("PreCandidate", "state[i] \\in {Follower, Candidate}")
            self.actions["PreCandidate"] += i.state != CANDIDATE
        elif i.state == CANDIDATE and isinstance(m, spec.AppendEntriesRequest) and m.term == i.current_term:
            spec.return_to_follower(i)
        else:
            extra.step_down(i)
            self.actions["StepDown"] += 1

    # ---- log and commitIndex ---------------------------------------------------------------------------

    def _entry(self, row: TraceEntry) -> Entry:
        entry = (row.term, row.hash)
        return self.interned.setdefault(entry, entry)

    def _append(self, event: TraceEvent, _: TraceEvent | None) -> None:
        i, rows = self.i, event.entries
        if i.state == LEADER:
            for row in rows:
                spec.client_request(i, row.index, self._entry(row))
            self.actions["ClientRequest"] += len(rows)
        elif rows:
            spec.accept_entries(i, self._m, rows[0].index, [self._entry(row) for row in rows])
            self.actions["HandleAppendEntriesRequest"] += len(rows)

    def _truncate(self, event: TraceEvent, _: TraceEvent | None) -> None:
        i, index = self.i, event.index or event.last + 1
        log, durable = list(i.log), i.own_durable
        spec.remove_conflict(i, self._m, index)
        self.disk.before_cut(log, max(durable, i.covered), index)
        i.own_durable = min(durable, index - 1)
        self.actions["HandleAppendEntriesRequest"] += len(log) - len(i.log)

    def _commit(self, event: TraceEvent, _: TraceEvent | None) -> None:
        if self.i.state == LEADER:
            spec.advance_commit_index(self.i, event.commit)
            self.actions["AdvanceCommitIndex"] += 1
        elif self._claim is not None and not isinstance(self._m, spec.AppendEntriesRequest):
            extra.learn_commit(self.i, self._claim, event.commit)
            self.actions["LearnCommit"] += 1
        else:
            spec.take_commit_index(self.i, self._m, event.commit)
            self.actions["HandleAppendEntriesRequest"] += 1

    # ---- disk ------------------------------------------------------------------------------------------

    def _synced(self, event: TraceEvent, _: TraceEvent | None) -> None:
        """Nothing, but that a candidate's own vote arrives: HandleRequestVoteResponse(i, i).

        Another step has begun, but at the instant of the receipt: a node that hands its writes to the kernel
        does so amid a step. (To take the message in hand once more would be DuplicateMessage.)
        """
        i = self.i
        if event.at != self._received_at:
            self._m, self._m_is_unknown, self._claim = None, False, None
        free = self.disk.synced(i, event)
        if free:
            self.release(free)
        if self._own_vote is not None and self.disk.has(i, 0, self._own_vote):
            spec.take_vote(i, spec.RequestVoteResponse(i.name, i.current_term, True))
            self._own_vote = None

    def _restart(self, event: TraceEvent, _: TraceEvent | None) -> None:
        i = self.i
        last = self._entry(event.entries[-1]) if event.entries else None
        is_first, self._has_begun = not self._has_begun, True
        self._m, self._m_is_unknown, self._claim = None, False, None
        if is_first and event.life == 1 and not event.last:
            log: list[Entry | None] = []
        elif is_first or not self.trace.is_whole_between(self._life, event.life) or self.disk.forgot:
            log = [*[None] * (event.last - 1), last][: event.last]  # Init, or what a gap hides: any state
        else:
            log = self.disk.recovered(i, event, last)
            if event.commit > (event.index or 0):
                extra.restore_commit_index(i, event.commit, event.last)
                self.actions["RestoreCommitIndex"] += 1
            self.actions["Restart"] += 1
        self._life = event.life
        self._begin_life(event, log)

    def _begin_life(self, event: TraceEvent, log: list[Entry | None]) -> None:
        extra.begin_life(self.i, event.term, event.vote, log, event.index or 0, event.commit)
        lost = self.disk.restarted(self.i)
        self._own_vote, self._standing, self._whole = None, False, {}
        self.never_left(lost)

    # ---- beyond the specification ------------------------------------------------------------------------

    def _apply(self, event: TraceEvent, _: TraceEvent | None) -> None:
        rows = event.entries
        first = rows[0].index if rows else event.applied + 1
        extra.apply_entries(self.i, event.applied, first, [(row.term, row.hash) for row in rows])

    def _snapshot(self, event: TraceEvent, _: TraceEvent | None) -> None:
        i, index = self.i, event.index or 0
        if event.peer is None:
            extra.take_snapshot(i, index)
            self.actions["TakeSnapshot"] += 1
            return
        last = self._entry(event.entries[-1]) if event.entries else None
        log, durable, commit, least = i.log, i.own_durable, i.commit_index, max(i.own_durable, i.covered)
        extra.install_snapshot(i, self._m, event.peer, index, last, event.last)
        if i.log is not log:
            self.disk.before_cut(log, least, commit + 1)
            i.own_durable = min(durable, commit)
        self.actions["InstallSnapshot"] += 1

    def _configuration(self, event: TraceEvent, _: TraceEvent | None) -> None:
        extra.reconfigure(self.i, event.members or ())

    # ---- messages --------------------------------------------------------------------------------------

    def _send(self, event: TraceEvent, _: TraceEvent | None) -> None:
        message_id, m = event.message_id, None
        if message_id is None:
            self.doubts.append(f"{self.i.name} sent a message without an id")
            return
        try:
            m = self._sent(event)
        finally:  # without content if a guard fails for it
            self.bag.put(message_id, m)
        if event.committed:
            self.bag.claim(message_id, extra.claimed(self.i, event.committed))
        elif isinstance(m, Extra) and m.kind == "InstallSnapshot":
            self.bag.claim(message_id, extra.Claim(m.index, m.last))

    def _sent(self, event: TraceEvent) -> Message | None:
        """The RequestVote, AppendEntries or reply that is sent, if the trace shows its content."""
        i, m, to, index, ok = self.i, self._m, event.peer or "", event.index, event.ok
        term = event.term if event.of_term is None else event.of_term
        promised = 0
        sent: Message
        match event.message:
            case "AppendEntries" if index is not None:
                self.actions["AppendEntries"] += 1
                return spec.append_entries(i, to, term, index, event.count, event.commit)
            case "AppendEntriesReply" if index is not None and ok is not None:
                if self._m_is_unknown:
                    sent = spec.AppendEntriesResponse(i.name, term, ok, index)
                elif ok and extra.may_answer_committed(i, to, m, index):
                    sent = extra.answer_committed(i, term, index)
                else:
                    sent = spec.reply_entries(i, to, term, ok, index, m)
                promised = index if ok else 0
                self.actions["HandleAppendEntriesRequest"] += 1
            case "RequestVote" if index is not None:
                sent = spec.request_vote(i, term, index)
                self.actions["RequestVote"] += 1
            case "RequestVoteReply" if ok is not None:
                if self._m_is_unknown:
                    sent = spec.RequestVoteResponse(i.name, term, ok)
                else:
                    sent = spec.reply_vote(i, to, term, ok, m)
            case "InstallSnapshot" if index is not None:
                self._whole[index] = event.count
                self.actions["SendSnapshot"] += 1
                return extra.send_snapshot(i, term, index, event.count)
            case "InstallSnapshotReply" if index is not None:
                sent = extra.reply_snapshot(i, term, index, event.count, m)
                is_whole = isinstance(m, Extra) and event.count >= m.count
                promised = min(index, i.commit_index) if is_whole else 0
            case "AppendEntries" | "AppendEntriesReply" | "RequestVote" | "RequestVoteReply":
                return None
            case "InstallSnapshot" | "InstallSnapshotReply":
                return None
            case kind:
                return Extra(i.name, term, kind or "", 0, 0)
        if not self.disk.has(i, promised, self.disk.newest) and self.trace.is_whole(event.life):
            self.disk.hold(event.message_id or "", promised)
            self.hold(event.message_id or "", event)
        return sent

    def _receive(self, event: TraceEvent, _: TraceEvent | None) -> None:
        i = self.i
        m, self._claim = self.bag.take(event.message_id or "")
        self._received_at = event.at
        self._m, self._m_is_unknown = m, m is None
        if m is None:
            self._take_unknown(event)
        elif isinstance(m, spec.AppendEntriesResponse):
            spec.take_match(i, m)
            self.actions["HandleAppendEntriesResponse"] += 1
        elif isinstance(m, spec.RequestVoteResponse):
            spec.take_vote(i, m)
            self.actions["HandleRequestVoteResponse"] += 1
        elif isinstance(m, Extra) and m.kind == "InstallSnapshotReply":
            extra.take_snapshot_ack(i, m, self._whole.get(m.index))

    def _take_unknown(self, event: TraceEvent) -> None:
        """Of a message that is not known, the best is assumed: nothing may be refused on its account."""
        i, source = self.i, event.peer or ""
        self.doubts.append(f"the content of {source}'s {event.message} {event.message_id} is not known")
        if event.message == "RequestVoteReply":
            spec.take_vote(i, spec.RequestVoteResponse(source, i.current_term, True))
        elif event.message in ("AppendEntriesReply", "InstallSnapshotReply"):
            spec.take_match(i, spec.AppendEntriesResponse(source, i.current_term, True, len(i.log)))

    def _pass_over(self, event: TraceEvent) -> None:
        """Take a step that is not judged: messages go their way, with a content that is not known."""
        if event.message_id is not None and event.event == "send":
            self.bag.put(event.message_id, None)
        elif event.message_id is not None and event.event == "receive":
            self.bag.take(event.message_id)

    # ---- after a refusal ---------------------------------------------------------------------------------

    def _adopt(self, event: TraceEvent) -> None:
        """Go on with the state that the node traced."""
        i = self.i
        self._adopted += max(len(i.log), event.last)
        if self._adopted > MOST_ADOPTED_ENTRIES:
            self.doubts.append(
                f"{i.name} contradicted its trace so often that it was not followed to its end"
            )
        if event.event == "restart":
            last = self._entry(event.entries[-1]) if event.entries else None
            log = list(i.log[: event.last])
            log += [None] * (event.last - len(log))
            if log and log[-1] != last:
                log[-1] = last
            self._begin_life(event, log)
            return
        if event.event == "append":
            for row in event.entries:
                if not 1 <= row.index <= event.last:
                    break  # the log cannot be that long: the next lines will not fit either
                i.log[row.index - 1 :] = [None] * max(0, row.index - 1 - len(i.log))
                i.log.append(self._entry(row))
        elif event.event == "snapshot" and event.peer is not None:
            i.snapshot_index = i.covered = event.index or 0
        if (i.current_term, i.voted_for) != (event.term, i.voted_for) or event.event == "vote":
            is_new = event.term != i.current_term
            i.current_term = event.term
            i.voted_for = event.vote if event.event == "vote" else None if is_new else i.voted_for
            self.disk.changed(i)
            if is_new:
                self._own_vote, self._whole = None, {}
        i.state = event.role if event.role == LEADER or i.state == LEADER else i.state
        i.commit_index, i.last_applied = event.commit, event.applied
        if len(i.log) > event.last:
            self.disk.before_cut(list(i.log), i.own_durable, event.last + 1)
            del i.log[event.last :]
        i.log += [None] * (event.last - len(i.log))
        i.own_durable = min(i.own_durable, event.last)
        i.covered = min(i.covered, event.last)
