"""What most faults of single nodes share: something of running nodes is made worse, and mended for all.

How bad it gets is drawn. What ended of it meanwhile is started again by the heal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation

Nodes = tuple[str, ...]


@dataclass(frozen=True)
class Worsen:
    """`NAME` with a target, `heal-NAME` for all nodes."""

    end: str
    breaking: Callable[[Nodes, Draw], Action]
    mending: Callable[[Nodes], Action]

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Only what runs can be made worse."""
        every = tuple(view.nodes)
        if operation.f == self.end:
            return (self.mending(every), Start(every))
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (self.breaking(nodes, drawn),) if nodes else ()


def worsening(
    name: str, about: str, breaking: Callable[[Nodes, Draw], Action], mending: Callable[[Nodes], Action]
) -> FaultPackage:
    """The package of such a fault, for worlds of real processes."""
    end = f"heal-{name}"
    return FaultPackage(
        name=name,
        about=about,
        begin=name,
        end=end,
        targets=NODE_TARGETS,
        planner=Worsen(end, breaking, mending),
        worlds=REAL,
    )
