"""Figure 2's State box: what one member holds, and the ways in which it changes.

Names are the paper's, in Python's spelling:

| the paper | here | | the paper | here |
|---|---|---|---|---|
| currentTerm | `current_term` | | lastApplied | `last_applied` |
| votedFor | `voted_for` | | nextIndex[] | `peers[...].next_index` |
| log[] | `log` | | matchIndex[] | `peers[...].match_index` |
| commitIndex | `commit_index` | | | |

Each change is recorded for the disk, where the paper calls the state persistent, and traced. When
to change what is for `core.py` alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from node_impl.core.config import NodeConfig
from node_impl.core.events import (
    AppendRecord,
    BaseRecord,
    Configuration,
    Entry,
    HardState,
    Recovered,
    Role,
    Send,
    Snapshot,
    SnapshotRecord,
    Trace,
    TraceRow,
    TruncateRecord,
)
from node_impl.core.raft.configurations import decode_configuration
from node_impl.core.raft.lease import Lease
from node_impl.core.raft.log import Log
from node_impl.core.raft.messages import Envelope, Message
from node_impl.core.raft.outbox import Durable, Outbox
from node_impl.core.raft.progress import Progress
from node_impl.core.raft.read_rounds import ReadRounds
from node_impl.core.raft.snapshots import encode_snapshot
from node_impl.core.raft.tracing import TELL


class State:
    """A member's state; `Raft` adds the rules."""

    def __init__(
        self,
        *,
        name: str,
        members: tuple[str, ...],
        life: int,
        recovered: Recovered,
        config: NodeConfig,
    ) -> None:
        if name not in members or len(set(members)) != len(members):
            raise ValueError(f"{name!r} must be one of the members, each named once; they are {members!r}")
        self.name = name
        self.known = members
        """All nodes that can be reached, be they members or not."""
        self.config = config
        self.now = 0
        hard_state = self.recover(recovered)
        self.current_term = hard_state.term
        self.voted_for = hard_state.vote
        self.log = Log(recovered.entries, recovered.base.index, recovered.base.term)
        self.snapshot = recovered.snapshot
        """The newest one, taken or installed."""
        self.installed = recovered.snapshot
        """A snapshot that the state machine has still to become; whoever restores it empties this."""
        self.commit_index = self.last_applied = self.applied_with(self.snapshot)
        self.role: Role = "follower"
        self.leader: str | None = None
        """Who leads current_term, as far as is known."""
        self.votes: set[str] = set()
        self.peers: dict[str, Progress] = {}
        self.reads = ReadRounds()
        self.lease = Lease()
        self.has_unsent = False
        """At a leader: whether there may be entries, or room for them, that no message was sent for yet."""
        self.outbox = Outbox(Durable(self.voted_for, self.log.last_index))
        first = Configuration(config.voters or members)
        self.configurations: list[tuple[int, Configuration]] = [(0, first)]
        """(index, configuration): the one that the log begins with, then those of its entries."""
        self.configuration = first
        self._recover_configurations()
        self._snapshot_bytes: bytes | None = None
        """`snapshot` as it is sent, once somebody needed it."""
        self._message_prefix = f"{name}:{life}:"
        self._messages = 0

    def recover(self, recovered: Recovered) -> HardState:
        """currentTerm and votedFor outlive a restart (Figure 2, persistent state)."""
        return recovered.hard_state

    def applied_with(self, snapshot: Snapshot | None) -> int:
        """Up to where the state machine is once it has become what the snapshot says (section 7)."""
        return 0 if snapshot is None else snapshot.index

    # ---- Membership (thesis, chapter 4) ------------------------------------------------------------------

    def configuration_in_force(self) -> Configuration:
        """The newest in the log, committed or not (thesis, section 4.1)."""
        return self.configurations[-1][1]

    @property
    def voters(self) -> tuple[str, ...]:
        """Those whose votes count."""
        return self.configuration.voters

    @property
    def members(self) -> tuple[str, ...]:
        """Voters and learners, sorted."""
        return self.configuration.members

    @property
    def others(self) -> tuple[str, ...]:
        """All members but this one."""
        return tuple(member for member in self.members if member != self.name)

    def configuration_at(self, index: int) -> Configuration:
        """The configuration that the entries up to `index` amount to."""
        return next(found for at, found in reversed(self.configurations) if at <= index)

    def _recover_configurations(self) -> None:
        start = self.log.base_index
        if self.snapshot is not None:
            start = self.snapshot.index
            self.configurations = [(start, self.snapshot.configuration)]
        for entry in self.log.entries_after(start):
            if entry.kind == "configuration":
                self.configurations.append((entry.index, decode_configuration(entry.payload)))
        self.configuration = self.configuration_in_force()

    def _configuration_changed(self) -> None:
        """Take up what is in force now, if it is another than before."""
        configuration = self.configuration_in_force()
        if configuration == self.configuration:
            return
        self.configuration = configuration
        self.trace_configuration()

    def trace_configuration(self) -> None:
        """Tell who is in the cluster from now on, by which entry or snapshot; by none, at first."""
        index = self.configurations[-1][0] or None
        self.trace("configuration", index=index, members=self.voters, learners=self.configuration.learners)

    # ---- Changes ---------------------------------------------------------------------------------------

    def _set_term(self, term: int) -> None:
        self.current_term, self.voted_for = term, None
        self.outbox.record(HardState(term, None))
        self.trace("term")

    def _vote_for(self, candidate: str) -> None:
        self.voted_for = candidate
        self.outbox.record(HardState(self.current_term, candidate))
        self.trace("vote", vote=candidate)

    def _set_role(self, role: Role) -> None:
        self.role = role
        self.trace("role")

    def _append(self, entries: tuple[Entry, ...]) -> None:
        first = self.log.last_index + 1
        self.log.append(entries)
        self.outbox.record(AppendRecord(entries))
        self.trace("append", entries=self.log.trace_rows(first, self.log.last_index))
        for entry in entries:
            if entry.kind == "configuration":
                self.configurations.append((entry.index, decode_configuration(entry.payload)))
                self._configuration_changed()

    def _truncate(self, index: int) -> None:
        self.log.truncate(index)
        self.outbox.truncated(index - 1)
        self.outbox.record(TruncateRecord(index))
        self.trace("truncate", index=index)
        while self.configurations[-1][0] >= index:
            self.configurations.pop()
        self._configuration_changed()

    def _set_commit_index(self, index: int) -> None:
        if index > self.commit_index:
            self.commit_index = index
            self.trace("commit")

    def _set_snapshot(self, snapshot: Snapshot, base_index: int) -> None:
        """A snapshot takes the place of the log up to `base_index`, on the disk as in memory."""
        self.snapshot, self._snapshot_bytes = snapshot, None
        self.log.compact(base_index)
        later = [
            (at, found) for at, found in self.configurations if snapshot.index < at <= self.log.last_index
        ]
        self.configurations = [(snapshot.index, snapshot.configuration), *later]
        self._configuration_changed()
        base = BaseRecord(self.log.base_index, self.log.base_term)
        self.outbox.record(SnapshotRecord(snapshot, base, self.log.entries_after(base.index)))

    def _trace_snapshot(self, peer: str | None) -> None:
        """`peer`: who sent it; None if it was taken here."""
        snapshot = self.snapshot
        assert snapshot is not None
        row = (snapshot.index, snapshot.term, snapshot.hash, None)
        self.trace("snapshot", index=snapshot.index, entries=(row,), digest=snapshot.digest, peer=peer)

    def encoded_snapshot(self) -> bytes:
        """The newest snapshot's bytes."""
        assert self.snapshot is not None
        if self._snapshot_bytes is None:
            self._snapshot_bytes = encode_snapshot(self.snapshot)
        return self._snapshot_bytes

    # ---- Effects -----------------------------------------------------------------------------------------

    def trace(
        self,
        event: str,
        *,
        vote: str | None = None,
        peer: str | None = None,
        message: str | None = None,
        message_id: str | None = None,
        index: int | None = None,
        op: str | None = None,
        digest: str | None = None,
        entries: Sequence[TraceRow] = (),
        members: tuple[str, ...] = (),
        learners: tuple[str, ...] = (),
    ) -> None:
        """Have a line written to the node's trace, with the state as it is now."""
        self.outbox.effects.append(
            Trace(
                0,
                0,
                event,
                self.current_term,
                self.role,
                self.commit_index,
                self.last_applied,
                self.log.last_index,
                vote,
                peer,
                message,
                message_id,
                index,
                op,
                digest,
                entries,
                members,
                learners,
            )
        )

    def trace_message(self, event: str, peer: str, message: str, message_id: str) -> Trace:
        """The same for a message that is sent or received, of which there are more than of all else."""
        line = Trace(
            0,
            0,
            event,
            self.current_term,
            self.role,
            self.commit_index,
            self.last_applied,
            self.log.last_index,
            None,
            peer,
            message,
            message_id,
        )
        self.outbox.effects.append(line)
        return line

    def send(self, to: str, body: Message, after: int = 0) -> str:
        """Send a message once `after` is synced; returns its message id."""
        self._messages += 1
        message_id = f"{self._message_prefix}{self._messages}"
        kind = type(body)
        line = self.trace_message("send", to, kind.__name__, message_id)
        tell = TELL.get(kind)
        if tell is not None:
            tell(body, line)
            if body.term != self.current_term:  # type: ignore[union-attr]  # all of those carry one
                line.of_term = body.term  # type: ignore[union-attr]  # see above
        self.outbox.effects.append(Send(to, Envelope(message_id, self.name, body), after))
        return message_id
