"""What is known of a cluster when a fault is planned."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class NodeView(msgspec.Struct, frozen=True):
    """What is known of one node now."""

    running: bool
    paused: bool = False
    role: str | None = None
    """The role that the node itself states; None if it did not answer."""
    term: int | None = None
    leader: str | None = None
    """The leader that this node names."""
    commit: int = 0
    last: int = 0
    """The index of the last entry in its log."""
    members: tuple[str, ...] | None = None
    """The voters, in the newest configuration that the node holds; None if the system does not show any."""
    learners: tuple[str, ...] = ()
    configuration: int = 0
    """The Raft index of that configuration: it is committed once `commit` reaches it."""

    @property
    def awake(self) -> bool:
        """Whether the node's process runs and is not paused."""
        return self.running and not self.paused


class ClusterView(msgspec.Struct, frozen=True):
    """What is known of the cluster when a fault is planned, in node order."""

    nodes: Mapping[str, NodeView]

    def leader(self) -> str | None:
        """The node that says it leads in the highest term; None if no node says so."""
        leading = [(view.term or 0, name) for name, view in self.nodes.items() if view.role == "leader"]
        return max(leading)[1] if leading else None

    def agreed_leader(self) -> str | None:
        """The leader that a majority of the nodes, itself included, names in its term; None without one."""
        leader = self.leader()
        if leader is None:
            return None
        named = (leader, self.nodes[leader].term)
        agreeing = [view for view in self.nodes.values() if (view.leader, view.term) == named]
        return leader if len(agreeing) >= self.majority() else None

    def majority(self) -> int:
        """How many nodes make a majority."""
        return len(self.nodes) // 2 + 1

    def running(self) -> tuple[str, ...]:
        """The nodes whose processes run, paused ones included."""
        return tuple(name for name, view in self.nodes.items() if view.running)

    def awake(self) -> tuple[str, ...]:
        """The nodes whose processes run and are not paused."""
        return tuple(name for name, view in self.nodes.items() if view.awake)
