"""The layout of a world of hosts: where each node lives, and the links between nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from harness.client.net import Entering
from harness.hosts.host import Background, Host
from harness.hosts.links.linkmessages import LinkImpairment
from harness.hosts.links.links import Healed
from harness.nemesis.action import Link
from harness.systems.base import Place

if TYPE_CHECKING:
    from harness.client.http import SocketFactory

TRACE_FILE = re.compile(r"[0-9]+\.jsonl")
LOSS_PERCENT = 20


class CutLinks(Protocol):
    """Links between nodes that can be cut; errors are `LinkError`."""

    async def cut(self, links: Iterable[Link]) -> tuple[Link, ...]:
        """Cut these links too; all links that are cut now."""
        ...

    async def swallowed(self, links: Iterable[Link]) -> int:
        """How many messages, packets or bytes these links have swallowed since they were last healed."""
        ...

    async def heal(self) -> Healed:
        """Let everything through again."""
        ...


class ImpairableLinks(Protocol):
    """Links between nodes that can be made bad; errors are `LinkError`."""

    async def impair(self, links: Iterable[Link], how: LinkImpairment, by: str, draw: int) -> int:
        """Make links bad, on the account of the fault `by`; how many are bad now."""
        ...

    async def end_impairment(self, by: str) -> int | None:
        """End what one fault did; how many messages or pieces it struck, None if it was not on."""
        ...

    async def struck(self, by: str) -> int:
        """How many messages or pieces the fault has struck by now."""
        ...


@dataclass(frozen=True)
class Layout:
    """Where the nodes of one world live."""

    hosts: Mapping[str, Host]
    """The host of each node; several nodes may share one."""
    places: Mapping[str, Place]
    links: CutLinks | None
    """None where nodes share one address and dial each other directly: nothing is there to be cut."""
    lossy: CutLinks | None = None
    """The same links, where they can lose `LOSS_PERCENT` of their packets, or messages."""
    bad: ImpairableLinks | None = None
    """The same links, where they can be late, slow, ..."""
    faketime: Mapping[str, str] = field(default_factory=dict)
    """The path of libfaketime on each node's host, for faults of clocks."""
    sockets: SocketFactory | None = None
    """Makes the sockets that reach the nodes; None for ordinary ones."""
    entering: Entering = nullcontext
    """Puts a thread into the network of the nodes."""


@dataclass(frozen=True)
class Life:
    """One life of a node: its processes, from their start to their end."""

    number: int
    """From 1; the same number as in the trace."""
    processes: tuple[Background, ...]
    names: tuple[str, ...] = ("",)
    """The name of each process; empty for that of a node with one."""

    @property
    def main(self) -> Background:
        """The process without which the node is down."""
        return self.processes[0]


class NodeOnHost:
    """One node on its host, and the lives that it has had."""

    def __init__(self, place: Place, host: Host) -> None:
        self.place = place
        self.host = host
        self.lives: list[Life] = []
        self._slowing: Background | None = None

    @property
    def slowing(self) -> Background | None:
        """The process that slows the node down, if one does."""
        return self._slowing if self._slowing is not None and self._slowing.is_running else None

    @slowing.setter
    def slowing(self, process: Background) -> None:
        self._slowing = process

    @property
    def process(self) -> Background | None:
        """The node's main process, if it runs."""
        return self.lives[-1].main if self.lives and self.lives[-1].main.is_running else None

    @property
    def running(self) -> tuple[Background, ...]:
        """Those of the node's processes that run, the main one first."""
        return tuple(one for one in self.lives[-1].processes if one.is_running) if self.lives else ()

    async def next_life(self) -> int:
        """The number for the trace of the life that is about to begin: the next free one.

        A life that ended before it could begin its trace leaves its number to the next.
        """
        names = await self.host.names(self.place.trace)
        traced = [int(name.removesuffix(".jsonl")) for name in names if TRACE_FILE.fullmatch(name)]
        return max(traced, default=len(self.lives)) + 1
