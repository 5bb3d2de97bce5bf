"""The planner that most faults of single nodes share: harm some running nodes, and mend all of them later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.targets import choose_nodes, target_of
from harness.nemesis.view import ClusterView
from history import Operation

Nodes = tuple[str, ...]


@dataclass(frozen=True)
class NodePlanner:
    """Harms the nodes that an operation's target names, and mends all nodes at `end`."""

    end: str
    harm: Callable[[Nodes, Draw], tuple[Action, ...]]
    """The actions that harm these nodes; how bad it gets is drawn."""
    mend: Callable[[Nodes], tuple[Action, ...]]
    """The actions that mend, given all nodes."""
    hits_paused: bool = True
    """Whether nodes whose processes are paused can be hit."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Harm only nodes whose processes run; nothing if none does."""
        if operation.f == self.end:
            return self.mend(tuple(view.nodes))
        candidates = view.running() if self.hits_paused else view.awake()
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, candidates, drawn)
        return self.harm(nodes, drawn) if nodes else ()
