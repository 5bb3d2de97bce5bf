"""The only place where a node is put together.

A seeded bug (`harness/mutants`) subclasses one collaborator, overrides one small rule of it, and names the
subclass here: `build_node(..., parts=Parts(elections=VotesTwice))`. Nothing is patched.
"""

from __future__ import annotations

from dataclasses import dataclass

from node_impl.core.config import NodeConfig
from node_impl.core.events import Recovered
from node_impl.core.node import Node
from node_impl.core.raft.elections import Elections, Random
from node_impl.core.raft.followers import Followers
from node_impl.core.raft.leases import LeaderLeases
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership
from node_impl.core.raft.raft import Raft
from node_impl.core.raft.reads import ReadRounds
from node_impl.core.raft.replication import Replication
from node_impl.core.raft.snapshots import Snapshots
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Sessions
from node_impl.core.serving.beats import Beats
from node_impl.core.serving.client_reads import ClientReads
from node_impl.core.serving.client_writes import ClientWrites
from node_impl.core.serving.open_requests import OpenRequests
from node_impl.core.serving.state_machine import StateMachine
from node_impl.core.storage.wal import WriteAheadLog


@dataclass(frozen=True)
class Parts:
    """The class of each part of a node. A driver makes `storage` itself, since that needs a disk."""

    # The Raft core: node_impl/core/raft
    state: type[RaftState] = RaftState
    followers: type[Followers] = Followers
    membership: type[Membership] = Membership
    leases: type[LeaderLeases] = LeaderLeases
    elections: type[Elections] = Elections
    snapshots: type[Snapshots] = Snapshots
    reads: type[ReadRounds] = ReadRounds
    replication: type[Replication] = Replication
    # What is replicated: node_impl/core/registry
    registry: type[Registry] = Registry
    sessions: type[Sessions] = Sessions
    # Its log on disk: node_impl/core/storage
    storage: type[WriteAheadLog] = WriteAheadLog
    # How clients are served: node_impl/core/serving
    state_machine: type[StateMachine] = StateMachine
    open_requests: type[OpenRequests] = OpenRequests
    beats: type[Beats] = Beats
    client_reads: type[ClientReads] = ClientReads
    client_writes: type[ClientWrites] = ClientWrites
    # What hands each event to one of all these: node_impl/core/node.py
    node: type[Node] = Node


DEFAULT_PARTS = Parts()
RAFT_PARTS = (
    "state",
    "followers",
    "membership",
    "leases",
    "elections",
    "snapshots",
    "reads",
    "replication",
)
"""The parts that make up the Raft core, by their names in `Parts`."""
MACHINE_PARTS = ("registry", "sessions", "state_machine")
"""The parts that make up the replicated state machine."""


def build_node(
    *,
    name: str,
    members: tuple[str, ...],
    life: int,
    recovered: Recovered,
    random: Random,
    config: NodeConfig,
    parts: Parts = DEFAULT_PARTS,
) -> Node:
    """A node that begins its `life` with what its storage recovered.

    Raises:
        ValueError: `name` is not among `members`, or a member is named twice.
    """
    raft = Raft(
        name=name, members=members, life=life, recovered=recovered, random=random, config=config, parts=parts
    )
    return parts.node(raft, parts.registry(), parts.sessions(config.max_clients), parts)
