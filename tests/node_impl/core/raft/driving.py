"""One node alone, its peers played by the test: for what a single message must do.

It stands for election without asking first, unless `pre_vote` is given.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from history.units import SECOND_NS
from node_impl.core.build import Parts, build_node
from node_impl.core.config import NodeConfig
from node_impl.core.events import (
    Effect,
    Entry,
    HardState,
    PeerLost,
    Persist,
    Received,
    Recovered,
    Role,
    Send,
    Snapshot,
    Synced,
    TimerFired,
)
from node_impl.core.raft.elections import ELECTION_TIMER
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Envelope,
    Message,
    RequestVoteReply,
)


class Zero:
    """Draws 0."""

    def below(self, n: int) -> int:
        return 0


def entries(*terms: int) -> tuple[Entry, ...]:
    """A log whose entries have these terms; equal (index, term) give equal entries, as in any cluster."""
    return tuple(
        Entry(index, term, "noop", b"%d.%d" % (index, term)) for index, term in enumerate(terms, start=1)
    )


class Alone:
    """Node `n1` of `n1`..`n5`; what it persists is synced when the test says so."""

    def __init__(
        self,
        *terms: int,
        term: int | None = None,
        vote: str | None = None,
        config: NodeConfig | None = None,
        parts: Parts | None = None,
        size: int = 5,
        pre_vote: bool = False,
        snapshot: Snapshot | None = None,
    ) -> None:
        hard_state = HardState(max(terms, default=0) if term is None else term, vote)
        self.now = 0
        self.node = build_node(
            name="n1",
            members=tuple(f"n{number}" for number in range(1, size + 1)),
            life=1,
            recovered=Recovered(hard_state, entries(*terms), snapshot=snapshot),
            random=Zero(),
            config=replace(config or NodeConfig(), pre_vote=pre_vote),
            parts=parts or Parts(),
        )
        self.raft = self.node.raft
        self._ids = count(1)
        self.effects: list[Effect] = self.node.start(0)

    def receive(self, sender: str, body: Message) -> list[Send]:
        """Take a message; the messages that it leads to, those that wait for the disk included."""
        envelope = Envelope(f"{sender}:1:{next(self._ids)}", sender, body)
        self.effects = self.node.step(self.now, Received(envelope))
        return self.sent

    def sync(self) -> list[Send]:
        """Everything is on disk."""
        self.effects = self.node.step(self.now, Synced(self.raft.state.outbox.newest))
        return self.sent

    def fire(self, timer: str) -> list[Send]:
        """The timer is due, long after it was set."""
        self.now += SECOND_NS
        self.effects = self.node.step(self.now, TimerFired(timer))
        return self.sent

    def lose(self, peer: str) -> list[Effect]:
        """A peer's connection was closed."""
        self.effects = self.node.step(self.now, PeerLost(peer))
        return self.effects

    @property
    def sent(self) -> list[Send]:
        return [effect for effect in self.effects if isinstance(effect, Send)]

    @property
    def persisted(self) -> list[Persist]:
        return [effect for effect in self.effects if isinstance(effect, Persist)]

    @property
    def terms(self) -> list[int]:
        log = self.raft.state.log
        return [log.term_at(index) for index in range(1, log.last_index + 1)]

    def role(self) -> Role:
        """The node's role now; a call, so that mypy does not take it for the role that it was."""
        return self.raft.state.role

    def become_leader(self) -> list[Send]:
        """Win the next election; the first AppendEntries."""
        self.fire(ELECTION_TIMER)
        self.sync()
        for voter in self.raft.state.known[1 : len(self.raft.state.known) // 2 + 1]:
            self.receive(voter, RequestVoteReply(self.raft.state.current_term, True))
        assert self.raft.state.role == "leader"
        return self.sent


def append(
    term: int, previous: tuple[int, int], new: tuple[Entry, ...] = (), commit: int = 0
) -> AppendEntries:
    """An AppendEntries after entry `previous` = (index, term)."""
    return AppendEntries(term, *previous, new, commit, 0)


def accepted(term: int, match_index: int, read_round: int = 0) -> AppendEntriesReply:
    """A follower says yes."""
    return AppendEntriesReply(term, True, match_index, 0, 0, read_round)
