"""Strobe: the wall clocks of some nodes jump to and fro, several times a second.

One jump may fall between two looks at the clock; of many some fall where they hurt: between the begin and
the end of what is being timed by the time of day.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, EndStrobe, StrobeClock
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation

OFFSETS_S = (-3600, -10, 10, 3600)
PERIODS_MS = (100, 400, 1000)


class StrobePlanner:
    """`strobe` with a target, `heal-strobe` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Strobe what runs and can say what time it is; how far and how fast is drawn."""
        if operation.f == "heal-strobe":
            return (EndStrobe(tuple(view.nodes)),)
        awake = [name for name, node in view.nodes.items() if node.running and not node.paused]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, awake, drawn)
        offset_s, period_ms = drawn.choose(OFFSETS_S, "offset"), drawn.choose(PERIODS_MS, "period")
        return (StrobeClock(nodes, offset_s, period_ms),) if nodes else ()


STROBE = FaultPackage(
    name="strobe",
    about="makes the wall clocks of node processes jump to and fro, and not the host's",
    begin="strobe",
    end="heal-strobe",
    targets=NODE_TARGETS,
    planner=StrobePlanner(),
    worlds=REAL,
)
