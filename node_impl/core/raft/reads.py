"""Reads without a log entry: ReadIndex (section 8; thesis, section 6.4).

Many reads share one round of confirming that this leader still leads. A read that arrives while a round is
under way waits for the next, since that round's answers may have been given before the read began. Where a
lease holds, no round is needed (`leases.py`).
"""

from __future__ import annotations

from typing import Protocol

from node_impl.core.raft.followers import Followers
from node_impl.core.raft.leases import LeaderLeases
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership

ReadToken = tuple[str | None, str | int]
"""Who asked: (None, request id) for a client of this node, (peer, message id) for a follower."""


class Heartbeats(Protocol):
    """What carries a round to the followers."""

    def broadcast_heartbeat(self) -> None:
        """Send an AppendEntries with the newest round to every follower."""
        ...


class ReadRounds:
    """At the leader: which reads wait, and which may be served from which index on."""

    __slots__ = (
        "_awaited",
        "_followers",
        "_heartbeats",
        "_index",
        "_leases",
        "_membership",
        "_open",
        "_state",
        "_waiting",
        "confirmed",
        "number",
    )

    def __init__(
        self,
        state: RaftState,
        membership: Membership,
        followers: Followers,
        leases: LeaderLeases,
        heartbeats: Heartbeats,
    ) -> None:
        self._state = state
        self._membership = membership
        self._followers = followers
        self._leases = leases
        self._heartbeats = heartbeats
        self.begin_to_lead()

    def begin_to_lead(self) -> None:
        """A term of leadership begins: no round was sent in it, and no read waits."""
        self.number = 0
        """The newest round begun; AppendEntries carry it and replies repeat it."""
        self._awaited = 0
        """The newest that reads wait for; where leases are used, each heartbeat is a round, reads or not."""
        self._waiting: list[ReadToken] = []
        """Reads for the next round."""
        self._open: list[ReadToken] = []
        """Reads of the round under way."""
        self._index = 0
        """The commitIndex when that round began."""
        self.confirmed: list[tuple[int, list[ReadToken]]] = []
        """(read index, tokens): may be served once that index is applied."""

    # ---- The rules -------------------------------------------------------------------------------------

    def may_serve_reads(self) -> bool:
        """A leader knows what is committed only once an entry of its own term is."""
        return self._state.has_committed_in_its_term()

    def leadership_is_confirmed(self) -> bool:
        """Whether a majority answered this term's leader since the round of reads began."""
        by_name, awaited = self._followers.by_name, self._awaited
        answered = (name for name, peer in by_name.items() if peer.read_round >= awaited)
        return self._membership.is_majority(self._membership.voters_among((self._state.name, *answered)))

    # ---- Rounds ----------------------------------------------------------------------------------------

    def request(self, token: ReadToken) -> None:
        """Put the token among `confirmed` once a read may be served."""
        self._waiting.append(token)
        self.start_round()

    def next_round(self) -> int:
        """Begin a round that no read waits for; returns its number."""
        self.number += 1
        return self.number

    def start_round(self) -> None:
        """Confirm the reads that wait, or begin a round for them, if that may be and none is under way."""
        if not self._waiting or not self.may_serve_reads():
            return
        if self._leases.lease_holds():
            self.confirmed.append((self._state.commit_index, self._waiting))
            self._waiting = []
        elif not self._open:
            self._awaited = self.next_round()
            self._index = self._state.commit_index
            self._open, self._waiting = self._waiting, []
            self._heartbeats.broadcast_heartbeat()
            self.finish_round()  # a majority of one needs no answer

    def finish_round(self) -> None:
        """A follower answered: if the round's answers are a majority, its reads are confirmed."""
        if self._open and self.leadership_is_confirmed():
            self.confirmed.append((self._index, self._open))
            self._open = []
            self.start_round()

    def take_confirmed(self) -> list[tuple[int, list[ReadToken]]]:
        """(read index, tokens) of the reads that were confirmed; each is handed out once."""
        confirmed, self.confirmed = self.confirmed, []
        return confirmed

    def abandon(self) -> list[ReadToken]:
        """Forget every read that is not confirmed; returns their tokens."""
        tokens = self._open + self._waiting
        self._open, self._waiting = [], []
        return tokens
