"""Healing only a quorum: most nodes are well again, and the others stay broken until the final heal.

A cluster that works once everything is mended may still wait for a node that will never answer, or be
disturbed without end by one that hears nothing and campaigns. So in the end of some runs all faults are
healed, and at the same moment a minority is broken for as long as this end lasts. The checker `liveness`
demands of the healed quorum what Raft promises: a leader that stays, and progress (the idea is that of the
liveness mode of TigerBeetle's simulator).

Links break between a broken node and all others, in one direction or in both. With a link that is cut to one
node only, Raft promises less: a leader in contact with a majority keeps its place, though a node that does
not hear it goes without one (Howard & Abraham, "Raft does not Guarantee Liveness in the face of Network
Faults", 2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from harness.nemesis.action import Action
from harness.nemesis.faults.disk.disk_trouble import BreakDisk, MendDisk
from harness.nemesis.faults.network.partition import Cut
from harness.nemesis.faults.processes.lifecycle import Kill, Pause
from harness.nemesis.faults.processes.slow import EndSlow, Slow

Trouble = Literal["deaf", "mute", "cut off", "slow", "paused", "down", "full"]
"""How a node stays broken: it hears no node (and so campaigns without end), is heard by none, both, runs half
of the time, is stopped, does not run, or has no room on its disk."""
STOPPED_PERCENT = 50
FULL_BY = "full"


class QuorumEnd(msgspec.Struct, frozen=True):
    """The end of a run in which only a quorum is well."""

    broken: Mapping[str, Trouble]
    """By node of the minority: how it stays broken."""
    lasts_ms: int
    at_leader: bool = False
    """Whether the leader of that moment, if there is one, is broken in place of the first of these nodes."""

    def breaks(self, every: Sequence[str], leader: str | None) -> tuple[Action, ...]:
        """The actions that break the minority, of all these nodes; one that may take some time comes last.

        Each action that cuts links is about one node, which is an end of each of its links: from that
        the checker `liveness` knows which nodes are broken.
        """
        broken = dict(self.broken)
        if self.at_leader and leader is not None and leader not in broken:
            first = next(iter(broken))
            broken[leader] = broken.pop(first)
        found: list[Action] = []
        late: list[Action] = []
        for node, trouble in broken.items():
            others = [other for other in every if other != node]
            hears, heard = [(other, node) for other in others], [(node, other) for other in others]
            match trouble:
                case "deaf":
                    found.append(Cut(tuple(hears)))
                case "mute":
                    found.append(Cut(tuple(heard)))
                case "cut off":
                    found.append(Cut((*hears, *heard)))
                case "slow":
                    found.append(Slow((node,), STOPPED_PERCENT))
                case "paused":
                    found.append(Pause((node,)))
                case "down":
                    found.append(Kill((node,)))
                case "full":
                    late.append(BreakDisk((node,), room_bytes=0, by=FULL_BY))
        return (*found, *late)


def mends(every: tuple[str, ...]) -> tuple[Action, ...]:
    """The actions that mend what neither healed links nor a start mends."""
    return EndSlow(every), MendDisk(every, FULL_BY)
