"""A *hand* does one family of a world's actions, and tells what was then observed.

The world keeps to what every system has, processes and links; whatever needs more is a hand, made for a run
whose faults ask for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from harness.cluster.layout import Layout, NodeOnHost
from harness.hosts.host import Background
from harness.nemesis.action import Action
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from harness.systems.base import System

Done = str | None
"""What became of an act on one node: "done", None if there was nothing to do, else what went wrong."""
DONE = "done"


def also(outcome: Outcome, **details: Any) -> Outcome:
    """An outcome that tells more of what was asked for or came of it."""
    return msgspec.structs.replace(outcome, details={**outcome.details, **details})


class Told(msgspec.Struct, frozen=True):
    """A reading of a node's own clock, between two of the harness's; seconds."""

    asked_at: float
    shown: float
    answered_at: float


class Workshop(Protocol):
    """What a hand may use of its world."""

    @property
    def system(self) -> System:
        """What the nodes are."""
        ...

    @property
    def layout(self) -> Layout:
        """Where they live."""
        ...

    @property
    def nodes(self) -> Mapping[str, NodeOnHost]:
        """All nodes, by name."""
        ...

    @property
    def faults(self) -> Sequence[str]:
        """What is going to be done in this run."""
        ...

    async def observe(self) -> ClusterView:
        """Ask every running node how it is."""
        ...

    async def on_each(self, names: Sequence[str], act: Callable[[NodeOnHost], Awaitable[Done]]) -> Outcome:
        """Act on some nodes at once; what became of it."""
        ...

    async def told_time(self, node: NodeOnHost) -> float | None:
        """How far the time of day that a node tells is ahead of the harness's, in seconds, or None."""
        ...

    async def told_monotonic(self, node: NodeOnHost) -> Told | None:
        """What the monotonic clock of a node shows, as it tells, or None."""
        ...

    async def start(self, node: NodeOnHost) -> Done:
        """Start a node that does not run; done once it answers."""
        ...


class Hand:
    """Does nothing; a hand overrides what it needs."""

    actions: ClassVar[tuple[type[Action], ...]] = ()
    """What it does."""
    distributions: ClassVar[tuple[str, ...]] = ()
    """What nodes' hosts need of others for it, beside our own modules."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    def reason_against(self) -> str | None:
        """What this machine lacks for it, beside what its hosts lack (harness/hosts/abilities.py)."""
        return None

    async def fit(self, node: NodeOnHost) -> None:
        """Prepare a node before its first start.

        Raises:
            HostError: it cannot be done.
        """

    async def unfit(self, node: NodeOnHost) -> None:
        """Take away again what `fit` made, once the node has ended.

        Raises:
            HostError: it cannot be done.
        """

    async def starting(self, node: NodeOnHost) -> None:
        """A process of the node is about to be started, for the first time or again.

        Raises:
            HostError: it cannot be prepared.
        """

    def environment(self, node: NodeOnHost) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """What its processes must be started with."""
        return {}

    def holds_down(self, node: NodeOnHost) -> bool:  # noqa: ARG002 - the protocol's
        """Whether the node cannot be started now, for what this hand did to it."""
        return False

    async def began(self, node: NodeOnHost, process: Background) -> None:
        """A process of the node was started; what befell the last one may have to befall it too."""

    async def carry_out(self, action: Action) -> Outcome:
        """Do it, and say what was then observed."""
        raise NotImplementedError(type(action).__name__)
