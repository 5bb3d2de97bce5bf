"""Slow disk: each write and each fsync of a node takes longer, as on a disk that is about to fail.

A leader with such a disk is the slowest of its cluster and stays leader, since its heartbeats need no disk.
"""

from __future__ import annotations

from harness.nemesis.base import BreakDisk, MendDisk
from harness.nemesis.worsen import worsening

DELAY_MS = (5, 20, 100)

SLOW_DISK = worsening(
    "slow-disk",
    "makes every write and fsync of nodes slow",
    lambda nodes, draw: BreakDisk(nodes, delay_ms=draw.choose(DELAY_MS, "delay"), by="slow-disk"),
    lambda nodes: MendDisk(nodes, "slow-disk"),
)
