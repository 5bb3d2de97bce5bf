"""What simulated nodes are made of: the reference node's parts, or a core of others (harness/sim/lockstep).

A kind of node is a log on a disk, and a core that takes events and gives ordered effects. Everything else
of a simulated node (`process.py`) is the same for all kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from harness.nemesis.view import NodeView
from node_impl.core.build import Parts, build_node
from node_impl.core.config import NodeConfig
from node_impl.core.events import Effect, Event, Recovered
from node_impl.core.node import Node
from node_impl.core.raft.elections import Random
from node_impl.core.sizes import bounds
from node_impl.core.storage.disk import Disk


class Storage(Protocol):
    """A node's log on its disk."""

    def recover(self) -> Any:
        """Give what the disk holds; `notes` of it are lines for the node's log."""
        ...

    def write(self, records: Sequence[Any]) -> None:
        """Collect the records of a `Persist`."""
        ...

    def sync(self) -> None:
        """Make durable what was collected."""
        ...


class ForeignLife(Protocol):
    """One life of a node that is not the reference node: as `Node`, but it states what it is without being
    asked as a client would ask, and has an end."""

    def start(self, now: int) -> list[Effect]:
        """Begin; the effects of coming up."""
        ...

    def step(self, now: int, *events: Event) -> list[Effect]:
        """The effects of events, to be carried out in order."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """How much the node holds of what must stay bounded."""
        ...

    def stated(self) -> NodeView:
        """What the node has said of its state."""
        ...

    def leads_with(self) -> tuple[int, int, int, bool] | None:
        """See `Process.leads_with`."""
        ...

    def end(self, *, killed: bool) -> None:
        """This life is over: by force, or in order."""
        ...


Life: TypeAlias = Node | ForeignLife
"""One life of a node, without I/O."""


class NodeKind(Protocol):
    """Makes nodes of one kind."""

    def storage(self, disk: Disk) -> Storage:
        """A node's log on this disk."""
        ...

    def build(
        self, *, name: str, members: tuple[str, ...], life: int, recovered: Any, random: Random
    ) -> Life:
        """A node that begins its `life` with what its storage recovered."""
        ...

    def bounds(self, most: Mapping[str, int]) -> Mapping[str, int]:
        """The most that a node may hold of each thing (node_impl/core/sizes.py)."""
        ...

    def close(self) -> None:
        """End whatever makes up the nodes, as the run is over."""
        ...


class ReferenceKind:
    """Makes reference nodes, or mutants of them."""

    def __init__(self, parts: Parts, config: NodeConfig) -> None:
        self._parts = parts
        self._config = config

    def storage(self, disk: Disk) -> Storage:
        """The write-ahead log."""
        return self._parts.storage(disk)

    def build(
        self, *, name: str, members: tuple[str, ...], life: int, recovered: Recovered, random: Random
    ) -> Node:
        """A node in this process."""
        return build_node(
            name=name,
            members=members,
            life=life,
            recovered=recovered,
            random=random,
            config=self._config,
            parts=self._parts,
        )

    def bounds(self, most: Mapping[str, int]) -> Mapping[str, int]:
        """By the node's settings."""
        return bounds(self._config, most)

    def close(self) -> None:
        """Nothing is left of nodes in this process."""
