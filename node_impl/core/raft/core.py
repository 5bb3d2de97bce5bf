"""Raft: Figure 2's rules, to be read beside the paper; `state.py` has its State box.

Beyond Figure 2, each from the thesis: a no-op at the start of a term and ReadIndex (section 6.4),
messages sent ahead of their answers (10.2.1), the leader's own disk write in parallel with its
followers' (10.2.1), pre-vote (9.6), leaders that hand over (3.10), and leaders that step down where they
hear no majority (6.2). From the paper's section 7:
snapshots.

A member is built up file by file, each a class upon the one before: `state.py`, `elections.py`,
`replication.py`, `snapshotting.py`, `membership.py`, `leases.py`, and here reads and what drives it all.
Each safety rule is one small method of its own, under "The rules" of its file.

`Raft` is driven by `node_impl/core/node.py`, which sets `now`, calls what happened, applies what is
committed and takes the outbox.
"""

from __future__ import annotations

from collections.abc import Sequence

from node_impl.core.events import Entry, TraceRow
from node_impl.core.raft.elections import ELECTION_TIMER, HEARTBEAT_TIMER, Random
from node_impl.core.raft.leases import Leases
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    InstallSnapshotReply,
    PreVote,
    PreVoteReply,
    RaftMessage,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from node_impl.core.raft.read_rounds import ReadToken

__all__ = ["ELECTION_TIMER", "HEARTBEAT_TIMER", "Raft", "Random"]


class Raft(Leases):
    """One member's consensus.

    Args:
        name: this member, one of `members`.
        members: all nodes that can be reached; they are the first voters, unless the settings name some.
        life: which life of this node this is, from 1; makes message ids unique.
        recovered: what its storage found.
        random: where election time-outs are drawn.
    """

    # ---- The rules -------------------------------------------------------------------------------------

    def may_serve_reads(self) -> bool:
        """A leader knows what is committed only once an entry of its own term is (section 8; thesis, 6.4)."""
        return self.log.term_at(self.commit_index) == self.current_term

    def leadership_is_confirmed(self) -> bool:
        """A majority answered this term's leader since the round of reads began (section 8; thesis, 6.4)."""
        answered = (name for name, peer in self.peers.items() if peer.read_round >= self.reads.awaited)
        return self.is_majority(self.voters_among((self.name, *answered)))

    # ---- What happens to it ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin this life."""
        snapshot = self.snapshot
        self.trace(
            "restart",
            vote=self.voted_for,
            entries=self._last_row(),
            index=None if snapshot is None else snapshot.index,
            digest=None if snapshot is None else snapshot.digest,
        )
        self.trace_configuration()
        self._promise()  # an earlier life may have, an instant ago
        self._arm_election_timer()

    def _last_row(self) -> Sequence[TraceRow]:
        """The last entry as traces name it, be it the snapshot's; nothing if there never was one."""
        last, snapshot = self.log.last_index, self.snapshot
        if last > self.log.base_index:
            return self.log.trace_rows(last, last)
        return () if snapshot is None else ((snapshot.index, snapshot.term, snapshot.hash, None),)

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
            self._election_is_due()

    def synced(self, number: int) -> None:
        """Everything recorded up to `number` is on disk."""
        outbox = self.outbox
        outbox.synced(number)
        self.trace("synced", index=outbox.durable.last_index, vote=outbox.durable.vote)
        if self.role == "leader":
            self._advance_commit_index()
        elif self.role == "candidate" and not self.is_pre_candidate and self.sync_barrier() <= number:
            self._count_vote(self.name)

    def receive(self, sender: str, message: RaftMessage) -> None:
        """A peer's request, or its reply to one."""
        if isinstance(message, RequestVote) and not self.may_be_disturbed(message):
            return
        if message.term > self.current_term and not isinstance(message, PreVote):
            self._become_follower()  # Figure 2, all servers; first the role: no trace line may show the old
            self._set_term(message.term)  # role in the new term
            self._leader_heard_at = None
        match message:
            case AppendEntries():
                self._on_append_entries(sender, message)
            case AppendEntriesReply():
                self._on_append_entries_reply(sender, message)
            case InstallSnapshot():
                self._on_install_snapshot(sender, message)
            case InstallSnapshotReply():
                self._on_install_snapshot_reply(sender, message)
            case RequestVote():
                self._on_request_vote(sender, message)
            case RequestVoteReply():
                self._on_request_vote_reply(sender, message)
            case PreVote():
                self._on_pre_vote(sender, message)
            case PreVoteReply():
                self._on_pre_vote_reply(sender, message)
            case TimeoutNow():
                self._on_timeout_now(message)

    def hand_over(self) -> None:
        """A leader that is about to stop asks the follower that holds most to stand (thesis, 3.10)."""
        successors = [name for name in self.peers if name in self.voters]
        if self.role == "leader" and successors:
            self.transfer_to(max(successors, key=lambda name: self.peers[name].match_index))

    def propose(self, payload: bytes, op: str | None, session: tuple[str, int] | None = None) -> int:
        """Append a command at the leader; returns its index. At the step's end `replicate` sends it."""
        entry = Entry(self.log.last_index + 1, self.current_term, "command", payload, op, session)
        self._append((entry,))
        self.has_unsent = True
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
        if self.role == "leader" and self.has_been_removed():
            self.hand_over()
            self._become_follower()

    def _on_append_entries_reply(self, sender: str, reply: AppendEntriesReply) -> None:
        if self.role != "leader" or reply.term != self.current_term:
            return
        peer = self.peers.get(sender)
        if peer is None:
            return  # it was removed meanwhile
        peer.heard = True
        peer.read_round = max(peer.read_round, reply.read_round)
        self._renew_lease()
        if reply.success:
            if reply.match_index >= self.log.base_index:
                peer.transfer = None
            if peer.accepted(reply.match_index):
                self._advance_commit_index()
            self.has_unsent = True
        elif peer.transfer is not None:
            self._send_chunk_again(sender, peer)
        elif peer.refused(reply.match_index, self._back_off(reply)):
            self._replicate(sender, peer)
        self._finish_read_round()

    # ---- Reads (thesis, section 6.4) -------------------------------------------------------------------

    def _start_read_round(self) -> None:
        if not self.may_serve_reads():
            return
        if self.lease_holds():
            self.reads.confirm_waiting(self.commit_index)
        elif self.reads.may_begin:
            self.reads.begin(self.commit_index)
            self._broadcast_heartbeat()
            self._finish_read_round()  # a majority of one needs no answer

    def _finish_read_round(self) -> None:
        if self.reads.is_open and self.leadership_is_confirmed():
            self.reads.finish()
            self._start_read_round()
