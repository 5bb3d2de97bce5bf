"""Watches Raft's invariants in the nodes' traces, event by event.

Each rule compares an event with one other: two leaders or two votes of one term, different entries at one
index and term, different entries applied at one index, a leader that truncates its log, a commitIndex
that goes back (Ongaro and Ousterhout 2014, Figure 3). What was seen of old terms and indices is forgotten
in the end.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from checkers.raft.facts.replay import SHOWS_TERM
from checkers.watching.suspicion import Suspicion
from history import TraceEvent

KEPT = 100_000
"""How many terms, votes, entries and applied indices are remembered, of each the latest."""
K = TypeVar("K")
V = TypeVar("V")


class _Latest(Generic[K, V]):
    """Remembers the first value of each of the latest keys."""

    def __init__(self) -> None:
        self._values: dict[K, V] = {}

    def first(self, key: K, value: V) -> V:
        """The first value of this key; this one if there was none."""
        found = self._values.setdefault(key, value)
        if len(self._values) > KEPT:
            del self._values[next(iter(self._values))]
        return found

    def pop(self, key: K, default: V | None) -> V | None:
        """Forget a key, and return its value."""
        return self._values.pop(key, default)


class RaftWatch:
    """A watch of all nodes' traces. The events of one node must come in their order."""

    def __init__(self) -> None:
        self._leaders: _Latest[int, str] = _Latest()
        self._votes: _Latest[tuple[str, int], str] = _Latest()
        self._unsynced: dict[str, int] = {}
        """By node, the term of a vote that was not on its disk when last heard of: its next life may not know
        of it."""
        self._entries: _Latest[tuple[int, int], str] = _Latest()
        self._applied: _Latest[int, tuple[int, str]] = _Latest()
        self._before: dict[str, TraceEvent] = {}
        self._messages: _Latest[str, int] = _Latest()
        """By message of which one end was seen, its term; 0 if it was the end at which it arrived."""
        self._shown: dict[str, int] = {}
        """By node, the highest term that another node knew of."""

    def see(self, event: TraceEvent) -> Suspicion | None:
        """Take the next event of a node."""
        before = self._before.get(event.node)
        self._before[event.node] = event
        found = self._ballots(event) or self._log(event) or self._forgot(event)
        if found is None and before is not None and before.life == event.life:
            found = _went_back(before, event)
        return found

    def _ballots(self, event: TraceEvent) -> Suspicion | None:
        node, term = event.node, event.term
        if event.role == "leader" and (leader := self._leaders.first(term, node)) != node:
            return Suspicion("election-safety", f"{leader} and {node} both led term {term}")
        if event.event == "restart" and (unsynced := self._unsynced.pop(node, None)) is not None:
            self._votes.pop((node, unsynced), None)
        if event.event == "synced" and event.vote is not None and self._unsynced.get(node) == term:
            del self._unsynced[node]
        if event.event == "vote" and event.vote is not None:
            self._unsynced[node] = term
            voted = self._votes.first((node, term), event.vote)
            if voted != event.vote:
                why = f"{node} voted for {voted} and for {event.vote} in term {term}"
                return Suspicion("one-vote-a-term", why)
        return None

    def _forgot(self, event: TraceEvent) -> Suspicion | None:
        """A term that another node knew of, since it received a message, binds the node's next life."""
        node, message_id = event.node, event.message_id
        if event.event == "restart" and event.term < self._shown.get(node, 0):
            why = f"{node} had shown term {self._shown[node]}, and began again in term {event.term}"
            return Suspicion("term-monotonic", why)
        if message_id is None or event.message not in SHOWS_TERM:
            return None
        # The two nodes' traces are read one after the other, so a message may be seen to arrive first.
        term = event.term if event.event == "send" else 0
        sent = self._messages.pop(message_id, None)
        if sent is None:
            self._messages.first(message_id, term)
            return None
        sender = node if event.event == "send" else event.peer or ""
        self._shown[sender] = max(self._shown.get(sender, 0), term, sent)
        return None

    def _log(self, event: TraceEvent) -> Suspicion | None:
        node = event.node
        match event.event:
            case "append":
                for entry in event.entries:
                    if self._entries.first((entry.index, entry.term), entry.hash) != entry.hash:
                        where = f"index {entry.index} of term {entry.term}"
                        why = f"{node} and another node have different entries at {where}"
                        return Suspicion("log-matching", why)
            case "apply":
                for entry in event.entries:
                    applied = entry.term, entry.hash
                    if self._applied.first(entry.index, applied) != applied:
                        why = f"{node} and another node applied different entries at index {entry.index}"
                        return Suspicion("state-machine-safety", why)
            case "truncate" if event.role == "leader":
                why = f"{node} truncated its log as the leader of term {event.term}"
                return Suspicion("leader-append-only", why)
            case "truncate" if event.index is not None and event.index <= event.commit:
                why = f"{node} truncated index {event.index}, which it had committed"
                return Suspicion("committed-never-truncated", why)
            case "refuse" if event.index is not None:
                why = f"{node} was to truncate index {event.index}, which it had committed"
                return Suspicion("committed-never-truncated", why)
        return None


def _went_back(before: TraceEvent, event: TraceEvent) -> Suspicion | None:
    """What never decreases within a life of a node."""
    if event.term < before.term:
        return Suspicion("term-monotonic", f"the term of {event.node} went back to {event.term}")
    if event.commit < before.commit or event.applied < before.applied:
        return Suspicion("commit-monotonic", f"the commitIndex of {event.node} went back to {event.commit}")
    return None
