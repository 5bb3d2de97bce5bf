"""What an action may use of the world in which it is carried out.

A *mechanism* is one kind of thing that a world can do to its nodes: kill processes, cut links, fill disks. It
is a protocol with a key; a world looks implementations up by key:

    await world.mechanism(PROCESSES).kill("n1", by="kill")

Which faults a world can have follows from the mechanisms that it offers (`WorldKind`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView

if TYPE_CHECKING:
    from harness.nemesis.action import Action

M = TypeVar("M")

WorldName = Literal["sim", "local", "netns", "ssh"]

NodeResult = str | None
"""What became of an act on one node: `DONE`, None if there was nothing to do, else what went wrong."""
DONE = "done"


class MechanismError(Exception):
    """A mechanism is not there, or failed; the message says why, and becomes the outcome's error."""


@dataclass(frozen=True)
class Mechanism(Generic[M]):
    """The key of one mechanism; `M` is the protocol that its implementations have."""

    name: str
    """Completes the sentence "this world has no ...": `disks that can fail`."""
    fewest_nodes: int = 1
    """With fewer nodes there is nothing that it could act on: a single node has no link."""


@dataclass(frozen=True)
class WorldKind:
    """One kind of world, and what it can do to its nodes."""

    name: WorldName
    mechanisms: frozenset[Mechanism[Any]]
    remedy: str = ""
    """Where this kind lacks a mechanism that another kind has: what to choose instead, for messages."""


class WorldMechanisms(Protocol):
    """What every world offers to an action."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all nodes, in order."""
        ...

    async def observe(self) -> ClusterView:
        """Ask every running node for its state; bounded by a short time-out each, in parallel."""
        ...

    async def on_each(self, nodes: Sequence[str], act: Callable[[str], Awaitable[NodeResult]]) -> Outcome:
        """Act on some nodes at the same time. The outcome lists in `changed` those where it was `DONE`."""
        ...

    def now_s(self) -> float:
        """The world's time, in seconds from any fixed moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let the world's time pass."""
        ...

    def has(self, mechanism: Mechanism[Any]) -> bool:
        """Whether this world, in this run, has a mechanism."""
        ...

    def mechanism(self, mechanism: Mechanism[M]) -> M:
        """This world's implementation of a mechanism.

        Raises:
            MechanismError: the world does not have it, or the run was not prepared for it.
        """
        ...


class World(Protocol):
    """Where nodes live, as the nemesis sees it. Implementations: harness/cluster/world.py, harness/sim."""

    async def observe(self) -> ClusterView:
        """Ask every running node for its state; bounded by a short time-out each, in parallel."""
        ...

    async def carry_out(self, action: Action) -> Outcome:
        """Do it; an error is an `Outcome`, not an exception."""
        ...


async def eventually(
    world: WorldMechanisms, is_so: Callable[[], Awaitable[bool]], bound_s: float, poll_s: float
) -> bool:
    """Ask again and again, until something is so or the bound is over; whether it is so."""
    deadline = world.now_s() + bound_s
    while not await is_so():
        if world.now_s() > deadline:
            return False
        await world.sleep(poll_s)
    return True
