"""Node traces in a few words, for tests of Raft's invariants."""

from __future__ import annotations

from typing import Any

from history import NodeTrace, TraceEntry, TraceEvent


def entry(index: int, term: int, what: str = "", op: str | None = None) -> TraceEntry:
    """An entry; equal `what` at one index and term means an equal command."""
    return TraceEntry(index=index, term=term, hash=f"h{index}.{term}{what}", op=op)


class NodeBuilder:
    """Traces one node as it would itself, its state kept up to date event by event."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[TraceEvent] = []
        self.gaps: list[str] = []
        self.log: list[TraceEntry] = []
        self.life = 0
        self.term = 0
        self.vote: str | None = None
        self.role = "follower"
        self.commit = 0
        self.applied = 0
        self.seq = 0
        self.messages = 0

    def trace(self, event: str, **fields: Any) -> NodeBuilder:
        """One event with the state as it is now; fields of the state may be overridden."""
        self.seq += 1
        state: dict[str, Any] = {
            "term": self.term,
            "role": self.role,
            "commit": self.commit,
            "applied": self.applied,
            "last": len(self.log),
        }
        self.events.append(
            TraceEvent(
                seq=self.seq,
                at=len(self.events),
                event=event,  # type: ignore[arg-type]
                node=self.name,
                life=self.life,
                **{**state, **fields},
            )
        )
        return self

    def restart(
        self,
        *,
        term: int | None = None,
        vote: str | bool | None = False,
        log: list[TraceEntry] | None = None,
        **fields: Any,
    ) -> NodeBuilder:
        """A new life; whatever is not given was recovered as it was."""
        self.life += 1
        self.seq = self.commit = self.applied = 0
        self.role = "follower"
        self.term = self.term if term is None else term
        if not isinstance(vote, bool):
            self.vote = vote
        self.log = self.log if log is None else list(log)
        return self.trace("restart", vote=self.vote, **fields)

    def configure(
        self, members: tuple[str, ...], index: int | None = None, learners: tuple[str, ...] = ()
    ) -> NodeBuilder:
        """These vote from now on, by the entry at `index`."""
        return self.trace("configuration", members=members, learners=learners, index=index)

    def enter(self, term: int) -> NodeBuilder:
        """currentTerm grows."""
        self.term, self.vote, self.role = term, None, "follower"
        return self.trace("term")

    def vote_for(self, candidate: str) -> NodeBuilder:
        """A vote in the current term."""
        self.vote = candidate
        return self.trace("vote", vote=candidate)

    def lead(self) -> NodeBuilder:
        """Become leader of the current term."""
        self.role = "leader"
        return self.trace("role")

    def append(self, *entries: TraceEntry) -> NodeBuilder:
        """Entries at the end of the log."""
        self.log += entries
        return self.trace("append", entries=entries)

    def truncate(self, index: int) -> NodeBuilder:
        """Entries from index on are removed."""
        del self.log[index - 1 :]
        return self.trace("truncate", index=index)

    def refuse(self, peer: str, index: int | None = None) -> NodeBuilder:
        """A message changes nothing; with an index, it would have cut committed entries from there on."""
        return self.trace("refuse", peer=peer, index=index)

    def synced(self, index: int | None = None, vote: str | bool | None = False) -> NodeBuilder:
        """On disk: the log up to index (all of it if not given), and the vote."""
        told = self.vote if isinstance(vote, bool) else vote
        return self.trace("synced", index=len(self.log) if index is None else index, vote=told)

    def commit_to(self, index: int) -> NodeBuilder:
        """commitIndex grows."""
        self.commit = index
        return self.trace("commit")

    def apply_to(self, index: int, entries: tuple[TraceEntry, ...] | None = None) -> NodeBuilder:
        """The state machine is given the log up to index, or other entries."""
        given = tuple(self.log[self.applied : index]) if entries is None else entries
        self.applied = index
        return self.trace("apply", entries=given)

    def acknowledge(self, index: int, op: str | None = None) -> NodeBuilder:
        """A client hears ok."""
        return self.trace("acknowledge", index=index, op=op)

    def send(self, to: NodeBuilder, message: str = "AppendEntries", *, received: bool = True) -> NodeBuilder:
        """A message, taken at once by the other (or not at all)."""
        self.messages += 1
        message_id = f"{self.name}:{self.life}:{self.messages}"
        self.trace("send", peer=to.name, message=message, message_id=message_id)
        if received:
            to.trace("receive", peer=self.name, message=message, message_id=message_id)
        return self

    def build(self) -> NodeTrace:
        """The trace as a reader returns it."""
        return NodeTrace(node=self.name, events=tuple(self.events), gaps=tuple(self.gaps))


class ClusterBuilder:
    """Three nodes with a first life begun; `elect` and `replicate` do what a correct cluster does."""

    def __init__(self, names: tuple[str, ...] = ("n1", "n2", "n3")) -> None:
        self.nodes = {name: NodeBuilder(name).restart().configure(names) for name in names}
        self._op = 100

    def __getitem__(self, name: str) -> NodeBuilder:
        return self.nodes[name]

    def elect(self, leader: str, term: int, voters: tuple[str, ...]) -> ClusterBuilder:
        """`leader` is elected in `term` by itself and `voters`, all properly on disk."""
        candidate = self.nodes[leader].enter(term).vote_for(leader)
        candidate.role = "candidate"
        candidate.trace("role").synced()
        for name in voters:
            voter = self.nodes[name]
            candidate.send(voter, "RequestVote")
            voter.enter(term).vote_for(leader).synced().send(candidate, "RequestVoteReply")
        candidate.lead().append(entry(len(candidate.log) + 1, term, "noop")).synced()
        return self

    def replicate(self, leader: str, followers: tuple[str, ...], *, op: str | None = None) -> ClusterBuilder:
        """One command: appended, replicated to `followers`, committed, applied, acknowledged."""
        chief = self.nodes[leader]
        self._op += 1
        op = op or str(self._op)
        chief.append(entry(len(chief.log) + 1, chief.term, op=op)).synced()
        for name in followers:
            self.catch_up(leader, name)
        index = len(chief.log)
        chief.commit_to(index).apply_to(index).acknowledge(index, op)
        for name in followers:
            follower = self.nodes[name]
            chief.send(follower)
            follower.commit_to(index).apply_to(index)
        return self

    def catch_up(self, leader: str, follower: str) -> ClusterBuilder:
        """One follower's log becomes its leader's."""
        chief, other = self.nodes[leader], self.nodes[follower]
        chief.send(other)
        if other.term < chief.term:
            other.enter(chief.term)
        same = 0
        while same < min(len(other.log), len(chief.log)) and other.log[same] == chief.log[same]:
            same += 1
        if same < len(other.log):
            other.truncate(same + 1)
        if same < len(chief.log):
            other.append(*chief.log[same:])
        other.synced().send(chief, "AppendEntriesReply")
        return self

    def build(self) -> dict[str, NodeTrace]:
        """Every node's trace."""
        return {name: node.build() for name, node in self.nodes.items()}


def healthy_cluster() -> ClusterBuilder:
    """Two terms of correct work: a leader is killed, another takes over, the first returns as follower."""
    cluster = ClusterBuilder()
    cluster.elect("n1", 1, ("n2",))
    for _ in range(3):
        cluster.replicate("n1", ("n2", "n3"))
    stray = entry(len(cluster["n1"].log) + 1, 1, "stray", op="900")
    cluster["n1"].append(stray).synced()  # appended, never replicated
    cluster.elect("n2", 2, ("n3",))
    for _ in range(2):
        cluster.replicate("n2", ("n3",))
    cluster["n1"].restart()
    cluster.catch_up("n2", "n1")
    cluster.replicate("n2", ("n1", "n3"))
    return cluster
