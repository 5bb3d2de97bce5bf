"""What must hold at every moment of any run, whatever fails: Figure 3 of the paper, and what clients see.

Each broken rule raises `Violation`, whose `rule` names the property.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from node_impl.events import (
    Deregister,
    Done,
    Entry,
    HardState,
    Instance,
    Lookup,
    Refused,
    Register,
    Trace,
    Update,
)
from node_impl.registry.registry import Registry
from node_impl.requests import Rejected

if TYPE_CHECKING:
    from node_impl.node import Node
    from tests.node_impl.cluster import Call


class Violation(AssertionError):
    """A property does not hold."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule


class Invariants:
    """Watches all nodes' traces, and keeps the one true log of what was committed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.committed: list[Entry] = []
        """Entry i + 1 is the first that any node committed at that index."""
        self.leaders: dict[int, str] = {}
        self._votes: dict[tuple[str, int], str] = {}
        self._terms = dict.fromkeys(names, 0)
        self._durable = {name: [HardState(0, None)] for name in names}
        self._commits = dict.fromkeys(names, 0)
        self._applied = dict.fromkeys(names, 0)
        self._before: dict[tuple[int, int], tuple[str, int]] = {}
        """(hash, term of the entry before) by (index, term), on any node: log matching, by induction."""

    # ---- what nodes trace ------------------------------------------------------------------------------

    def check(self, name: str, trace: Trace, node: Node | None) -> None:
        """One line of a node's trace."""
        if trace.event == "restart":
            self._restart(name, trace)
        if trace.term < self._terms[name]:
            raise Violation("terms never fall", f"{name} went from {self._terms[name]} to {trace.term}")
        self._terms[name] = trace.term
        match trace.event:
            case "vote":
                self._vote(name, trace.term, trace.fields["vote"])
            case "role" if trace.role == "leader":
                other = self.leaders.setdefault(trace.term, name)
                if other != name:
                    raise Violation("election safety", f"{other} and {name} both lead term {trace.term}")
                assert node is not None
                self._check_completeness(name, node)
            case "append":
                assert node is not None
                self._check_matching(name, node, [row[0] for row in trace.fields["entries"]])
            case "truncate":
                if trace.fields["index"] <= self._commits[name]:
                    raise Violation(
                        "committed entries stay", f"{name} truncates from {trace.fields['index']}"
                    )
            case "commit":
                assert node is not None
                self._commit(name, node, trace.commit)
            case "apply":
                for index, _, hash_, _ in trace.fields["entries"]:
                    self._apply(name, index, hash_)

    def reached_disk(self, name: str, hard_state: HardState) -> None:
        """Term and vote are on a node's disk: from now on others may rely on them."""
        self._durable[name].append(hard_state)

    def _restart(self, name: str, trace: Trace) -> None:
        """A vote or term that had not reached the disk was seen by nobody: only what did binds this life."""
        durable = self._durable[name]
        self._terms[name] = durable[-1].term
        self._votes = {known: vote for known, vote in self._votes.items() if known[0] != name}
        for hard_state in durable:
            if hard_state.vote is not None:
                self._votes[name, hard_state.term] = hard_state.vote
        self._commits[name] = self._applied[name] = 0
        if trace.term == durable[-1].term and trace.fields["vote"] != durable[-1].vote:
            raise Violation("one vote a term", f"{name} forgot its vote for {durable[-1].vote}")

    def _vote(self, name: str, term: int, vote: str) -> None:
        other = self._votes.setdefault((name, term), vote)
        if other != vote:
            raise Violation("one vote a term", f"{name} votes for {other} and {vote} in term {term}")

    def _check_completeness(self, name: str, node: Node) -> None:
        log = node.raft.log
        for entry in self.committed:
            if log.last_index < entry.index or log[entry.index] != entry:
                raise Violation("leader completeness", f"{name} leads without committed entry {entry.index}")

    def _check_matching(self, name: str, node: Node, indices: list[int]) -> None:
        log = node.raft.log
        for index in indices:
            if index > log.last_index:
                return  # truncated again in the same step, by a broken node
            term = log.term_at(index)
            this = (log.trace_rows(index, index)[0][2], log.term_at(index - 1))
            other = self._before.setdefault((index, term), this)
            if other != this:
                raise Violation("log matching", f"{name} holds another entry {index} of term {term}")

    def _commit(self, name: str, node: Node, commit: int) -> None:
        log = node.raft.log
        for index in range(self._commits[name] + 1, min(commit, log.last_index) + 1):
            if index > len(self.committed):
                self.committed.append(log[index])
            elif self.committed[index - 1] != log[index]:
                raise Violation("committed entries stay", f"{name} commits another entry {index}")
        self._commits[name] = commit

    def _apply(self, name: str, index: int, hash_: str) -> None:
        if index != self._applied[name] + 1:
            raise Violation("state machine safety", f"{name} applies {index} after {self._applied[name]}")
        self._applied[name] = index
        if index > self._commits[name]:
            raise Violation("state machine safety", f"{name} applies {index}, which is not committed")


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
        results.append(registry.apply(entry))
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
