"""The only place where a node is put together.

A mutant subclasses one part, overrides one small named rule, and is put in by `Parts`:
`build_node(..., parts=Parts(core=VotesTwice))`. Nothing is ever patched.
"""

from __future__ import annotations

from dataclasses import dataclass

from node_impl.core.config import NodeConfig
from node_impl.core.events import Recovered
from node_impl.core.node import Node
from node_impl.core.raft.core import Raft, Random
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Sessions
from node_impl.core.storage.wal import WriteAheadLog


@dataclass(frozen=True)
class Parts:
    """The classes that a node is made of. A driver makes `storage` itself, since that needs a disk."""

    core: type[Raft] = Raft
    storage: type[WriteAheadLog] = WriteAheadLog
    registry: type[Registry] = Registry
    sessions: type[Sessions] = Sessions
    node: type[Node] = Node


DEFAULT_PARTS = Parts()


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
    raft = parts.core(
        name=name, members=members, life=life, recovered=recovered, random=random, config=config
    )
    return parts.node(raft, parts.registry(), parts.sessions(config.max_clients), config)
