"""Log replication: followers are made equal to the leader, and what a majority holds is committed (5.3, 5.4).

Messages are sent ahead of their answers, and the leader's own disk write runs in parallel with its
followers' (thesis, section 10.2.1).
"""

from __future__ import annotations

from node_impl.core.events import Configuration, Entry
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.followers import Followers, Progress
from node_impl.core.raft.leases import LeaderLeases
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership
from node_impl.core.raft.messages import AppendEntries, AppendEntriesReply
from node_impl.core.raft.reads import ReadRounds
from node_impl.core.raft.snapshots import Snapshots


class Replication:
    """Sends entries as leader, takes them as follower, and advances commitIndex."""

    __slots__ = (
        "_elections",
        "_followers",
        "_has_unsent",
        "_leases",
        "_membership",
        "_reads",
        "_snapshots",
        "_state",
    )

    def __init__(
        self,
        state: RaftState,
        membership: Membership,
        followers: Followers,
        leases: LeaderLeases,
        elections: Elections,
        snapshots: Snapshots,
        reads: ReadRounds,
    ) -> None:
        self._state = state
        self._membership = membership
        self._followers = followers
        self._leases = leases
        self._elections = elections
        self._snapshots = snapshots
        self._reads = reads
        self._has_unsent = False
        """At a leader: whether there may be entries, or room for them, that no message was sent for yet."""

    # ---- The rules -------------------------------------------------------------------------------------

    def previous_entry_matches(self, request: AppendEntries) -> bool:
        """AppendEntries RPC, rule 2: the consistency check (section 5.3)."""
        return self._state.log.term_at(request.prev_log_index) == request.prev_log_term

    def truncation_point(self, request: AppendEntries) -> int | None:
        """AppendEntries RPC, rule 3: cut only from an entry that conflicts, the same index with another
        term. A request that is merely old conflicts with nothing, so it never removes anything."""
        if not self.previous_entry_matches(request):
            return None
        log = self._state.log
        for entry in request.entries:
            if entry.index > log.last_index:
                return None
            if log.term_at(entry.index) != entry.term:
                return entry.index
        return None

    def may_truncate(self, point: int) -> bool:
        """What is committed stays (section 5.4): who wants it cut does not follow Raft, or forgot."""
        return point > self._state.commit_index

    def commit_index_by_counting(self) -> int:
        """The highest index that a majority holds durably, if counting may commit it (Figure 2, Leaders)."""
        state, voters = self._state, self._membership.voters
        held = [peer.match_index for name, peer in self._followers.by_name.items() if name in voters]
        if state.name in voters:
            held.append(self.own_match_index())
        index = self.index_held_by_a_majority(held)
        if index > state.commit_index and self.may_commit_by_counting(index):
            return index
        return state.commit_index

    def index_held_by_a_majority(self, held: list[int]) -> int:
        """The index up to which more than half of the voters hold the log; `held` has each voter's."""
        return sorted(held, reverse=True)[len(held) // 2]

    def may_commit_by_counting(self, index: int) -> bool:
        """Only entries of the leader's own term; earlier ones follow (section 5.4.2, Figure 8)."""
        return self._state.log.term_at(index) == self._state.current_term

    def own_match_index(self) -> int:
        """Up to where this node's own log counts toward a majority: what is on its disk."""
        state = self._state
        if state.sync_barrier() <= state.outbox.synced_number:
            return state.log.last_index
        return state.outbox.durable.last_index

    # ---- At the leader ---------------------------------------------------------------------------------

    def begin_to_lead(self) -> None:
        """A term of leadership begins with an entry of its own (section 8; thesis, 6.4)."""
        state = self._state
        state.append((Entry(state.log.last_index + 1, state.current_term, "noop"),))
        self._replicate_to_all()

    def propose(self, payload: bytes, op: str | None, session: tuple[str, int] | None = None) -> int:
        """Append a command; returns its index. At the step's end `flush` sends it."""
        state = self._state
        entry = Entry(state.log.last_index + 1, state.current_term, "command", payload, op, session)
        state.append((entry,))
        self._has_unsent = True
        return entry.index

    def propose_configuration(self, configuration: Configuration, op: str | None) -> int:
        """Append a configuration; returns its index. It is sent at once, to new members, too."""
        index = self._membership.append_configuration(configuration, op)
        self._replicate_to_all()
        self.advance_commit_index()  # a smaller majority may hold what is there already
        return index

    def flush(self) -> None:
        """The end of a step: what all its events appended goes to each follower in one message."""
        if self._has_unsent and self._state.role == "leader":
            self._replicate_to_all()
        self._has_unsent = False

    def broadcast_heartbeat(self) -> None:
        """Send an AppendEntries without entries to every follower."""
        if self._leases.uses_lease():
            self._leases.sent(self._reads.next_round())
        for name, peer in self._followers.by_name.items():
            peer.sent_heartbeat()
            self._send_append_entries(name, peer, ())

    def advance_commit_index(self) -> None:
        """Commit what a majority holds; reads may have waited for the term's first commit."""
        self._state.commit_up_to(self.commit_index_by_counting())
        self._reads.start_round()

    def on_append_entries_reply(self, sender: str, reply: AppendEntriesReply) -> None:
        """A follower took the entries, or refused them since its log differs."""
        state = self._state
        if state.role != "leader" or reply.term != state.current_term:
            return
        peer = self._followers.by_name.get(sender)
        if peer is None:
            return  # it was removed meanwhile
        peer.answered(reply.read_round)
        self._leases.renew(self._reads.number)
        if reply.success:
            if reply.match_index >= state.log.base_index:
                peer.transfer = None
            if peer.accepted(reply.match_index):
                self.advance_commit_index()
            self._has_unsent = True
        elif peer.transfer is not None:
            self._snapshots.send_chunk_again(sender, peer)
        elif peer.refused(reply.match_index, self._back_off(reply)):
            self._replicate(sender, peer)
        self._reads.finish_round()

    def on_snapshot_installed(self, sender: str, index: int) -> None:
        """A follower has installed a snapshot up to `index`: go on with the entries after it."""
        peer = self._followers.by_name[sender]
        if peer.accepted(index):
            self.advance_commit_index()
        self._replicate(sender, peer)

    def _replicate_to_all(self) -> None:
        last_index = self._state.log.last_index
        for name, peer in self._followers.by_name.items():
            if peer.next_index <= last_index:
                self._replicate(name, peer)

    def _replicate(self, name: str, peer: Progress) -> None:
        config, log = self._state.config, self._state.log
        if peer.next_index <= log.base_index:
            self._snapshots.send(name, peer)
            return
        while peer.next_index <= log.last_index and peer.may_send(config.max_in_flight):
            entries = log.batch(peer.next_index, config.max_batch_entries, config.max_batch_bytes)
            self._send_append_entries(name, peer, entries)
            peer.sent(entries[-1].index)

    def _send_append_entries(self, name: str, peer: Progress, entries: tuple[Entry, ...]) -> None:
        state = self._state
        # A follower that is sent a snapshot may hold its entries already, and then answers so.
        previous = max(peer.next_index - 1, state.log.base_index)
        # It may leave before these entries are on this node's own disk: see `own_match_index`.
        state.send(
            name,
            AppendEntries(
                state.current_term,
                previous,
                state.log.term_at(previous),
                entries,
                state.commit_index,
                self._reads.number,
            ),
        )

    def _back_off(self, reply: AppendEntriesReply) -> int:
        """Skip a whole conflicting term at a time (section 5.3, the optimization at its end)."""
        if reply.conflict_term:
            last_of_term = self._state.log.last_index_of_term(reply.conflict_term)
            if last_of_term:
                return last_of_term + 1
        return reply.conflict_index

    # ---- At a follower ---------------------------------------------------------------------------------

    def on_append_entries(self, leader: str, request: AppendEntries) -> None:
        """The leader replicates, or shows that it still leads (Figure 2, AppendEntries RPC, receiver)."""
        state = self._state
        log = state.log
        if request.term < state.current_term:
            self._refuse(leader, request)
            return
        if state.role != "follower":
            self._elections.become_follower()
        self._elections.hear_leader(leader)
        if request.prev_log_index < log.base_index:
            request = self._above_base(request)
        point = self.truncation_point(request)
        if point is not None:
            if not self.may_truncate(point):
                why = f"entry {point} is committed here, and its entries would take its place"
                state.trace("refuse", peer=leader, index=point, why=why)
                return
            state.truncate(point)
        if not self.previous_entry_matches(request):
            self._refuse(leader, request)
            return
        last = request.prev_log_index + len(request.entries)
        if last > log.last_index:
            state.append(request.entries[log.last_index - request.prev_log_index :])
        state.commit_up_to(min(request.leader_commit, last))
        reply = AppendEntriesReply(state.current_term, True, last, 0, 0, request.read_round)
        state.send(leader, reply, after=state.sync_barrier())

    def _above_base(self, request: AppendEntries) -> AppendEntries:
        """What of an old request lies above the base; all up to there is committed, so it matches."""
        log = self._state.log
        return AppendEntries(
            request.term,
            log.base_index,
            log.base_term,
            tuple(entry for entry in request.entries if entry.index > log.base_index),
            request.leader_commit,
            request.read_round,
        )

    def _refuse(self, leader: str, request: AppendEntries) -> None:
        state = self._state
        log, previous = state.log, request.prev_log_index
        conflict_term, conflict_index = 0, log.last_index + 1
        if log.base_index <= previous <= log.last_index:  # a deposed leader's may lie below
            conflict_term = log.term_at(previous)
            above_base = previous > log.base_index
            conflict_index = log.first_index_of_term_at(previous) if above_base else previous + 1
        conflict = (conflict_term, conflict_index)
        reply = AppendEntriesReply(state.current_term, False, previous, *conflict, request.read_round)
        state.send(leader, reply, after=state.sync_barrier())
