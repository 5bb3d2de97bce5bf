"""Raft's specification as next-state actions, to be read beside its TLA+ (Ongaro's `raft.tla`).

Names are the specification's, in Python's spelling: `current_term[i]` is `i.current_term`. An action is a
function of one server: its guards first, each a `need` with the words for a violation, then
the new values. What a guard refuses raises `GuardFailed`, before anything has changed. Server `i` is the one
that acts, `j` another; `m` is a message with the fields that the specification gives it, without their `m`.

Written out as in TLA+, but for this:

- `messages` is a bag of values there. Here each message has an identity, so receiving one twice is
  DuplicateMessage before it, and one that is never received stays in the bag, or is dropped: both always
  enabled, and without effect on any server. `order.py` keeps the bag itself.
- AppendEntries carries one entry at most there. `accept_entries` takes a message of k entries as k of one
  each, delivered in order, every one by the specification's three cases (already done, conflict, append).
- A follower's commitIndex may fall there, "but that doesn't really affect anything": here it never does.
- matchIndex never falls (see `take_match`). What else is beyond the specification is in `extensions.py`.

A log entry is a pair (term, value); `None` stands for one that is not known, and a guard that would have
to look at it raises `Unsure`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

Entry = tuple[int, str]
"""(term, value)."""

FOLLOWER, CANDIDATE, LEADER = "follower", "candidate", "leader"


class GuardFailed(Exception):
    """A guard does not hold: the step is none of this action's."""

    def __init__(self, action: str, guard: str) -> None:
        super().__init__(f"{action}: {guard}")
        self.action = action
        self.guard = guard


class Unsure(Exception):
    """A guard asks for what the trace does not tell."""


def need(holds: bool, action: str, guard: str) -> None:
    """Check a guard; raises `GuardFailed` if it does not hold."""
    if not holds:
        raise GuardFailed(action, guard)


# ---- messages ------------------------------------------------------------------------------------------


class RequestVoteRequest(msgspec.Struct, frozen=True, gc=False):
    """A candidate's request to all other servers."""

    source: str
    term: int
    last_log_term: int
    last_log_index: int


class RequestVoteResponse(msgspec.Struct, frozen=True, gc=False):
    """A reply to a request for a vote, granted or not."""

    source: str
    term: int
    vote_granted: bool


class AppendEntriesRequest(msgspec.Struct, frozen=True, gc=False):
    """Entries from a leader to one follower."""

    source: str
    term: int
    prev_log_index: int
    prev_log_term: int
    entries: Sequence[Entry]
    commit_index: int

    @property
    def last(self) -> int:
        """The index of its last entry; prevLogIndex if it has none."""
        return self.prev_log_index + len(self.entries)


class AppendEntriesResponse(msgspec.Struct, frozen=True, gc=False):
    """A follower's reply; `match_index` counts only with `success`."""

    source: str
    term: int
    success: bool
    match_index: int


class Extra(msgspec.Struct, frozen=True, gc=False):
    """A message that the specification does not know; `index`, `count` as its sender traced them."""

    source: str
    term: int
    kind: str
    index: int
    count: int
    last: Entry | None = None
    """Of a snapshot: its last included entry, in its sender's log."""


Message = RequestVoteRequest | RequestVoteResponse | AppendEntriesRequest | AppendEntriesResponse | Extra


# ---- variables -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Server:
    """The specification's variables of one server (serverVars, candidateVars, leaderVars, logVars)."""

    name: str
    voters: frozenset[str]
    """The configuration in force: Server, whose majorities are Quorum."""
    current_term: int = 0
    state: str = FOLLOWER
    voted_for: str | None = None
    log: list[Entry | None] = field(default_factory=list)
    commit_index: int = 0
    votes_responded: set[str] = field(default_factory=set)
    votes_granted: set[str] = field(default_factory=set)
    next_index: dict[str, int] = field(default_factory=dict)
    match_index: dict[str, int] = field(default_factory=dict)

    # Beyond the specification: see extensions.py.
    covered: int = 0
    """Up to here an installed snapshot stands for the log, whose entries are not known."""
    snapshot_index: int = 0
    """The newest snapshot's last entry, installed or taken."""
    last_applied: int = 0
    own_durable: int = 0
    """Up to here its log is on its disk."""

    def last_term(self) -> int:
        """LastTerm(log[i]): the term of the last entry, 0 for an empty log."""
        return self.term_at(len(self.log))

    def term_at(self, index: int) -> int:
        """log[i][index].term; 0 at index 0.

        Raises:
            Unsure: it is not known which entry stands there.
        """
        if index == 0:
            return 0
        entry = self.log[index - 1]
        if entry is None:
            raise Unsure(f"{self.name}'s entry at index {index} is not known")
        return entry[0]

    def is_quorum(self, servers: Iterable[str]) -> bool:
        """Whether these are in Quorum: {i \\in SUBSET(Server) : Cardinality(i) * 2 > Cardinality(Server)}."""
        return len(self.voters.intersection(servers)) * 2 > len(self.voters)


# ---- actions of one server -------------------------------------------------------------------------------


def restart(i: Server) -> None:
    """Restart(i): loses everything but its currentTerm, votedFor and log."""
    i.state = FOLLOWER
    i.votes_responded, i.votes_granted = set(), set()
    i.next_index, i.match_index = {}, {}
    i.commit_index = 0


def timeout(i: Server) -> None:
    """Timeout(i): starts a new election."""
    need(i.state in (FOLLOWER, CANDIDATE), "Timeout", "state[i] \\in {Follower, Candidate}")
    need(i.name in i.voters, "Timeout", "i \\in Server")
    i.state = CANDIDATE
    i.current_term += 1
    i.voted_for = None
    i.votes_responded, i.votes_granted = set(), set()


def request_vote(i: Server, term: int, last_log_index: int) -> RequestVoteRequest:
    """RequestVote(i, j): what candidate i sends; `term` and `last_log_index` as the node says."""
    need(i.state == CANDIDATE, "RequestVote", "state[i] = Candidate")
    need(term == i.current_term, "RequestVote", "mterm = currentTerm[i]")
    need(last_log_index == len(i.log), "RequestVote", "mlastLogIndex = Len(log[i])")
    return RequestVoteRequest(i.name, term, i.last_term(), last_log_index)


def append_entries(
    i: Server, j: str, term: int, prev_log_index: int, count: int, commit_index: int
) -> AppendEntriesRequest:
    """AppendEntries(i, j): what leader i sends: the entries from nextIndex on, or none (a heartbeat)."""
    need(i.state == LEADER, "AppendEntries", "state[i] = Leader")
    need(term == i.current_term, "AppendEntries", "mterm = currentTerm[i]")
    last = prev_log_index + count
    need(
        prev_log_index >= 0 and last <= len(i.log), "AppendEntries", "mentries = SubSeq(log[i], nextIndex, _)"
    )
    need(commit_index <= i.commit_index, "AppendEntries", "mcommitIndex = Min({commitIndex[i], lastEntry})")
    entries = tuple(entry for entry in i.log[prev_log_index:last] if entry is not None)
    if len(entries) < count:
        raise Unsure(f"{i.name} sends entries that are not known, from index {prev_log_index + 1} on")
    i.next_index[j] = prev_log_index + 1
    return AppendEntriesRequest(
        i.name,
        term,
        prev_log_index,
        i.term_at(prev_log_index),
        entries,
        min(commit_index, last),
    )


def become_leader(i: Server) -> None:
    """BecomeLeader(i): a candidate with the votes of a quorum leads."""
    need(i.state == CANDIDATE, "BecomeLeader", "state[i] = Candidate")
    need(i.is_quorum(i.votes_granted), "BecomeLeader", "votesGranted[i] \\in Quorum")
    i.state = LEADER
    i.next_index, i.match_index = {}, {}  # Len(log[i]) + 1 and 0, of whom they do not name


def client_request(i: Server, index: int, entry: Entry) -> None:
    """ClientRequest(i, v): leader i appends an entry of its term."""
    need(i.state == LEADER, "ClientRequest", "state[i] = Leader")
    need(entry[0] == i.current_term, "ClientRequest", "entry.term = currentTerm[i]")
    need(index == len(i.log) + 1, "ClientRequest", "log'[i] = Append(log[i], entry)")
    i.log.append(entry)


def advance_commit_index(i: Server, index: int) -> None:
    """AdvanceCommitIndex(i): up to what a quorum holds, if that is of the leader's own term.

    It counts itself only up to what is on its disk: see `extensions.py`, OwnDisk.
    """
    need(i.state == LEADER, "AdvanceCommitIndex", "state[i] = Leader")
    need(index <= len(i.log), "AdvanceCommitIndex", "index \\in 1..Len(log[i])")
    agree = [k for k, match in i.match_index.items() if match >= index]
    if i.own_durable >= index:
        agree.append(i.name)
    need(i.is_quorum(agree), "AdvanceCommitIndex", "Agree(index) \\in Quorum")
    need(
        i.term_at(index) == i.current_term,
        "AdvanceCommitIndex",
        "log[i][Max(agreeIndexes)].term = currentTerm[i]",
    )
    need(index >= i.commit_index, "AdvanceCommitIndex", "commitIndex'[i] >= commitIndex[i]")
    i.commit_index = index


# ---- handling messages -----------------------------------------------------------------------------------


def update_term(i: Server, m: Message, term: int) -> None:
    """UpdateTerm(i, j, m): any message with a newer term makes its receiver a follower of that term."""
    need(m.term > i.current_term, "UpdateTerm", "m.mterm > currentTerm[i]")
    need(m.term == term, "UpdateTerm", "currentTerm'[i] = m.mterm")
    i.current_term = m.term
    i.state = FOLLOWER
    i.voted_for = None


def grant_vote(i: Server, m: RequestVoteRequest) -> None:
    """HandleRequestVoteRequest(i, j, m), where grant is true, up to the reply."""
    action = "HandleRequestVoteRequest"
    need(m.term == i.current_term, action, "grant: m.mterm = currentTerm[i]")
    need(i.voted_for in (None, m.source), action, "grant: votedFor[i] \\in {Nil, j}")
    last_term = i.last_term()
    log_ok = m.last_log_term > last_term or (m.last_log_term == last_term and m.last_log_index >= len(i.log))
    need(log_ok, action, "grant: logOk (the candidate's log is at least as up to date)")
    i.voted_for = m.source


def reply_vote(i: Server, j: str, term: int, granted: bool, m: Message | None) -> RequestVoteResponse:
    """HandleRequestVoteRequest(i, j, m): its reply. A refusal is always allowed (Ignore)."""
    action = "HandleRequestVoteRequest"
    need(term == i.current_term, action, "Reply: mterm = currentTerm[i]")
    if granted:
        need(
            isinstance(m, RequestVoteRequest) and m.source == j and m.term == term,
            action,
            "Reply: to a RequestVoteRequest of currentTerm[i] from j",
        )
        need(i.voted_for == j, action, "Reply: mvoteGranted = grant (votedFor[i] = j)")
    return RequestVoteResponse(i.name, term, granted)


def take_vote(i: Server, m: RequestVoteResponse) -> None:
    """HandleRequestVoteResponse(i, j, m), or DropStaleResponse(i, j, m)."""
    if m.term != i.current_term:
        return
    i.votes_responded.add(m.source)
    if m.vote_granted:
        i.votes_granted.add(m.source)


def return_to_follower(i: Server) -> None:
    """HandleAppendEntriesRequest(i, j, m), "return to follower state": another leads this term."""
    i.state = FOLLOWER


def _may_accept(i: Server, m: Message | None) -> AppendEntriesRequest:
    """HandleAppendEntriesRequest's guards of accepting."""
    action = "HandleAppendEntriesRequest"
    need(i.state == FOLLOWER, action, "accept: state[i] = Follower")
    if not isinstance(m, AppendEntriesRequest):
        raise GuardFailed(action, "m \\in DOMAIN messages, m.mtype = AppendEntriesRequest")
    need(m.term == i.current_term, action, "accept: m.mterm = currentTerm[i]")
    previous = m.prev_log_index
    if previous > i.covered:
        need(previous <= len(i.log), action, "logOk: m.mprevLogIndex <= Len(log[i])")
        need(
            i.term_at(previous) == m.prev_log_term,
            action,
            "logOk: m.mprevLogTerm = log[i][m.mprevLogIndex].term",
        )
    return m


def _done(i: Server, m: AppendEntriesRequest, upto: int) -> bool:
    """Whether m's entries up to index `upto` are "already done": the log has that term at each index.

    What a snapshot stands for is committed, so it is done.
    """
    begin = max(m.prev_log_index, i.covered)
    if begin >= upto:
        return True
    offered = m.entries[begin - m.prev_log_index : upto - m.prev_log_index]
    held = i.log[begin:upto]
    if held == offered:
        return True
    if None in held:
        raise Unsure(f"{i.name}'s log is not known between {begin + 1} and {upto}")
    return len(held) == len(offered) and all(
        own is not None and own[0] == other[0] for own, other in zip(held, offered, strict=True)
    )


def remove_conflict(i: Server, m: Message | None, index: int) -> None:
    """HandleAppendEntriesRequest(i, j, m), "conflict: remove 1 entry", until `index` is removed."""
    action = "HandleAppendEntriesRequest"
    request = _may_accept(i, m)
    need(
        request.prev_log_index < index <= min(request.last, len(i.log)),
        action,
        "conflict: index \\in the message's entries, and Len(log[i]) >= index",
    )
    need(_done(i, request, index - 1), action, "conflict: the message's entries below index are already done")
    need(
        i.term_at(index) != request.entries[index - request.prev_log_index - 1][0],
        action,
        "conflict: log[i][index].term /= m.mentries[1].term",
    )
    del i.log[index - 1 :]


def accept_entries(i: Server, m: Message | None, first: int, entries: Sequence[Entry]) -> None:
    """HandleAppendEntriesRequest(i, j, m), "no conflict: append entry", for each of these."""
    action = "HandleAppendEntriesRequest"
    request = _may_accept(i, m)
    length = len(i.log)
    need(first == length + 1, action, "append: log'[i] = Append(log[i], _)")
    need(request.prev_log_index <= length, action, "append: Len(log[i]) = m.mprevLogIndex")
    need(_done(i, request, min(length, request.last)), action, "append: the entries below are already done")
    begin = length - request.prev_log_index
    need(
        list(request.entries[begin : begin + len(entries)]) == list(entries),
        action,
        "append: log'[i] = Append(log[i], m.mentries[1])",
    )
    i.log.extend(entries)


def take_commit_index(i: Server, m: Message | None, index: int) -> None:
    """HandleAppendEntriesRequest(i, j, m), "already done with request": commitIndex' = m.mcommitIndex."""
    action = "HandleAppendEntriesRequest"
    request = _may_accept(i, m)
    need(
        index <= min(request.commit_index, request.last),
        action,
        "already done: commitIndex'[i] = m.mcommitIndex <= m.mprevLogIndex + Len(m.mentries)",
    )
    need(index <= len(i.log) and _done(i, request, index), action, "already done: log[i] holds m.mentries")
    need(index >= i.commit_index, action, "commitIndex'[i] >= commitIndex[i]")
    i.commit_index = index


def reply_entries(
    i: Server, j: str, term: int, success: bool, match_index: int, m: Message | None
) -> AppendEntriesResponse:
    """HandleAppendEntriesRequest(i, j, m): its reply. A refusal is always allowed (Ignore)."""
    action = "HandleAppendEntriesRequest"
    need(term == i.current_term, action, "Reply: mterm = currentTerm[i]")
    if success:
        request = _may_accept(i, m)
        need(request.source == j, action, "Reply: mdest = m.msource")
        holds = match_index <= len(i.log) and _done(i, request, min(request.last, match_index))
        need(holds, action, "already done: log[i] holds m.mentries")
        need(match_index <= request.last, action, "Reply: mmatchIndex = m.mprevLogIndex + Len(m.mentries)")
    return AppendEntriesResponse(i.name, term, success, match_index)


def take_match(i: Server, m: AppendEntriesResponse) -> None:
    """HandleAppendEntriesResponse(i, j, m), or DropStaleResponse(i, j, m).

    matchIndex never falls here, where an old response would take it back there: what a follower of this
    term once held of this leader's log it holds for the whole term, so the larger one stays true.
    """
    if m.term != i.current_term:
        return
    if m.success:
        i.next_index[m.source] = m.match_index + 1
        i.match_index[m.source] = max(i.match_index.get(m.source, 0), m.match_index)
    else:
        i.next_index[m.source] = max(i.next_index.get(m.source, len(i.log) + 1) - 1, 1)
