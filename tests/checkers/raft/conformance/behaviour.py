"""Behaviours made from the specification's own actions, traced as a node would trace them.

`Behaviour` holds the servers' variables and the messages on their way. Its methods take an action whose
guards hold, by the functions of `checkers.raft.conformance.spec` themselves, and write the lines that a
node writes when it takes that step; `line` alone writes any line, legal or not.
"""

from __future__ import annotations

from random import Random
from typing import Any

from checkers.raft.conformance import extensions as extra
from checkers.raft.conformance import spec
from checkers.raft.conformance.spec import CANDIDATE, FOLLOWER, LEADER, Entry, GuardFailed, Message, Server
from history import NodeTrace, TraceEntry, TraceEvent

KINDS = {
    spec.RequestVoteRequest: "RequestVote",
    spec.RequestVoteResponse: "RequestVoteReply",
    spec.AppendEntriesRequest: "AppendEntries",
    spec.AppendEntriesResponse: "AppendEntriesReply",
}
PROMISES = (spec.RequestVoteRequest, spec.RequestVoteResponse, spec.AppendEntriesResponse)


class Behaviour:
    """Servers that have all begun their first life."""

    def __init__(self, names: tuple[str, ...] = ("n1", "n2", "n3")) -> None:
        self.names = names
        self.servers = {name: Server(name, frozenset(names)) for name in names}
        self.lines: dict[str, list[TraceEvent]] = {name: [] for name in names}
        self.network: list[tuple[str, str, Message]] = []
        """(message id, receiver, message): what may be delivered, any number of times."""
        self.waiting: dict[str, list[tuple[str, str, Message]]] = {name: [] for name in names}
        self.disk: dict[str, tuple[int, str | None, list[Entry | None]]] = {}
        self._lives = dict.fromkeys(names, 1)
        self._messages = 0
        self._values = 0
        for name in names:
            self._save(name)
            self.line(name, "restart")

    def __getitem__(self, name: str) -> Server:
        return self.servers[name]

    def traces(self) -> dict[str, NodeTrace]:
        """As a reader returns them."""
        return {name: NodeTrace(name, tuple(lines)) for name, lines in self.lines.items()}

    def line(self, name: str, event: str, **fields: Any) -> None:
        """One line, with the state as the variables have it, unless the fields say otherwise."""
        i, own = self.servers[name], self.lines[name]
        life = self._lives[name]
        seq = own[-1].seq + 1 if own and own[-1].life == life else 1
        state: dict[str, Any] = {
            "term": i.current_term,
            "role": i.state,
            "commit": i.commit_index,
            "applied": i.last_applied,
            "last": len(i.log),
        }
        if "entries" in fields:
            fields["entries"] = tuple(TraceEntry(*row) for row in fields["entries"])
        all_fields: dict[str, Any] = {**state, **fields}
        own.append(TraceEvent(seq=seq, at=len(own), event=event, node=name, life=life, **all_fields))  # type: ignore[arg-type]

    # ---- actions -------------------------------------------------------------------------------------

    def timeout(self, name: str) -> None:
        """Timeout(i), its vote for itself, and RequestVote(i, j) for all j."""
        i = self.servers[name]
        was = i.state
        spec.timeout(i)
        self.line(name, "term", role=was)
        i.voted_for = name
        self.line(name, "vote", role=was, vote=name)
        self.line(name, "role")
        for other in self.names:
            if other != name:
                self.send(name, other, spec.request_vote(i, i.current_term, len(i.log)))

    def become_leader(self, name: str) -> None:
        """BecomeLeader(i), and its first entry."""
        i = self.servers[name]
        spec.become_leader(i)
        i.next_index = dict.fromkeys(self.names, len(i.log) + 1)
        self.line(name, "role")
        self.client_request(name)

    def client_request(self, name: str) -> None:
        """ClientRequest(i, v), of a new v."""
        i = self.servers[name]
        self._values += 1
        entry = (i.current_term, f"{self._values:016x}")
        spec.client_request(i, len(i.log) + 1, entry)
        self.line(name, "append", entries=((len(i.log), *entry, None),))

    def append_entries(self, name: str, to: str, most: int = 3) -> None:
        """AppendEntries(i, j), with as much as `most` entries."""
        i = self.servers[name]
        previous = i.next_index[to] - 1
        count = min(most, len(i.log) - previous)
        self.send(name, to, spec.append_entries(i, to, i.current_term, previous, count, i.commit_index))

    def advance(self, name: str, index: int) -> None:
        """AdvanceCommitIndex(i), to that index; and what is committed is applied."""
        spec.advance_commit_index(self.servers[name], index)
        self.line(name, "commit")
        self.apply(name)

    def apply(self, name: str) -> None:
        """Apply(i) all that is committed."""
        i = self.servers[name]
        first = i.last_applied + 1
        rows = [(at, *e, None) for at, e in enumerate(i.log[first - 1 : i.commit_index], first) if e]
        if rows:
            extra.apply_entries(i, i.commit_index, first, [(row[1], row[2]) for row in rows])
            self.line(name, "apply", entries=rows)

    def synced(self, name: str) -> None:
        """All that it holds is on its disk: messages leave, its own vote counts."""
        i = self.servers[name]
        self._save(name)
        i.own_durable = len(i.log)
        self.line(name, "synced", index=len(i.log), vote=i.voted_for)
        self.network += self.waiting[name]
        self.waiting[name] = []
        if i.voted_for == name:
            spec.take_vote(i, spec.RequestVoteResponse(name, i.current_term, True))

    def restart(self, name: str) -> None:
        """Restart(i), with what was synced."""
        i = self.servers[name]
        term, vote, log = self.disk[name]
        self.waiting[name] = []
        extra.begin_life(i, term, vote, list(log), 0, 0)
        self._lives[name] += 1
        last = [] if not log or log[-1] is None else [(len(log), *log[-1], None)]
        self.line(name, "restart", vote=vote, entries=last)

    def send(self, name: str, to: str, m: Message, **fields: Any) -> None:
        """Put a message on its way, once what it promises is on the disk."""
        self._messages += 1
        message_id = f"{name}:{self._lives[name]}:{self._messages}"
        said: dict[str, Any] = {}
        match m:
            case spec.RequestVoteRequest():
                said = {"index": m.last_log_index}
            case spec.RequestVoteResponse():
                said = {"ok": m.vote_granted}
            case spec.AppendEntriesRequest():
                said = {"index": m.prev_log_index, "count": len(m.entries)}
            case spec.AppendEntriesResponse():
                said = {"index": m.match_index, "ok": m.success}
        self.line(name, "send", peer=to, message=KINDS[type(m)], message_id=message_id, **said, **fields)
        way = self.waiting[name] if isinstance(m, PROMISES) else self.network
        way.append((message_id, to, m))

    def deliver(self, at: int = -1) -> None:
        """Receive a message of the network, which keeps it: it may come again."""
        message_id, to, m = self.network[at]
        i = self.servers[to]
        self.line(to, "receive", peer=m.source, message=KINDS[type(m)], message_id=message_id)
        if m.term > i.current_term:
            if i.state != FOLLOWER:
                self.step_down(to)
            spec.update_term(i, m, m.term)
            self.line(to, "term")
        match m:
            case spec.RequestVoteRequest():
                self._handle_vote_request(to, m)
            case spec.RequestVoteResponse():
                spec.take_vote(i, m)
            case spec.AppendEntriesRequest():
                self._handle_append_entries(to, m)
            case spec.AppendEntriesResponse():
                spec.take_match(i, m)

    def step_down(self, name: str) -> None:
        """StepDown(i)."""
        extra.step_down(self.servers[name])
        self.line(name, "role")

    def _handle_vote_request(self, name: str, m: spec.RequestVoteRequest) -> None:
        i = self.servers[name]
        before = i.voted_for
        try:
            spec.grant_vote(i, m)
        except GuardFailed:
            granted = False
        else:
            granted = True
            if before != i.voted_for:
                self.line(name, "vote", vote=i.voted_for)
        self.send(name, m.source, spec.reply_vote(i, m.source, i.current_term, granted, m))

    def _handle_append_entries(self, name: str, m: spec.AppendEntriesRequest) -> None:
        i = self.servers[name]
        if m.term == i.current_term and i.state == CANDIDATE:
            spec.return_to_follower(i)
            self.line(name, "role")
        for index in range(m.prev_log_index + 1, m.last + 1):
            try:
                spec.remove_conflict(i, m, index)
            except GuardFailed:
                continue
            i.own_durable = min(i.own_durable, index - 1)
            self.line(name, "truncate", index=index)
        first = len(i.log) + 1
        new = m.entries[first - m.prev_log_index - 1 :] if first > m.prev_log_index else ()
        try:
            if new:
                spec.accept_entries(i, m, first, new)
                self.line(name, "append", entries=[(at, *e, None) for at, e in enumerate(new, first)])
            reply = spec.reply_entries(i, m.source, i.current_term, True, m.last, m)
        except GuardFailed:
            reply = spec.AppendEntriesResponse(name, i.current_term, False, m.prev_log_index)
        else:
            commit = min(m.commit_index, m.last)
            if commit > i.commit_index:
                spec.take_commit_index(i, m, commit)
                self.line(name, "commit")
        self.send(name, m.source, reply)
        self.apply(name)

    def _save(self, name: str) -> None:
        i = self.servers[name]
        self.disk[name] = (i.current_term, i.voted_for, list(i.log))

    # ---- more than one -----------------------------------------------------------------------------------

    def elect(self, name: str, *voters: str) -> None:
        """A whole election that goes well."""
        self.timeout(name)
        self.synced(name)
        for voter in voters:
            self.deliver_to(voter, name)
            self.synced(voter)
            self.deliver_to(name, voter)
        self.become_leader(name)
        self.synced(name)

    def replicate(self, name: str, *followers: str) -> None:
        """One AppendEntries to each of them, and its answer."""
        for follower in followers:
            self.append_entries(name, follower, most=100)
            self.deliver()
            self.synced(follower)
            self.deliver_to(name, follower)

    def deliver_to(self, to: str, source: str) -> None:
        """The newest message between two."""
        at = max(k for k, (_, who, m) in enumerate(self.network) if who == to and m.source == source)
        self.deliver(at)

    def wander(self, random: Random, steps: int) -> None:
        """So many random actions, whichever are enabled."""
        for _ in range(steps):
            try:
                self._one_of_them(random)
            except GuardFailed:
                continue

    def _one_of_them(self, random: Random) -> None:
        name = random.choice(self.names)
        others = [other for other in self.names if other != name]
        i = self.servers[name]
        leads = i.state == LEADER
        match random.randrange(20):
            case 0 if not leads and random.random() < 0.15:
                self.timeout(name)
            case 1 if random.random() < 0.15:
                self.restart(name)
            case 2 if leads and random.random() < 0.1:
                self.step_down(name)
            case 3 | 4 if i.state == CANDIDATE:
                self.become_leader(name)
            case 3 | 4 if leads:
                self.client_request(name)
            case 5 if leads and i.commit_index < len(i.log):
                self.advance(name, random.choice((i.commit_index + 1, len(i.log))))
            case 6 | 7 | 8 if leads and others:
                self.append_entries(name, random.choice(others))
            case 9 | 10:
                self.synced(name)
            case _ if self.network:
                at = min(len(self.network) - 1, int(random.expovariate(0.3)))
                to = self.network[at][1]
                self.deliver(at)
                if random.random() < 0.8:
                    del self.network[at]
                if random.random() < 0.6:
                    self.synced(to)
