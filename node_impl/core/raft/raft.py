"""`Raft`: one member's consensus, as one object with collaborators that each own their part of it.

Each message and each timer goes to one collaborator, by the `match` in `receive` and in `timer_fired`.
Collaborators know those above them in this list, by name and type:

| collaborator | owns |
|---|---|
| `state` (`RaftState`) | term, vote, role, log, commitIndex, lastApplied, the outbox |
| `followers` (`Followers`) | nextIndex and matchIndex of each follower |
| `membership` (`Membership`) | what a majority is, when the members may change |
| `leases` (`LeaderLeases`) | promises to a leader, and the leader's lease |
| `elections` (`Elections`) | votes, the election timer, stepping down |
| `snapshots` (`Snapshots`) | the newest snapshot and transfers of it |
| `reads` (`ReadRounds`) | the rounds that confirm leadership for reads |
| `replication` (`Replication`) | AppendEntries, what counts as committed |

Two calls go the other way, through `Raft` itself: an election that is won begins a leadership (`Leadership`),
and a round of reads needs a heartbeat (`Heartbeats`).

Beyond Figure 2, each from the thesis: an empty entry at the start of a term and ReadIndex (section 6.4),
messages sent ahead of their answers, and the leader's own disk write in parallel with its followers'
(10.2.1), pre-vote (9.6), leaders that hand over (3.10), and leaders that step down where they hear no
majority (6.2).

`Node` (`node_impl/core/node.py`) drives `Raft`: it sets the time, says what happened, applies what is
committed and takes the effects out of `state.outbox`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from node_impl.core.config import NodeConfig
from node_impl.core.events import Recovered, TraceRow
from node_impl.core.raft.elections import HEARTBEAT_TIMER, Elections, Random
from node_impl.core.raft.followers import Followers
from node_impl.core.raft.leases import LeaderLeases
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership
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
from node_impl.core.raft.nonsense import nonsense_of
from node_impl.core.raft.reads import ReadRounds
from node_impl.core.raft.replication import Replication
from node_impl.core.raft.snapshots import Snapshots


class RaftParts(Protocol):
    """The class of each collaborator; a seeded bug names a subclass (`node_impl/core/build.py`)."""

    @property
    def state(self) -> type[RaftState]: ...
    @property
    def followers(self) -> type[Followers]: ...
    @property
    def membership(self) -> type[Membership]: ...
    @property
    def leases(self) -> type[LeaderLeases]: ...
    @property
    def elections(self) -> type[Elections]: ...
    @property
    def snapshots(self) -> type[Snapshots]: ...
    @property
    def reads(self) -> type[ReadRounds]: ...
    @property
    def replication(self) -> type[Replication]: ...


class Raft:
    """One member of the cluster.

    Args:
        name: this member, one of `members`.
        members: all nodes that can be reached; they are the first voters, unless the settings name some.
        life: the number of this life of the node, from 1; it makes message ids unique.
        recovered: what its storage found.
        random: where election time-outs are drawn.
    """

    __slots__ = (
        "elections",
        "followers",
        "leases",
        "membership",
        "reads",
        "replication",
        "snapshots",
        "state",
    )

    def __init__(
        self,
        *,
        name: str,
        members: tuple[str, ...],
        life: int,
        recovered: Recovered,
        random: Random,
        config: NodeConfig,
        parts: RaftParts,
    ) -> None:
        state = parts.state(name=name, members=members, life=life, recovered=recovered, config=config)
        followers = parts.followers(state)
        membership = parts.membership(state, followers)
        leases = parts.leases(state, membership, followers)
        elections = parts.elections(state, membership, followers, leases, self, random)
        snapshots = parts.snapshots(state, followers, elections, recovered.snapshot)
        reads = parts.reads(state, membership, followers, leases, self)
        self.state = state
        self.followers = followers
        self.membership = membership
        self.leases = leases
        self.elections = elections
        self.snapshots = snapshots
        self.reads = reads
        self.replication = parts.replication(
            state, membership, followers, leases, elections, snapshots, reads
        )

    # ---- What happens to it ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin this life of the node."""
        state, snapshot = self.state, self.snapshots.newest
        state.trace(
            "restart",
            vote=state.voted_for,
            entries=self._last_row(),
            index=None if snapshot is None else snapshot.index,
            digest=None if snapshot is None else snapshot.digest,
        )
        state.trace_configuration()
        self.leases.promise()  # an earlier life may have heard a leader, an instant ago
        self.elections.arm_election_timer()

    def receive(self, sender: str, message: RaftMessage) -> None:
        """A peer's request, or its reply to one."""
        elections = self.elections
        why = nonsense_of(message, self.state)
        if why is not None:
            self.refuse(sender, why)
            return
        if isinstance(message, RequestVote) and not elections.may_be_disturbed(message):
            return
        if message.term > self.state.current_term and not isinstance(message, PreVote):
            elections.move_to(message.term)
        match message:
            case AppendEntries():
                self.replication.on_append_entries(sender, message)
            case AppendEntriesReply():
                self.replication.on_append_entries_reply(sender, message)
            case InstallSnapshot():
                self.snapshots.on_install_snapshot(sender, message)
            case InstallSnapshotReply():
                if self.snapshots.on_install_snapshot_reply(sender, message):
                    self.replication.on_snapshot_installed(sender, message.index)
            case RequestVote():
                elections.on_request_vote(sender, message)
            case RequestVoteReply():
                elections.on_request_vote_reply(sender, message)
            case PreVote():
                elections.on_pre_vote(sender, message)
            case PreVoteReply():
                elections.on_pre_vote_reply(sender, message)
            case TimeoutNow():
                elections.on_timeout_now(message)

    def refuse(self, peer: str, why: str) -> None:
        """A peer sent nonsense: it changes nothing, and the trace shows it."""
        self.state.trace("refuse", peer=peer, why=why)

    def timer_fired(self, name: str) -> None:
        """One of its two timers is due."""
        leads = self.state.role == "leader"
        if name == HEARTBEAT_TIMER:
            if leads:
                self.replication.broadcast_heartbeat()
                self.elections.arm_heartbeat_timer()
        elif leads:
            self.elections.check_quorum()
        else:
            self.elections.stand_if_due()

    def synced(self, number: int) -> None:
        """Everything recorded up to `number` is on disk."""
        state = self.state
        outbox = state.outbox
        outbox.synced(number)
        state.trace("synced", index=outbox.durable.last_index, vote=outbox.durable.vote)
        if state.role == "leader":
            self.replication.advance_commit_index()
        elif state.role == "candidate":
            self.elections.count_own_vote(number)

    def applied(self, index: int, skipped: tuple[int, ...] = ()) -> None:
        """The state machine now holds everything up to `index`; the entries at `skipped` changed nothing in
        it, as their sessions say."""
        state = self.state
        state.applied_up_to(index, skipped)
        if state.role == "leader" and self.membership.has_been_removed():
            self.elections.hand_over()
            self.elections.become_follower()

    # ---- What collaborators ask of those below them ----------------------------------------------------

    def begin_to_lead(self) -> None:
        """`Leadership`: this member has won the election of its term."""
        self.leases.begin_to_lead()
        self.followers.begin(self.membership.others)
        self.reads.begin_to_lead()
        self.replication.begin_to_lead()

    def broadcast_heartbeat(self) -> None:
        """`Heartbeats`: a round of reads begins."""
        self.replication.broadcast_heartbeat()

    def _last_row(self) -> Sequence[TraceRow]:
        """The last entry as traces name it, be it in the log or in the snapshot; empty if there is none."""
        log, snapshot = self.state.log, self.snapshots.newest
        last = log.last_index
        if last > log.base_index:
            return log.trace_rows(last, last)
        return () if snapshot is None else ((snapshot.index, snapshot.term, snapshot.hash, None),)
