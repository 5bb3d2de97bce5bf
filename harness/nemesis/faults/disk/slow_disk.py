"""Slow disk: each write and each fsync of a node takes longer, as on a disk that is about to fail.

A leader with such a disk is the slowest of its cluster and stays leader, since its heartbeats need no disk.
"""

from __future__ import annotations

from harness.nemesis.faults.disk.disk_trouble import BreakDisk, breaking_disks

DELAY_MS = (5, 20, 100)

SLOW_DISK = breaking_disks(
    "slow-disk",
    "makes every write and fsync of nodes 5, 20 or 100 ms longer",
    lambda nodes, draw: BreakDisk(nodes, delay_ms=draw.choose(DELAY_MS, "delay"), by="slow-disk"),
    evidence="calls delayed; the node's own fsync times",
)
