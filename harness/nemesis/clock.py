"""Clock: the wall clocks of some nodes jump, forwards or backwards, and later jump back.

Monotonic clocks go on as they were, as the kernel's do when an administrator, or NTP, sets the time. A
node that takes the time of day for a duration (a lease, an expiry) shows it now.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, ResetClock, SetClock
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation

JUMPS_S = (-3600, -60, -10, 10, 60, 3600)


class ClockPlanner:
    """`clock` with a target, `heal-clock` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Set the clocks of what runs and can say what time it is; how far is drawn."""
        awake = [name for name, node in view.nodes.items() if node.running and not node.paused]
        if operation.f == "heal-clock":
            return (ResetClock(tuple(view.nodes)),)
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, awake, drawn)
        return (SetClock(nodes, drawn.choose(JUMPS_S, "jump")),) if nodes else ()


CLOCK = FaultPackage(
    name="clock",
    about="makes the wall clocks of node processes jump, and not the host's",
    begin="clock",
    end="heal-clock",
    targets=NODE_TARGETS,
    planner=ClockPlanner(),
    worlds=REAL,
)
