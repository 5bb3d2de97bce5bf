"""Taking, sending and installing snapshots: a follower may lack what no log holds any more (section 7)."""

from __future__ import annotations

from node_impl.core.events import Snapshot
from node_impl.core.raft.messages import InstallSnapshot, InstallSnapshotReply
from node_impl.core.raft.progress import Progress
from node_impl.core.raft.replication import Replication
from node_impl.core.raft.snapshots import Incoming, Outgoing, SnapshotBytesError, decode_snapshot


class Snapshotting(Replication):
    """A member that takes, sends and installs snapshots."""

    incoming: Incoming | None = None
    """What has arrived of a leader's snapshot."""

    # ---- The rules -------------------------------------------------------------------------------------

    def log_goes_on_from(self, snapshot: Snapshot) -> bool:
        """Whether the log holds the snapshot's last entry: then what follows it is kept; if not, the log
        is discarded as a whole (Figure 13, rules 6 and 7)."""
        return self.log.term_at(snapshot.index) == snapshot.term

    def is_news(self, index: int) -> bool:
        """A snapshot that ends at or below commitIndex tells nothing, and would take the state back."""
        return index > self.commit_index

    def compaction_point(self, snapshot: Snapshot) -> int:
        """Up to where the log may be forgotten: never beyond what the snapshot stands for."""
        return max(self.log.base_index, snapshot.index - self.config.snapshot_trailing)

    # ---- Taking ----------------------------------------------------------------------------------------

    def snapshot_is_due(self) -> bool:
        """Whether enough was applied since the last one."""
        before = 0 if self.snapshot is None else self.snapshot.index
        return self.last_applied - before >= self.config.snapshot_entries

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """The state machine's state, as of last_applied, takes the place of the log's beginning."""
        self._set_snapshot(snapshot, self.compaction_point(snapshot))
        self._trace_snapshot(peer=None)

    # ---- Sending ---------------------------------------------------------------------------------------

    def _send_snapshot(self, name: str, peer: Progress) -> None:
        """Begin a transfer, unless one is under way: that one's answers drive it."""
        if peer.transfer is None:
            assert self.snapshot is not None  # the log has a base
            peer.transfer = Outgoing(self.snapshot, self.encoded_snapshot())
            self._send_chunk(name, peer.transfer)

    def _send_chunk(self, name: str, transfer: Outgoing) -> None:
        transfer.heartbeats = 0
        self.send(
            name,
            InstallSnapshot(
                self.current_term,
                transfer.snapshot.index,
                transfer.snapshot.digest,
                len(transfer.data),
                transfer.offset,
                transfer.chunk(self.config.snapshot_chunk_bytes),
            ),
        )

    def _send_chunk_again(self, name: str, peer: Progress) -> None:
        """The follower answered a heartbeat: if two were sent since the chunk, that one is lost."""
        if peer.transfer is None or peer.transfer.heartbeats < 2:
            return
        if peer.transfer.offset == 0:  # nothing has arrived yet, so the newest one serves better
            peer.transfer = None
            self._send_snapshot(name, peer)
        else:
            self._send_chunk(name, peer.transfer)

    def _on_install_snapshot_reply(self, sender: str, reply: InstallSnapshotReply) -> None:
        if self.role != "leader" or reply.term != self.current_term:
            return
        peer = self.peers.get(sender)
        transfer = None if peer is None else peer.transfer
        if peer is None or transfer is None:
            return
        peer.heard = True
        if (reply.index, reply.digest) != (transfer.snapshot.index, transfer.snapshot.digest):
            return  # about an earlier one
        if reply.held >= len(transfer.data):
            peer.transfer = None
            if peer.accepted(reply.index):
                self._advance_commit_index()
            self._replicate(sender, peer)
        elif reply.held != transfer.offset:
            transfer.offset = reply.held
            self._send_chunk(sender, transfer)

    # ---- Installing ------------------------------------------------------------------------------------

    def _on_install_snapshot(self, leader: str, request: InstallSnapshot) -> None:
        if request.term < self.current_term:
            self._reply_held(leader, request, 0)
            return
        if self.role != "follower":
            self._become_follower()
        self._hear_leader(leader)
        if not self.is_news(request.index):
            self.incoming = None
            self._reply_held(leader, request, request.total)
            return
        incoming = self.incoming
        if incoming is None or (incoming.index, incoming.digest) != (request.index, request.digest):
            incoming = self.incoming = Incoming(request.index, request.digest, request.total)
        incoming.take(request.offset, request.data)
        if incoming.is_whole:
            self.incoming = None
            try:
                snapshot = decode_snapshot(bytes(incoming.data))
            except SnapshotBytesError:  # its digest is wrong: it has to be sent again from the beginning
                self._reply_held(leader, request, 0)
                return
            self._install(snapshot, leader)
            self._reply_held(leader, request, request.total)
        else:
            self._reply_held(leader, request, len(incoming.data))

    def _reply_held(self, leader: str, request: InstallSnapshot, held: int) -> None:
        reply = InstallSnapshotReply(self.current_term, request.index, request.digest, held)
        self.send(leader, reply, after=self.sync_barrier())

    def _install(self, snapshot: Snapshot, leader: str) -> None:
        if not self.log_goes_on_from(snapshot):
            self.outbox.truncated(self.commit_index)
            self.log = self.log.after_snapshot(snapshot.index, snapshot.term)
        self._set_snapshot(snapshot, snapshot.index)
        self.installed = snapshot
        self.commit_index = self.last_applied = self.applied_with(snapshot)
        self._trace_snapshot(peer=leader)
