"""Taking, sending and installing snapshots: a follower may lack what no log holds any more (section 7).

One chunk at a time is on its way to a follower, and the follower's answer says how many bytes it
holds, which is where the next chunk starts: so a lost, repeated or late message costs a chunk at most,
and a transfer that was broken off goes on where it was, also under another leader.
"""

from __future__ import annotations

from node_impl.core.events import Snapshot
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.followers import Followers, Outgoing, Progress
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.messages import InstallSnapshot, InstallSnapshotReply
from node_impl.core.raft.snapshot_bytes import SnapshotBytesError, decode_snapshot, encode_snapshot


class Snapshots:
    """The newest snapshot of this member, and those that are on their way to it or from it.

    Args:
        recovered: the snapshot that the storage found; the state machine has still to become it.
    """

    __slots__ = ("_bytes", "_elections", "_followers", "_incoming", "_state", "installed", "newest")

    def __init__(
        self, state: RaftState, followers: Followers, elections: Elections, recovered: Snapshot | None
    ) -> None:
        self._state = state
        self._followers = followers
        self._elections = elections
        self.newest = recovered
        """The newest snapshot, taken or installed."""
        self.installed = recovered
        """A snapshot that the state machine has still to become."""
        self._bytes: bytes | None = None
        """`newest` as it is sent, once it was sent."""
        self._incoming: Incoming | None = None
        """What has arrived of a leader's snapshot."""
        if recovered is not None and self.log_goes_on_from(recovered):
            # A crash between the snapshot and the shorter log leaves the longer one on the disk.
            state.log.compact(self.compaction_point(recovered))

    # ---- The rules -------------------------------------------------------------------------------------

    def log_goes_on_from(self, snapshot: Snapshot) -> bool:
        """Whether the log holds the snapshot's last entry: then what follows it is kept; if not, the log
        is discarded as a whole (Figure 13, rules 6 and 7)."""
        return self._state.log.term_at(snapshot.index) == snapshot.term

    def is_news(self, index: int) -> bool:
        """A snapshot that ends at or below commitIndex tells nothing, and would take the state back."""
        return index > self._state.commit_index

    def compaction_point(self, snapshot: Snapshot) -> int:
        """Up to where the log may be forgotten: never beyond what the snapshot stands for."""
        state = self._state
        return max(state.log.base_index, snapshot.index - state.config.snapshot_trailing)

    def take_installed(self) -> Snapshot | None:
        """The snapshot that the state machine has to become now; it is handed out once."""
        installed, self.installed = self.installed, None
        return installed

    # ---- Taking ----------------------------------------------------------------------------------------

    def is_due(self) -> bool:
        """Whether enough was applied since the last one."""
        before = 0 if self.newest is None else self.newest.index
        return self._state.last_applied - before >= self._state.config.snapshot_entries

    def take(self, snapshot: Snapshot) -> None:
        """The state machine's state, up to last_applied, takes the place of the log's beginning."""
        self._keep(snapshot, self.compaction_point(snapshot))
        self._trace(snapshot, peer=None)

    # ---- Sending ---------------------------------------------------------------------------------------

    def send(self, name: str, peer: Progress) -> None:
        """Begin a transfer, unless one is under way: the answers to that one drive it."""
        if peer.transfer is None:
            assert self.newest is not None  # the log has a base
            peer.transfer = Outgoing(self.newest, self._encoded(self.newest))
            self._send_chunk(name, peer.transfer)

    def send_chunk_again(self, name: str, peer: Progress) -> None:
        """The follower answered a heartbeat: if two were sent since the chunk, the chunk is lost."""
        if peer.transfer is None or not peer.transfer.chunk_is_lost:
            return
        if peer.transfer.offset == 0:  # nothing has arrived yet, so the newest one serves better
            peer.transfer = None
            self.send(name, peer)
        else:
            self._send_chunk(name, peer.transfer)

    def on_install_snapshot_reply(self, sender: str, reply: InstallSnapshotReply) -> bool:
        """A follower says how much of the snapshot it holds; returns whether it has installed it."""
        if self._state.role != "leader" or reply.term != self._state.current_term:
            return False
        peer = self._followers.by_name.get(sender)
        transfer = None if peer is None else peer.transfer
        if peer is None or transfer is None:
            return False
        peer.answered()
        if (reply.index, reply.digest) != (transfer.snapshot.index, transfer.snapshot.digest):
            return False  # about an earlier one
        if reply.held >= len(transfer.data):
            peer.transfer = None
            return True
        if transfer.follower_holds(reply.held):
            self._send_chunk(sender, transfer)
        return False

    def _send_chunk(self, name: str, transfer: Outgoing) -> None:
        self._state.send(
            name,
            InstallSnapshot(
                self._state.current_term,
                transfer.snapshot.index,
                transfer.snapshot.digest,
                len(transfer.data),
                transfer.offset,
                transfer.next_chunk(self._state.config.snapshot_chunk_bytes),
            ),
        )

    def _encoded(self, snapshot: Snapshot) -> bytes:
        if self._bytes is None:
            self._bytes = encode_snapshot(snapshot)
        return self._bytes

    # ---- Installing ------------------------------------------------------------------------------------

    def on_install_snapshot(self, leader: str, request: InstallSnapshot) -> None:
        """The leader sends a chunk of its snapshot (Figure 13, InstallSnapshot RPC, receiver)."""
        state = self._state
        if request.term < state.current_term:
            self._reply(leader, request, 0)
            return
        if state.role != "follower":
            self._elections.become_follower()
        self._elections.hear_leader(leader)
        if not self.is_news(request.index):
            self._incoming = None
            self._reply(leader, request, request.total)
            return
        incoming = self._incoming
        if incoming is None or (incoming.index, incoming.digest) != (request.index, request.digest):
            incoming = self._incoming = Incoming(request.index, request.digest, request.total)
        incoming.take(request.offset, request.data)
        if not incoming.is_whole:
            self._reply(leader, request, len(incoming.data))
            return
        self._incoming = None
        try:
            snapshot = decode_snapshot(bytes(incoming.data))
        except SnapshotBytesError:  # its digest is wrong: it has to be sent again from the beginning
            self._reply(leader, request, 0)
            return
        self._install(snapshot, leader)
        self._reply(leader, request, request.total)

    def _install(self, snapshot: Snapshot, leader: str) -> None:
        if not self.log_goes_on_from(snapshot):
            self._state.discard_log(snapshot)
        self._keep(snapshot, snapshot.index)
        self.installed = snapshot
        self._state.jump_to(snapshot)
        self._trace(snapshot, peer=leader)

    def _reply(self, leader: str, request: InstallSnapshot, held: int) -> None:
        state = self._state
        reply = InstallSnapshotReply(state.current_term, request.index, request.digest, held)
        state.send(leader, reply, after=state.sync_barrier())

    # ---- Keeping ---------------------------------------------------------------------------------------

    def _keep(self, snapshot: Snapshot, base_index: int) -> None:
        """From now on this is the newest one, and the log begins after `base_index`."""
        self.newest, self._bytes = snapshot, None
        self._state.replace_log_up_to(snapshot, base_index)

    def _trace(self, snapshot: Snapshot, peer: str | None) -> None:
        """Trace the snapshot; `peer` sent it; None if it was taken here."""
        row = (snapshot.index, snapshot.term, snapshot.hash, None)
        self._state.trace("snapshot", index=snapshot.index, entries=(row,), digest=snapshot.digest, peer=peer)


class Incoming:
    """The part of a leader's snapshot that has arrived at a follower."""

    __slots__ = ("data", "digest", "index", "total")

    def __init__(self, index: int, digest: str, total: int) -> None:
        self.index = index
        self.digest = digest
        self.total = total
        self.data = bytearray()

    def take(self, offset: int, chunk: bytes) -> None:
        """Keep a chunk that continues what is held; any other is a repetition, or comes too early."""
        if offset == len(self.data) and offset + len(chunk) <= self.total:
            self.data += chunk

    @property
    def is_whole(self) -> bool:
        """Whether all bytes of the snapshot have arrived."""
        return len(self.data) == self.total
