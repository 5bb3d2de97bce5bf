"""A fault: one kind of harm to a cluster, as one value.

Everything that is particular to a fault stands in its file under faults/, and nowhere else:

- what it breaks and how it heals: the operations `begin` and `end`, which its planner turns into actions;
- how its actions are carried out, and what proves that they took effect: their `carry_out` (action.py);
- where it can be had: the mechanisms that it calls, what it needs of a host and of the system under test;
- how reports show it: its period, its colour family and its words.

To add a fault, write its file and add one line to catalogue.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from harness.generator.base import Generator
from harness.nemesis.action import Action
from harness.nemesis.mechanisms.world import Mechanism, WorldKind, WorldName
from harness.nemesis.needs import Capability, Need
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from history import Operation
from history.nemesis import FaultKind, Proof

PerformedAction = tuple[Action, Outcome]
"""An action, and what came of it."""

Family = Literal["kill", "pause", "partition", "wire", "clock", "disk", "limit", "other"]
"""The colour of a fault in reports; faults of one family share it."""


class Planner(Protocol):
    """A fault's pure half: `draw` is a number in [0, 2**64) that all its choices come from."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """The actions for one nemesis operation; empty if there is nothing it could do now."""
        ...


class FaultCourse(Protocol):
    """The course of a fault that does not break and heal in rounds, but goes step by step by what it sees."""

    def steps(self, targets: tuple[str, ...]) -> Generator:
        """Its operations while faults go on; endless."""
        ...

    def restore(self) -> Generator:
        """Its operations after the final heal, until all is as it was; they end even if that fails."""
        ...

    def facts(
        self, operation: Operation, view: ClusterView, actions: Sequence[PerformedAction]
    ) -> Mapping[str, Any]:
        """What the history keeps of one operation besides the actions, under the fault's name.

        Args:
            view: the cluster before the actions.
        """
        ...


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fault. `begin` and `end` are the `f` of the operations that break and heal."""

    name: str
    """The name by which users ask for the fault, and by which reports show it."""
    about: str
    begin: str
    end: str
    targets: tuple[str, ...]
    """What a schedule draws from, the favourite first."""
    planner: Planner
    actions: tuple[type[Action], ...]
    """Every type of action that the planner makes."""
    mechanisms: tuple[Mechanism[Any], ...]
    """What a world must offer for the fault to be possible there."""
    evidence: str
    """What shows that the fault took effect, in words."""
    proof: Proof = "effect"
    """What shows it to the checker `vacuity`."""
    requires: tuple[str, ...] = ()
    """The checkers that look at what the fault is for: a run with it in which one of them had nothing to look
    at proves nothing. Those that the workload does not have are left out."""
    family: Family = "other"
    begun_by: tuple[type[Action], ...] = ()
    """The actions that begin its period in reports; none if nothing stays broken."""
    ended_by: tuple[type[Action], ...] = ()
    """The actions that end its period for the nodes that they name, whatever operation they are part of.
    The operation `end` ends the period in any case."""
    needs: tuple[Need, ...] = ()
    """What it needs of each host."""
    packet_needs: tuple[Need, ...] = ()
    """What it needs of each host besides, where links are cut by packet filters and not by proxies."""
    capabilities: tuple[Capability, ...] = ()
    """What the system under test must be able to do."""
    breaks: str | None = None
    """An assumption that every system of this kind must make and that the fault takes away: runs with it are
    expected to be invalid, and it is drawn only where it is asked for by name. None: a correct system
    survives the fault."""
    not_in_all: tuple[WorldName, ...] = ()
    """The worlds in which `all` leaves it out, since the kernels of many hosts cannot do it."""
    not_with: tuple[str, ...] = ()
    """Faults that one run cannot have together with it; where these can be had, `all` leaves this one out."""
    course: FaultCourse | None = None
    """How it goes by its own steps, next to the rounds of the others; None if it takes part in the rounds."""

    @property
    def fewest_nodes(self) -> int:
        """With fewer nodes there is nothing that it could do."""
        return max(mechanism.fewest_nodes for mechanism in self.mechanisms)

    @property
    def operations(self) -> tuple[str, str]:
        """The operations that it handles."""
        return self.begin, self.end

    def breaking(self, target: str) -> Mapping[str, Any]:
        """The operation that breaks, as a generator takes it."""
        return {"f": self.begin, "value": {"target": target}}

    def healing(self) -> Mapping[str, Any]:
        """The operation that heals, as a generator takes it."""
        return {"f": self.end}

    def lacks(self, world: WorldKind) -> str | None:
        """Why the fault cannot be had in a world, as the end of a sentence; None if it can."""
        lacking = [mechanism.name for mechanism in self.mechanisms if mechanism not in world.mechanisms]
        return f"has no {' and no '.join(lacking)}" if lacking else None

    @property
    def kind(self) -> FaultKind:
        """What reports and checkers need to know of the fault, as data that a run's folder keeps."""
        return FaultKind(
            name=self.name,
            about=self.about,
            begin=self.begin,
            end=self.end,
            family=self.family,
            begun_by=tuple(action.__name__ for action in self.begun_by),
            ended_by=tuple(action.__name__ for action in self.ended_by),
            proof=self.proof,
            requires=self.requires,
            verbs={action.__name__: action.verb for action in self.actions},
        )
