"""What must hold at every moment of any run, whatever fails: Figure 3 of the paper, and what clients see.

Each broken rule raises `Violation`, whose `rule` names the property.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from node_impl.core.events import (
    AppendRecord,
    Deregister,
    Done,
    Entry,
    HardState,
    Instance,
    Lookup,
    Persist,
    Refused,
    Register,
    Trace,
    Update,
)
from node_impl.core.raft.member.log import entry_hash
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Rejected

if TYPE_CHECKING:
    from node_impl.core.node import Node
    from tests.node_impl.cluster import Call


class Violation(AssertionError):
    """A property does not hold."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule


class _LogView:
    """A node's log as its trace tells it: the terms of the entries above a base."""

    def __init__(self, base: int = 0, terms: list[int] | None = None) -> None:
        self.base = base
        self.terms = terms or []

    @property
    def last(self) -> int:
        return self.base + len(self.terms)

    def term_at(self, index: int) -> int | None:
        """None where it is not known: below the base, at it, or beyond the end."""
        return self.terms[index - self.base - 1] if self.base < index <= self.last else None


class Invariants:
    """Watches all nodes' traces, and keeps the one true log of what was committed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.committed: list[Entry] = []
        """Entry i + 1 is the first that any node committed at that index."""
        self.leaders: dict[int, str] = {}
        self.snapshots: dict[int, str] = {}
        """Digest by last included index."""
        self.installed = 0
        """How many snapshots were installed."""
        self._votes: dict[tuple[str, int], str] = {}
        self._terms = dict.fromkeys(names, 0)
        self._durable = {name: [HardState(0, None)] for name in names}
        self._commits = dict.fromkeys(names, 0)
        self._applied = dict.fromkeys(names, 0)
        self._logs = {name: _LogView() for name in names}
        self._entries: dict[tuple[int, int], Entry] = {}
        """Every entry that was ever written, by (index, term)."""
        self._before: dict[tuple[int, int], int | None] = {}
        """Term of the entry before (index, term), on any node: log matching, by induction."""

    # ---- what nodes trace ------------------------------------------------------------------------------

    def wrote(self, persist: Persist) -> None:
        """What a node puts into its log; called before the trace lines of the same step, which judge it."""
        for record in persist.records:
            if isinstance(record, AppendRecord):
                for entry in record.entries:
                    self._entries.setdefault((entry.index, entry.term), entry)

    def check(self, name: str, trace: Trace, node: Node | None) -> None:
        """One line of a node's trace."""
        if trace.event == "restart":
            assert node is not None
            self._restart(name, trace, node)
        if trace.term < self._terms[name]:
            raise Violation("terms never fall", f"{name} went from {self._terms[name]} to {trace.term}")
        self._terms[name] = trace.term
        log = self._logs[name]
        match trace.event:
            case "vote":
                assert trace.vote is not None
                self._vote(name, trace.term, trace.vote)
            case "role" if trace.role == "leader":
                other = self.leaders.setdefault(trace.term, name)
                if other != name:
                    raise Violation("election safety", f"{other} and {name} both lead term {trace.term}")
                self._check_completeness(name)
            case "append":
                self._append(name, trace)
            case "truncate":
                index = trace.index
                assert index is not None
                if index <= self._commits[name]:
                    raise Violation("committed entries stay", f"{name} truncates from {index}")
                del log.terms[index - log.base - 1 :]
            case "commit":
                self._commit(name, trace.commit)
            case "apply":
                for index, _, hash_, _ in trace.entries:
                    self._apply(name, index, hash_)
            case "snapshot":
                self._snapshot(name, trace)

    def reached_disk(self, name: str, hard_state: HardState) -> None:
        """Term and vote are on a node's disk: from now on others may rely on them."""
        self._durable[name].append(hard_state)

    def _restart(self, name: str, trace: Trace, node: Node) -> None:
        """Only a vote or term that reached the disk binds this life: no other node saw what did not."""
        durable = self._durable[name]
        self._terms[name] = durable[-1].term
        self._votes = {known: vote for known, vote in self._votes.items() if known[0] != name}
        for hard_state in durable:
            if hard_state.vote is not None:
                self._votes[name, hard_state.term] = hard_state.vote
        self._commits[name] = self._applied[name] = trace.commit
        if trace.commit > len(self.committed):
            raise Violation("committed entries stay", f"{name} recovers a snapshot of what is not committed")
        log = node.raft.state.log
        indices = range(log.base_index + 1, trace.last + 1)
        self._logs[name] = _LogView(log.base_index, [log.term_at(index) for index in indices])
        if trace.term == durable[-1].term and trace.vote != durable[-1].vote:
            raise Violation("one vote a term", f"{name} forgot its vote for {durable[-1].vote}")

    def _vote(self, name: str, term: int, vote: str) -> None:
        other = self._votes.setdefault((name, term), vote)
        if other != vote:
            raise Violation("one vote a term", f"{name} votes for {other} and {vote} in term {term}")

    def _check_completeness(self, name: str) -> None:
        log = self._logs[name]
        for entry in self.committed[log.base :]:
            if log.term_at(entry.index) != entry.term:
                raise Violation("leader completeness", f"{name} leads without committed entry {entry.index}")

    def _append(self, name: str, trace: Trace) -> None:
        log = self._logs[name]
        for index, term, hash_, _ in trace.entries:
            if entry_hash(self._entries[index, term]) != hash_:
                raise Violation("log matching", f"{name} holds another entry {index} of term {term}")
            below = log.term_at(index - 1)
            log.terms.append(term)
            assert log.last == index
            if below is None and index > 1:
                continue  # upon a snapshot, which is held to what is committed
            other = self._before.setdefault((index, term), below)
            if other != below:
                raise Violation("log matching", f"{name} holds entry {index} of term {term} upon another")

    def _commit(self, name: str, commit: int) -> None:
        log = self._logs[name]
        for index in range(max(self._commits[name], log.base) + 1, min(commit, log.last) + 1):
            entry = self._entries[index, log.terms[index - log.base - 1]]
            if index > len(self.committed):
                self.committed.append(entry)
            elif self.committed[index - 1] != entry:
                raise Violation("committed entries stay", f"{name} commits another entry {index}")
        self._commits[name] = commit

    def _apply(self, name: str, index: int, hash_: str) -> None:
        if index != self._applied[name] + 1:
            raise Violation("state machine safety", f"{name} applies {index} after {self._applied[name]}")
        self._applied[name] = index
        if index > self._commits[name]:
            raise Violation("state machine safety", f"{name} applies {index}, which is not committed")
        if index <= len(self.committed) and entry_hash(self.committed[index - 1]) != hash_:
            raise Violation("state machine safety", f"{name} applies another entry {index}")

    def _snapshot(self, name: str, trace: Trace) -> None:
        ((index, term, hash_, _),) = trace.entries
        if index > len(self.committed) or entry_hash(self.committed[index - 1]) != hash_:
            raise Violation("snapshots hold what is committed", f"{name} has another one up to {index}")
        assert trace.digest is not None
        digest = self.snapshots.setdefault(index, trace.digest)
        if digest != trace.digest:
            raise Violation("snapshots are equal", f"{name} has another state at {index}")
        if trace.peer is None:
            if index != self._applied[name]:
                raise Violation("state machine safety", f"{name} takes a snapshot of what it did not apply")
            return
        self.installed += 1
        if index <= self._commits[name]:
            raise Violation("state machine safety", f"{name} goes back to {index} by a snapshot")
        log = self._logs[name]
        kept = log.terms[index - log.base :] if log.term_at(index) == term else []
        if log.base + len(log.terms) and trace.last != index + len(kept):
            raise Violation("log matching", f"{name} keeps or loses entries beyond its snapshot wrongly")
        self._logs[name] = _LogView(index, kept)
        self._commits[name] = self._applied[name] = index


def is_linearizable(call: Call) -> bool:
    """Whether the call was promised to be."""
    return isinstance(call.body, Register | Update | Deregister) or (
        isinstance(call.body, Lookup) and call.body.consistency == "linearizable"
    )


def check_calls(calls: list[Call], committed: list[Entry]) -> None:
    """Acknowledged writes are in the log, once; each reply is what its index says; real time is kept.

    The replies' indices are the claimed order. If replaying the log in that order gives every
    reply, and the order never contradicts real time, that order is a linearization.
    """
    registry = Registry()
    sessions: set[tuple[str, int]] = set()
    states: list[dict[object, Instance]] = [{}]
    results: list[object] = [None]
    index_of_op: dict[str, int] = {}
    for entry in committed:
        if entry.session is not None and entry.session in sessions:
            results.append(None)
            states.append(states[-1])
            continue  # a copy of a write that carries (client, sequence): it must change nothing
        if entry.session is not None:
            sessions.add(entry.session)
        results.append(None if entry.kind == "configuration" else registry.apply(entry))
        states.append(
            {
                key: value
                for service in registry.services.entities.values()
                for key, value in service.instances.items()
            }
        )
        if entry.op is not None:
            if entry.op in index_of_op:
                raise Violation("each write once", f"operation {entry.op} is committed twice")
            index_of_op[entry.op] = entry.index

    copies = Counter(call.op for call in calls)
    for call in calls:
        is_write = isinstance(call.body, Register | Update | Deregister)
        match call.reply:
            case Done(raft_index, value) if is_write:
                if index_of_op.get(call.op) != raft_index:
                    raise Violation("acknowledged writes stay", f"operation {call.op} is not at {raft_index}")
                if results[raft_index] != value:
                    raise Violation("linearizability", f"operation {call.op} replaced something else")
            case Done(raft_index, value) if isinstance(call.body, Lookup):
                if raft_index > len(committed) or states[raft_index].get(call.body.key) != value:
                    raise Violation("linearizability", f"lookup {call.op} saw what {raft_index} never held")
            case Refused(code, _, proposed, raft_index) if is_write and not proposed:
                if code in ("not-found", "conflict"):
                    assert raft_index is not None
                    if not isinstance(results[raft_index], Rejected):
                        raise Violation("refusals are honest", f"operation {call.op} did change something")
                elif call.op in index_of_op and copies[call.op] == 1:  # of several, another may have done it
                    raise Violation("refusals are honest", f"operation {call.op} took effect: {call.reply}")
            case _:
                pass
    _check_real_time(calls)


def _check_real_time(calls: list[Call]) -> None:
    done = [call for call in calls if isinstance(call.reply, Done) and is_linearizable(call)]
    completions = sorted(done, key=lambda call: call.replied_at or 0)
    began: dict[str, int] = {}
    for call in calls:  # copies of a write are one operation, which began with the first
        began.setdefault(call.op, call.invoked_at)
    completed, highest, highest_op = 0, 0, ""
    for call in sorted(done, key=lambda call: began[call.op]):
        while completed < len(completions):
            other = completions[completed]
            assert other.replied_at is not None
            assert isinstance(other.reply, Done)
            if other.replied_at >= began[call.op]:
                break
            if other.reply.raft_index > highest:
                highest, highest_op = other.reply.raft_index, other.op
            completed += 1
        assert isinstance(call.reply, Done)
        is_write = not isinstance(call.body, Lookup)
        if call.reply.raft_index < highest + is_write:
            raise Violation(
                "linearizability",
                f"operation {call.op} at {call.reply.raft_index} began after {highest_op} at {highest} ended",
            )
