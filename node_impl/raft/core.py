"""Raft: Figure 2's rules, to be read beside the paper; `state.py` has its State box.

Beyond Figure 2, each from the thesis: a no-op at the start of a term and ReadIndex (section 6.4),
messages sent ahead of their answers (10.2.1), the leader's own disk write in parallel with its
followers' (10.2.1), and a leader that hears no majority steps down (6.2).

`Raft` is driven by `node_impl/node.py`, which sets `now`, calls what happened, applies what is
committed and takes the outbox. Each safety rule is one small method of its own under "The rules".
"""

from __future__ import annotations

from typing import Protocol

from node_impl.config import NodeConfig
from node_impl.events import CancelTimer, Entry, Recovered, SetTimer
from node_impl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    RaftMessage,
    RequestVote,
    RequestVoteReply,
)
from node_impl.raft.progress import Progress
from node_impl.raft.read_rounds import ReadRounds, ReadToken
from node_impl.raft.state import State

ELECTION_TIMER = "election"
HEARTBEAT_TIMER = "heartbeat"


class Random(Protocol):
    """The only source of chance."""

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1, evenly drawn."""
        ...


class Raft(State):
    """One member's consensus.

    Args:
        name: this member, one of `members`.
        members: all members of the cluster.
        life: which life of this node this is, from 1; makes message ids unique.
        recovered: what its storage found.
        random: where election time-outs are drawn.
    """

    def __init__(
        self,
        *,
        name: str,
        members: tuple[str, ...],
        life: int,
        recovered: Recovered,
        random: Random,
        config: NodeConfig,
    ) -> None:
        super().__init__(name=name, members=members, life=life, recovered=recovered, config=config)
        self._random = random
        self._others = tuple(member for member in members if member != name)
        self._quorum = len(members) // 2 + 1
        self._election_timeout = 0
        self._election_deadline = 0

    # ---- The rules: each is what keeps one promise, and is overridden by one mutant --------------------

    def sync_barrier(self) -> int:
        """What must be on disk before anybody relies on what this node holds now (Figure 2: "updated on
        stable storage before responding to RPCs"): the newest record. A leader's own copy, too, counts
        toward a majority only then (thesis, 10.2.1)."""
        return self.outbox.newest

    def may_grant_vote(self, candidate: str, request: RequestVote) -> bool:
        """RequestVote RPC, rules 1 and 2."""
        return (
            request.term == self.current_term
            and self.vote_is_free_for(candidate)
            and self.candidate_log_is_up_to_date(request)
        )

    def vote_is_free_for(self, candidate: str) -> bool:
        """At most one vote a term, first come first served (section 5.2)."""
        return self.voted_for is None or self.voted_for == candidate

    def candidate_log_is_up_to_date(self, request: RequestVote) -> bool:
        """The later last term wins; among equal ones the longer log (section 5.4.1)."""
        candidate = (request.last_log_term, request.last_log_index)
        return candidate >= (self.log.last_term, self.log.last_index)

    def is_majority(self, count: int) -> bool:
        """Whether so many members, this one included where it counts, are a majority of all."""
        return count >= self._quorum

    def previous_entry_matches(self, request: AppendEntries) -> bool:
        """AppendEntries RPC, rule 2: the consistency check (section 5.3)."""
        return self.log.term_at(request.prev_log_index) == request.prev_log_term

    def truncation_point(self, request: AppendEntries) -> int | None:
        """AppendEntries RPC, rule 3: cut only from an entry that conflicts, the same index with another
        term. A request that is merely old conflicts with nothing, so it never removes anything."""
        if not self.previous_entry_matches(request):
            return None
        for entry in request.entries:
            if entry.index > self.log.last_index:
                return None
            if self.log.term_at(entry.index) != entry.term:
                return entry.index
        return None

    def commit_index_by_counting(self) -> int:
        """The highest index that a majority holds durably, if counting may commit it (Figure 2, Leaders)."""
        held = sorted(peer.match_index for peer in self.peers.values())
        held.append(self.own_match_index())
        held.sort(reverse=True)
        index = held[self._quorum - 1]
        return (
            index if index > self.commit_index and self.may_commit_by_counting(index) else self.commit_index
        )

    def may_commit_by_counting(self, index: int) -> bool:
        """Only entries of the leader's own term; earlier ones follow (section 5.4.2, Figure 8)."""
        return self.log.term_at(index) == self.current_term

    def own_match_index(self) -> int:
        """Up to where this node's own log counts toward a majority: what is on its disk."""
        if self.sync_barrier() <= self.outbox.synced_number:
            return self.log.last_index
        return self.outbox.durable.last_index

    def may_serve_reads(self) -> bool:
        """A leader knows what is committed only once an entry of its own term is (section 8; thesis, 6.4)."""
        return self.log.term_at(self.commit_index) == self.current_term

    def leadership_is_confirmed(self) -> bool:
        """A majority answered this term's leader since the round of reads began (section 8; thesis, 6.4)."""
        answered = sum(peer.read_round >= self.reads.number for peer in self.peers.values())
        return self.is_majority(1 + answered)

    def hears_a_majority(self) -> bool:
        """A leader that a majority has not answered for an election time-out may be deposed and not know
        it: it stops leading, so that its clients are refused in time (thesis, 6.2)."""
        return self.is_majority(1 + sum(peer.heard for peer in self.peers.values()))

    # ---- What happens to it ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin this life."""
        last = self.log.last_index
        self.trace("restart", vote=self.voted_for, entries=self.log.trace_rows(max(last, 1), last))
        self.trace("configuration", members=self.members)
        self._arm_election_timer()

    def timer_fired(self, name: str) -> None:
        """One of its two timers is due."""
        if name == HEARTBEAT_TIMER:
            if self.role == "leader":
                self._broadcast_heartbeat()
                self._set_timer(HEARTBEAT_TIMER, self.now + self.config.heartbeat_ns)
        elif self.role == "leader":
            self._check_quorum()
        elif self.now < self._election_deadline:  # a leader was heard, or a vote given, since it was set
            self._set_timer(ELECTION_TIMER, self._election_deadline)
        else:
            self._stand_for_election()

    def synced(self, number: int) -> None:
        """Everything recorded up to `number` is on disk."""
        outbox = self.outbox
        outbox.synced(number)
        self.trace("synced", index=outbox.durable.last_index, vote=outbox.durable.vote)
        if self.role == "leader":
            self._advance_commit_index()
        elif self.role == "candidate" and self.sync_barrier() <= number:
            self._count_vote(self.name)

    def receive(self, sender: str, message: RaftMessage) -> None:
        """A peer's RequestVote or AppendEntries, or its reply to one."""
        if message.term > self.current_term:  # Figure 2, all servers; first the role: no trace line may
            self._become_follower()  # show the old role in the new term
            self._set_term(message.term)
        match message:
            case AppendEntries():
                self._on_append_entries(sender, message)
            case AppendEntriesReply():
                self._on_append_entries_reply(sender, message)
            case RequestVote():
                self._on_request_vote(sender, message)
            case RequestVoteReply():
                if self.role == "candidate" and message.granted and message.term == self.current_term:
                    self._count_vote(sender)

    def propose(self, payload: bytes, op: str | None, session: tuple[str, int] | None = None) -> int:
        """Append a command at the leader and replicate it at once; returns its index."""
        entry = Entry(self.log.last_index + 1, self.current_term, "command", payload, op, session)
        self._append((entry,))
        self._replicate_to_all()
        return entry.index

    def request_read(self, token: ReadToken) -> None:
        """At the leader: put the token among `reads.confirmed` once a read may be served."""
        self.reads.waiting.append(token)
        self._start_read_round()

    def applied(self, index: int) -> None:
        """The state machine now holds everything up to index."""
        first = self.last_applied + 1
        self.last_applied = index
        self.trace("apply", entries=self.log.trace_rows(first, index))

    # ---- Elections (section 5.2) ---------------------------------------------------------------------

    def _stand_for_election(self) -> None:
        self.leader = None
        self._set_term(self.current_term + 1)
        self._vote_for(self.name)
        self._set_role("candidate")
        self.votes = set()  # its own vote counts once it is on disk: see `synced`
        self._arm_election_timer()
        request = RequestVote(self.current_term, self.log.last_index, self.log.last_term)
        for other in self._others:
            self.send(other, request, after=self.sync_barrier())

    def _on_request_vote(self, candidate: str, request: RequestVote) -> None:
        granted = self.may_grant_vote(candidate, request)
        if granted:
            if self.voted_for != candidate:
                self._vote_for(candidate)
            self._postpone_election()
        self.send(candidate, RequestVoteReply(self.current_term, granted), after=self.sync_barrier())

    def _count_vote(self, voter: str) -> None:
        self.votes.add(voter)
        if self.is_majority(len(self.votes)):
            self._become_leader()

    def _become_leader(self) -> None:
        self._set_role("leader")
        self.leader = self.name
        self.peers = {other: Progress(self.log.last_index + 1) for other in self._others}
        self.reads = ReadRounds()
        self._set_timer(HEARTBEAT_TIMER, self.now + self.config.heartbeat_ns)
        self._set_timer(ELECTION_TIMER, self.now + self.config.election_timeout_ns)
        self._append((Entry(self.log.last_index + 1, self.current_term, "noop"),))
        self._replicate_to_all()

    def _check_quorum(self) -> None:
        if not self.hears_a_majority():
            self._become_follower()
            return
        for peer in self.peers.values():
            peer.heard = False
        self._set_timer(ELECTION_TIMER, self.now + self.config.election_timeout_ns)

    def _become_follower(self) -> None:
        """Stay in, or return to, the followers' ranks, with no leader known."""
        was, self.leader = self.role, None
        if was == "follower":
            return
        self._set_role("follower")
        if was == "leader":
            self.outbox.effects.append(CancelTimer(HEARTBEAT_TIMER))
            self.peers = {}
            self._arm_election_timer()

    # ---- Log replication (section 5.3) ---------------------------------------------------------------

    def _replicate_to_all(self) -> None:
        for name, peer in self.peers.items():
            self._replicate(name, peer)

    def _replicate(self, name: str, peer: Progress) -> None:
        config, log = self.config, self.log
        while peer.next_index <= log.last_index and peer.may_send(config.max_in_flight):
            entries = log.batch(peer.next_index, config.max_batch_entries, config.max_batch_bytes)
            self._send_append_entries(name, peer, entries)
            peer.sent(entries[-1].index)

    def _broadcast_heartbeat(self) -> None:
        for name, peer in self.peers.items():
            self._send_append_entries(name, peer, ())

    def _send_append_entries(self, name: str, peer: Progress, entries: tuple[Entry, ...]) -> None:
        previous = peer.next_index - 1
        # It may leave before these entries are on this node's own disk: see `own_match_index`.
        self.send(
            name,
            AppendEntries(
                self.current_term,
                previous,
                self.log.term_at(previous),
                entries,
                self.commit_index,
                self.reads.number,
            ),
        )

    def _on_append_entries(self, leader: str, request: AppendEntries) -> None:
        if request.term < self.current_term:
            self._refuse_entries(leader, request)
            return
        if self.role != "follower":
            self._become_follower()
        self.leader = leader
        self._postpone_election()
        point = self.truncation_point(request)
        if point is not None:
            self._truncate(point)
        if not self.previous_entry_matches(request):
            self._refuse_entries(leader, request)
            return
        last = request.prev_log_index + len(request.entries)
        if last > self.log.last_index:
            self._append(request.entries[self.log.last_index - request.prev_log_index :])
        self._set_commit_index(min(request.leader_commit, last))
        self.send(
            leader,
            AppendEntriesReply(self.current_term, True, last, 0, 0, request.read_round),
            after=self.sync_barrier(),
        )

    def _refuse_entries(self, leader: str, request: AppendEntries) -> None:
        previous = request.prev_log_index
        conflict_term, conflict_index = 0, self.log.last_index + 1
        if previous <= self.log.last_index:
            conflict_term = self.log.term_at(previous)
            conflict_index = self.log.first_index_of_term_at(previous) if previous else 1
        self.send(
            leader,
            AppendEntriesReply(
                self.current_term, False, previous, conflict_term, conflict_index, request.read_round
            ),
            after=self.sync_barrier(),
        )

    def _on_append_entries_reply(self, sender: str, reply: AppendEntriesReply) -> None:
        if self.role != "leader" or reply.term != self.current_term:
            return
        peer = self.peers[sender]
        peer.heard = True
        peer.read_round = max(peer.read_round, reply.read_round)
        if reply.success:
            if peer.accepted(reply.match_index):
                self._advance_commit_index()
            self._replicate(sender, peer)
        elif peer.refused(reply.match_index, self._back_off(reply)):
            self._replicate(sender, peer)
        self._finish_read_round()

    def _back_off(self, reply: AppendEntriesReply) -> int:
        """Skip a whole conflicting term at a time (section 5.3, the optimization at its end)."""
        if reply.conflict_term:
            last_of_term = self.log.last_index_of_term(reply.conflict_term)
            if last_of_term:
                return last_of_term + 1
        return reply.conflict_index

    def _advance_commit_index(self) -> None:
        self._set_commit_index(self.commit_index_by_counting())
        self._start_read_round()  # reads may have waited for the term's first commit

    # ---- Reads (thesis, section 6.4) -------------------------------------------------------------------

    def _start_read_round(self) -> None:
        if self.reads.may_begin and self.may_serve_reads():
            self.reads.begin(self.commit_index)
            self._broadcast_heartbeat()
            self._finish_read_round()  # a majority of one needs no answer

    def _finish_read_round(self) -> None:
        if self.reads.is_open and self.leadership_is_confirmed():
            self.reads.finish()
            self._start_read_round()

    # ---- Timers ------------------------------------------------------------------------------------------

    def _arm_election_timer(self) -> None:
        """Time-outs are drawn anew for each election, so that split votes are rare (section 5.2)."""
        least = self.config.election_timeout_ns
        self._election_timeout = least + self._random.below(least)
        self._postpone_election()
        self._set_timer(ELECTION_TIMER, self._election_deadline)

    def _postpone_election(self) -> None:
        """The timer itself is not set again, which would cost an effect a message: it looks when it fires."""
        self._election_deadline = self.now + self._election_timeout

    def _set_timer(self, name: str, at: int) -> None:
        self.outbox.effects.append(SetTimer(name, at))
