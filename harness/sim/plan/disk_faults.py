"""Scheduled faults of disks, aimed at the moments when a crash hurts most.

Putting a file in its place takes a few calls to the disk, so a crash at any effect seldom comes in between.
Here it comes there: in a snapshot and the log that is put in place after it, in recovery, and in the first
write after it, which relies on what an earlier life left in the kernel.
"""

from __future__ import annotations

from harness.sim.plan.scheduled_faults import CrashAtDiskCall, Occasion, ReadError, ScheduledFault
from harness.sim.plan.stream import Stream
from history.units import MILLISECOND_NS

MOST_CALLS: dict[Occasion, int] = {"write": 2, "snapshot": 10, "recovery": 4, "first-write": 2}
"""How many calls to the disk an occasion mostly has."""
STARTS = (2, 3, 4, 5, 6)
"""The starts of a node that may go wrong; the first finds no files."""


def disk_faults(draw: Stream, names: tuple[str, ...]) -> tuple[ScheduledFault, ...]:
    """In a third of the seeds, let one or two nodes have a disk whose crashes come where they hurt.

    Their starts go wrong one after the other, since some bugs need a kill, which leaves in the kernel what
    was not synced, and then a loss of power, which takes it.
    """
    if not draw.chance(1, 3):
        return ()
    found: list[ScheduledFault] = []

    def crash(node: str, occasion: Occasion, number: int) -> CrashAtDiskCall:
        call, power = draw.between(1, MOST_CALLS[occasion]), draw.choose(("now", "now", "next", "not"))
        return CrashAtDiskCall(node, occasion, number, call, power == "now", down(), power == "next")

    def down() -> int:
        return draw.between(20, draw.choose((100, 500))) * MILLISECOND_NS

    for node in draw.some(names, 1, 2)[:2]:
        for _ in range(draw.between(1, 3)):
            found.append(crash(node, "write", draw.between(1, draw.choose((30, 300)))))
        for number in range(1, draw.between(1, 6)):
            if draw.chance(1, 2):
                found.append(crash(node, "snapshot", number))
        for start in STARTS:
            kind = draw.below(6)
            if kind < 2:
                found.append(crash(node, "first-write", start))
            elif kind == 2:
                found.append(crash(node, "recovery", start))
            elif kind == 3:
                found.append(ReadError(node, start, draw.between(1, 2), down()))
    return tuple(found)
