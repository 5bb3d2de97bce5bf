"""Ambush: act on a leader at the worst moment: as it appears, or between its append and the commit.

`new-leader` ends or stops the leader of the day and lies in wait for the one that follows, which is struck
the moment it is seen to lead. `between-append-and-commit` lies in wait for a leader that holds more than it
has committed, after it has committed in its term: what a client may just be waiting for.

In the simulated world the moment is exact: no other thing happens between the step that makes it so and the
blow. On real processes it is polled for, as fast as nodes answer, so a blow falls some milliseconds late; the
nodes' traces show what the moment was.
"""

from __future__ import annotations

from typing import Literal

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, EndAmbush, Kill, LieInWait, Pause, Resume, Start
from harness.nemesis.package import EVERYWHERE, FaultPackage
from harness.nemesis.targets import TargetError, target_of
from history import Operation

PATIENCE_MS = 2500


class AmbushPlanner:
    """`ambush` with the moment as its target; `heal-ambush` ends the wait, starts and resumes all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Make the moment come, where it does not by itself, and wait for it."""
        every = tuple(view.nodes)
        if operation.f == "heal-ambush":
            return (EndAmbush(every), Resume(every), Start(every))
        by: Literal["kill", "pause"] = "kill" if Draw(draw).chance(2, 3, "by") else "pause"
        leader = view.leader()
        term = 0 if leader is None else view.nodes[leader].term or 0
        match target_of(operation):
            case "new-leader":
                wait = LieInWait("new-leader", by, term, PATIENCE_MS)
                if leader is None:
                    return (wait,)
                return (Kill((leader,)) if by == "kill" else Pause((leader,)), wait)
            case "between-append-and-commit":
                return (LieInWait("uncommitted", by, 0, PATIENCE_MS),)
            case other:
                raise TargetError(f"no ambush is called {other!r}; there are {', '.join(AMBUSH.targets)}")


AMBUSH = FaultPackage(
    name="ambush",
    about="kills or pauses a leader as it appears, or between its append and the commit",
    begin="ambush",
    end="heal-ambush",
    targets=("new-leader", "between-append-and-commit"),
    planner=AmbushPlanner(),
    worlds=EVERYWHERE,
)
