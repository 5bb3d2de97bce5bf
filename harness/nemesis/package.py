"""A fault package: one kind of fault as one value.

What it breaks and how it heals are operations (`begin`, `end`); its planner turns them into actions,
purely; its targets say what may be drawn, the favourite first; worlds that cannot do it refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from harness.generator.base import Generator
from harness.nemesis.base import Action, ClusterView, Outcome, Planner
from history import Operation

Told = tuple[Action, Outcome]
"""An action, and what came of it."""

WorldName = Literal["sim", "local", "netns", "ssh"]
EVERYWHERE: tuple[WorldName, ...] = ("sim", "local", "netns", "ssh")
REAL: tuple[WorldName, ...] = ("local", "netns", "ssh")
"""Where nodes are processes of an operating system."""


class Machine(Protocol):
    """The course of a fault that is no break and heal: one step after the other, by what was seen."""

    def course(self, targets: tuple[str, ...]) -> Generator:
        """Its operations while faults go on; endless."""
        ...

    def restore(self) -> Generator:
        """Its operations after the final heal, until all is as it was; ends, also if that fails."""
        ...

    def tell(self, operation: Operation, view: ClusterView, actions: Sequence[Told]) -> Mapping[str, Any]:
        """What the history keeps of one operation beside the actions, under the package's name.

        Args:
            view: as it was before the actions.
        """
        ...


class FaultPackage(msgspec.Struct, frozen=True):
    """One kind of fault. `begin` and `end` are the `f` of the operations that break and heal."""

    name: str
    """How users ask for it, and the kind by which reports colour it."""
    about: str
    begin: str
    end: str
    targets: tuple[str, ...]
    """What a schedule draws from, the favourite first."""
    planner: Planner
    worlds: tuple[WorldName, ...]
    breaks: str | None = None
    """What every system of this kind must assume and this takes away: runs with it are expected to be
    invalid, and nobody gets it who did not ask for it by name. None: a correct system survives it."""
    not_in_all: tuple[WorldName, ...] = ()
    """Where `all` leaves it out, since many a host's kernel cannot do it."""
    not_with: tuple[str, ...] = ()
    """Faults that one run cannot have beside it; where these can be had, `all` leaves this one out."""
    machine: Machine | None = None
    """What goes by its own course, beside the rounds of the others; None for what takes part in them."""

    @property
    def fs(self) -> tuple[str, str]:
        """The operations it handles."""
        return self.begin, self.end

    def breaking(self, target: str) -> Mapping[str, Any]:
        """The operation that breaks, as a generator takes it."""
        return {"f": self.begin, "value": {"target": target}}

    def healing(self) -> Mapping[str, Any]:
        """The operation that heals, as a generator takes it."""
        return {"f": self.end}
