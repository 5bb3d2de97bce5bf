"""Loss: links that lose some of what they carry, at random.

Where packets are lost TCP sends them again, late and in bursts; where links are proxies whole messages are,
for good, which a protocol over TCP seldom meets and must survive all the same.

Links are chosen by the shapes of partitions: what a partition would cut, a loss makes bad.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, EndLoss, Lose
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.partition import SHAPES
from harness.nemesis.targets import TargetError, target_of
from history import Operation


class LossPlanner:
    """`loss` with a partition's shape as its target, `heal-loss` for all links."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Make the links of the shape bad."""
        if operation.f == "heal-loss":
            return (EndLoss(),)
        target = target_of(operation)
        shape = SHAPES.get(target) if isinstance(target, str) else None
        if shape is None:
            raise TargetError(f"no loss is called {target!r}; there are {', '.join(SHAPES)}")
        links = shape(view, Draw(draw))
        return (Lose(links),) if links else ()


LOSS = FaultPackage(
    name="loss",
    about="links between nodes lose some of their packets, or messages, at random",
    begin="loss",
    end="heal-loss",
    targets=tuple(SHAPES),
    planner=LossPlanner(),
    worlds=REAL,
)
