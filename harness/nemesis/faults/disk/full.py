"""Full: no room is left on a node's disk; the write that fills it is taken in part.

A node that cannot write its log can promise nothing more. The reference node ends at once and says so; it
must come back with all that it had promised when there is room again.
"""

from __future__ import annotations

from harness.nemesis.faults.disk.disk_trouble import BreakDisk, breaking_disks

ROOM_BYTES = (0, 100, 1000, 10_000)

FULL = breaking_disks(
    "full",
    "fills the disks of nodes after 0 to 10,000 bytes more: the last write is taken in part",
    lambda nodes, draw: BreakDisk(nodes, room_bytes=draw.choose(ROOM_BYTES, "room"), by="full"),
    evidence="writes refused; the node ends",
)
