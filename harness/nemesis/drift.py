"""Drift: monotonic clocks run slow or fast for a while: the leader's slow and all others fast, or drawn ones.

Time-outs, and the promises that a leader's lease counts on, are measured by these clocks. Nodes that state a
bound on drift must hold up to it; `LARGEST_PERCENT` is how far this goes.

On real processes libfaketime moves wall and monotonic clock together, so this excludes faults that set the
wall clock (harness/hosts/clocks/faketime.py).
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, ResetRate, SetRate
from harness.nemesis.package import EVERYWHERE, FaultPackage
from harness.nemesis.targets import TargetError, leader_or_any, target_of
from history import Operation

LARGEST_PERCENT = 20


class DriftPlanner:
    """`drift` with a target, `heal-drift` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Set the rates of all clocks."""
        every = tuple(view.nodes)
        if operation.f == "heal-drift":
            return (ResetRate(every),)
        match target_of(operation):
            case "slow-leader":
                slow = leader_or_any(view, every, Draw(draw))
            case "fast-leader":
                leader = leader_or_any(view, every, Draw(draw))
                slow = tuple(name for name in every if name not in leader)
            case "some":
                slow = Draw(draw).sample(every, Draw(draw).below(len(every) + 1, "how many"), "slow")
            case other:
                raise TargetError(f"no drift is called {other!r}; there are {', '.join(DRIFT.targets)}")
        fast = tuple(name for name in every if name not in slow)
        rates = (SetRate(slow, -LARGEST_PERCENT), SetRate(fast, LARGEST_PERCENT))
        return tuple(rate for rate in rates if rate.nodes)


DRIFT = FaultPackage(
    name="drift",
    about="makes the monotonic clocks of nodes run slow or fast",
    begin="drift",
    end="heal-drift",
    targets=("slow-leader", "fast-leader", "some"),
    planner=DriftPlanner(),
    worlds=EVERYWHERE,
    not_with=("clock", "strobe"),
)
