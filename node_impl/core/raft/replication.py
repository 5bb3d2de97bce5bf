"""Log replication: followers are made equal to the leader, and what a majority holds is committed (5.3, 5.4).

Messages are sent ahead of their answers, and the leader's own disk write runs in parallel with its
followers' (thesis, section 10.2.1).
"""

from __future__ import annotations

from node_impl.core.events import Entry
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.messages import AppendEntries, AppendEntriesReply
from node_impl.core.raft.progress import Progress
from node_impl.core.raft.read_rounds import ReadRounds


class Replication(Elections):
    """A leader that replicates, a follower that takes; for reads and snapshots see who inherits this."""

    def _send_snapshot(self, name: str, peer: Progress) -> None:
        """The follower lacks what only a snapshot still holds."""
        raise NotImplementedError

    def _start_read_round(self) -> None:
        """More is committed than before: reads may have waited for the term's first commit."""
        raise NotImplementedError

    # ---- The rules -------------------------------------------------------------------------------------

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
        held = [peer.match_index for name, peer in self.peers.items() if name in self.voters]
        if self.name in self.voters:
            held.append(self.own_match_index())
        index = self.index_held_by_a_majority(held)
        return (
            index if index > self.commit_index and self.may_commit_by_counting(index) else self.commit_index
        )

    def index_held_by_a_majority(self, held: list[int]) -> int:
        """Given up to where each voter holds the log: up to where more than half of them do."""
        return sorted(held, reverse=True)[len(held) // 2]

    def may_commit_by_counting(self, index: int) -> bool:
        """Only entries of the leader's own term; earlier ones follow (section 5.4.2, Figure 8)."""
        return self.log.term_at(index) == self.current_term

    def own_match_index(self) -> int:
        """Up to where this node's own log counts toward a majority: what is on its disk."""
        if self.sync_barrier() <= self.outbox.synced_number:
            return self.log.last_index
        return self.outbox.durable.last_index

    def new_progress(self) -> Progress:
        """What a leader takes a follower to hold before it has answered: nextIndex is right behind its own
        log, matchIndex is 0 (Figure 2, volatile state on leaders)."""
        return Progress(self.log.last_index + 1)

    # ---- Leaders ---------------------------------------------------------------------------------------

    def _begin_to_lead(self) -> None:
        self.peers = {other: self.new_progress() for other in self.others}
        self.reads = ReadRounds()
        self._append((Entry(self.log.last_index + 1, self.current_term, "noop"),))
        self._replicate_to_all()

    def replicate(self) -> None:
        """The end of a step: what was appended by all its events goes to each follower in one message."""
        if self.has_unsent and self.role == "leader":
            self._replicate_to_all()
        self.has_unsent = False

    def _replicate_to_all(self) -> None:
        last_index = self.log.last_index
        for name, peer in self.peers.items():
            if peer.next_index <= last_index:
                self._replicate(name, peer)

    def _replicate(self, name: str, peer: Progress) -> None:
        config, log = self.config, self.log
        if peer.next_index <= log.base_index:
            self._send_snapshot(name, peer)
            return
        while peer.next_index <= log.last_index and peer.may_send(config.max_in_flight):
            entries = log.batch(peer.next_index, config.max_batch_entries, config.max_batch_bytes)
            self._send_append_entries(name, peer, entries)
            peer.sent(entries[-1].index)

    def _broadcast_heartbeat(self) -> None:
        for name, peer in self.peers.items():
            if peer.transfer is not None:
                peer.transfer.heartbeats += 1
            self._send_append_entries(name, peer, ())

    def _send_append_entries(self, name: str, peer: Progress, entries: tuple[Entry, ...]) -> None:
        # Who is sent a snapshot may hold its entries already, and then says so.
        previous = max(peer.next_index - 1, self.log.base_index)
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

    # ---- Followers -------------------------------------------------------------------------------------

    def _on_append_entries(self, leader: str, request: AppendEntries) -> None:
        if request.term < self.current_term:
            self._refuse_entries(leader, request)
            return
        if self.role != "follower":
            self._become_follower()
        self._hear_leader(leader)
        if request.prev_log_index < self.log.base_index:
            request = self._above_base(request)
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

    def _above_base(self, request: AppendEntries) -> AppendEntries:
        """What of an old request lies above the base; all up to there is committed, so it matches."""
        log = self.log
        return AppendEntries(
            request.term,
            log.base_index,
            log.base_term,
            tuple(entry for entry in request.entries if entry.index > log.base_index),
            request.leader_commit,
            request.read_round,
        )

    def _refuse_entries(self, leader: str, request: AppendEntries) -> None:
        previous = request.prev_log_index
        conflict_term, conflict_index = 0, self.log.last_index + 1
        if self.log.base_index <= previous <= self.log.last_index:  # a deposed leader's may lie below
            conflict_term = self.log.term_at(previous)
            above_base = previous > self.log.base_index
            conflict_index = self.log.first_index_of_term_at(previous) if above_base else previous + 1
        self.send(
            leader,
            AppendEntriesReply(
                self.current_term, False, previous, conflict_term, conflict_index, request.read_round
            ),
            after=self.sync_barrier(),
        )
