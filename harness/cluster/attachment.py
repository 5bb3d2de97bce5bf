"""An attachment: what a run needs at each of its nodes besides their processes, for a fault or as evidence.

A disk that can fail, a clock of the node's own, a capture of packets are attachments. The world calls the
methods here as it prepares nodes, starts them and takes them down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.cluster.layout import Layout, NodeOnHost
from harness.hosts.host import Background
from harness.nemesis.mechanisms.processes import Processes
from harness.nemesis.mechanisms.world import Mechanism
from harness.systems.base import NodeStatus, System


class RunningCluster(Protocol):
    """What an attachment or a mechanism may use of the world that it belongs to."""

    @property
    def system(self) -> System:
        """The system under test."""
        ...

    @property
    def layout(self) -> Layout:
        """Where the nodes live."""
        ...

    @property
    def nodes(self) -> Mapping[str, NodeOnHost]:
        """All nodes, by name."""
        ...

    @property
    def processes(self) -> Processes:
        """The mechanism of the nodes' processes."""
        ...

    @property
    def attachments(self) -> Sequence[Attachment]:
        """All attachments of this run."""
        ...

    def has(self, mechanism: Mechanism[Any]) -> bool:
        """Whether this run has a mechanism."""
        ...

    async def ask(self, node: str, request: HttpRequest) -> HttpReply | None:
        """Send a request to a node; None without an answer in time."""
        ...

    async def status(self, node: str) -> NodeStatus | None:
        """Ask a node for its state; None without an answer in time."""
        ...


class Attachment:
    """Does nothing; a subclass overrides what it needs."""

    distributions: ClassVar[tuple[str, ...]] = ()
    """The Python distributions that nodes' hosts need for it, besides our own modules."""

    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster

    def reason_against(self) -> str | None:
        """What this machine or the system lacks for it; harness/hosts/abilities.py asks the hosts."""
        return None

    async def attach(self, node: NodeOnHost) -> None:
        """Prepare a node before its first start.

        Raises:
            HostError: it cannot be done.
        """

    async def detach(self, node: NodeOnHost) -> None:
        """Take away again what `attach` made, once the node has ended.

        Raises:
            HostError: it cannot be done.
        """

    async def before_start(self, node: NodeOnHost) -> None:
        """Prepare for a process of the node that is about to be started, for the first time or again.

        Raises:
            HostError: it cannot be prepared.
        """

    def environment(self, node: NodeOnHost) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """The environment variables that the node's processes must be started with."""
        return {}

    def holds_down(self, node: NodeOnHost) -> bool:  # noqa: ARG002 - the protocol's
        """Whether the node cannot be started now, because of what was done to it."""
        return False

    async def after_start(self, node: NodeOnHost, process: Background) -> None:
        """Do to a process that was just started what was done to the one before, where that must last."""


MakeAttachment = Callable[[RunningCluster], Attachment]
