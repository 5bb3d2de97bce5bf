"""The State box of Figure 2: what one member holds, and the named ways in which that changes.

Names are the paper's, in Python's spelling:

| the paper | here | | the paper | here |
|---|---|---|---|---|
| currentTerm | `current_term` | | lastApplied | `last_applied` |
| votedFor | `voted_for` | | nextIndex[] | `Followers.by_name[...].next_index` |
| log[] | `log` | | matchIndex[] | `Followers.by_name[...].match_index` |
| commitIndex | `commit_index` | | | |

All collaborators of `Raft` share one `RaftState`. They read its fields, and change them by its methods alone.
Each change is recorded for the disk, where the paper calls that part of the state persistent, and traced.
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
from node_impl.core.raft.member.configurations import Configurations
from node_impl.core.raft.member.log import Log
from node_impl.core.raft.member.outbox import Durable, Outbox
from node_impl.core.raft.member.tracing import DESCRIBE
from node_impl.core.raft.messages import Envelope, Message


class RaftState:
    """One member's term, vote, role, log and commitIndex, shared by the collaborators of `Raft`.

    Args:
        name: this member, one of `members`.
        members: all nodes that can be reached; they are the first voters, unless the settings name some.
        life: the number of this life of the node, from 1; it makes message ids unique.
        recovered: what the storage found on disk.
    """

    __slots__ = (
        "_message_prefix",
        "_messages",
        "commit_index",
        "config",
        "configuration",
        "configurations",
        "current_term",
        "known",
        "last_applied",
        "leader",
        "log",
        "name",
        "now",
        "outbox",
        "role",
        "voted_for",
    )

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
        """All nodes that can be reached, whether they are members of the cluster or not."""
        self.config = config
        self.now = 0
        """The time of the step, by the node's monotonic clock."""
        hard_state = self.recover(recovered)
        self.current_term = hard_state.term
        self.voted_for = hard_state.vote
        self.log = self.new_log(recovered)
        self.commit_index = self.last_applied = self.applied_with(recovered.snapshot)
        self.role: Role = "follower"
        self.leader: str | None = None
        """The leader of current_term, as far as this member knows."""
        self.outbox = Outbox(Durable(self.voted_for, self.log.last_index))
        self.configurations = Configurations(config.voters or members, recovered.snapshot, self.log)
        self.configuration = self.configuration_in_force()
        """Who votes and who learns, now."""
        self._message_prefix = f"{name}:{life}:"
        self._messages = 0

    # ---- The rules -------------------------------------------------------------------------------------

    def recover(self, recovered: Recovered) -> HardState:
        """currentTerm and votedFor outlive a restart (Figure 2, persistent state)."""
        return recovered.hard_state

    def applied_with(self, snapshot: Snapshot | None) -> int:
        """The last entry that the state machine holds once it has become the snapshot (section 7)."""
        return 0 if snapshot is None else snapshot.index

    def configuration_in_force(self) -> Configuration:
        """The newest configuration in the log, whether it is committed or not (thesis, section 4.1)."""
        return self.configurations.newest

    def sync_barrier(self) -> int:
        """The record that must be on disk before other nodes rely on what this node holds: the newest one.

        Figure 2: "updated on stable storage before responding to RPCs". A leader's own copy of an entry, too,
        counts toward a majority only from then on (thesis, 10.2.1).
        """
        return self.outbox.newest

    def has_committed_in_its_term(self) -> bool:
        """Whether an entry of the current term is committed.

        Until then a leader does not know which entries of earlier terms are committed (section 8; thesis,
        6.4). Reads and changes of membership wait for it.
        """
        return self.log.term_at(self.commit_index) == self.current_term

    # ---- Changes ---------------------------------------------------------------------------------------

    def new_log(self, recovered: Recovered) -> Log:
        """The log that the storage found."""
        return Log(recovered.entries, recovered.base.index, recovered.base.term)

    def set_time(self, now: int) -> None:
        """A step begins; times never decrease."""
        self.now = now

    def enter_term(self, term: int) -> None:
        """Move to a higher term, in which this member has not voted yet."""
        self.current_term, self.voted_for = term, None
        self.outbox.record(HardState(term, None))
        self.trace("term")

    def vote_for(self, candidate: str) -> None:
        """Give this term's vote to a candidate."""
        self.voted_for = candidate
        self.outbox.record(HardState(self.current_term, candidate))
        self.trace("vote", vote=candidate)

    def take_role(self, role: Role) -> None:
        """Become a follower, a candidate or a leader."""
        self.role = role
        self.trace("role")

    def know_leader(self, leader: str | None) -> None:
        """Remember who leads the current term; None: this member does not know."""
        self.leader = leader

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Put entries at the end of the log; a configuration among them is in force from now on."""
        first = self.log.last_index + 1
        self.log.append(entries)
        self.outbox.record(AppendRecord(entries))
        self.trace("append", entries=self.log.trace_rows(first, self.log.last_index))
        for entry in entries:
            if entry.kind == "configuration":
                self.configurations.appended(entry)
                self._take_up_configuration()

    def truncate(self, index: int) -> None:
        """Remove the entries from `index` on; configurations among them are not in force any more."""
        self.log.truncate(index)
        self.outbox.truncated(index - 1)
        self.outbox.record(TruncateRecord(index))
        self.trace("truncate", index=index)
        self.configurations.truncated(index)
        self._take_up_configuration()

    def commit_up_to(self, index: int) -> None:
        """Raise commitIndex, if `index` lies above it."""
        if index > self.commit_index:
            self.commit_index = index
            self.trace("commit")

    def applied_up_to(self, index: int, skipped: tuple[int, ...] = ()) -> None:
        """Raise lastApplied: the state machine holds all entries up to `index`, and skipped some of them."""
        first = self.last_applied + 1
        self.last_applied = index
        self.trace("apply", entries=self.log.trace_rows(first, index), skipped=skipped)

    def jump_to(self, snapshot: Snapshot) -> None:
        """Take all entries that an installed snapshot stands for as committed and applied (Figure 13)."""
        self.commit_index = self.last_applied = self.applied_with(snapshot)

    def replace_log_up_to(self, snapshot: Snapshot, base_index: int) -> None:
        """A snapshot takes the place of the log up to `base_index`, on the disk as in memory."""
        log = self.log
        log.compact(base_index)
        self.configurations.compacted(snapshot, log.last_index)
        self._take_up_configuration()
        base = BaseRecord(log.base_index, log.base_term)
        self.outbox.record(SnapshotRecord(snapshot, base, log.entries_after(base.index)))

    def discard_log(self, snapshot: Snapshot) -> None:
        """Drop all entries, since they do not lead to the snapshot, which the log now follows (Figure 13)."""
        self.outbox.truncated(self.commit_index)
        self.log.restart_after(snapshot.index, snapshot.term)

    def _take_up_configuration(self) -> None:
        """Follow the configuration in force, if it is another than before."""
        configuration = self.configuration_in_force()
        if configuration != self.configuration:
            self.configuration = configuration
            self.trace_configuration()

    # ---- Effects -----------------------------------------------------------------------------------------

    def trace_configuration(self) -> None:
        """Trace the members from now on, and the index of the entry or snapshot that names them, if any."""
        index, configuration = self.configurations.newest_index or None, self.configuration
        self.trace(
            "configuration", index=index, members=configuration.voters, learners=configuration.learners
        )

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
        why: str | None = None,
        skipped: tuple[int, ...] = (),
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
                why=why,
                skipped=skipped,
            )
        )

    def trace_message(self, event: str, peer: str, message: str, message_id: str) -> Trace:
        """Trace a message that is sent or received; a shorter way, since most lines are of this kind."""
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
        describe = DESCRIBE.get(kind)
        if describe is not None:
            describe(body, line)
            if body.term != self.current_term:  # type: ignore[union-attr]  # all of those carry one
                line.of_term = body.term  # type: ignore[union-attr]  # see above
        self.outbox.effects.append(Send(to, Envelope(message_id, self.name, body), after))
        return message_id
