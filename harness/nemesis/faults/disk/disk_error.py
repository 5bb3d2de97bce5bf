"""Disk error: writes or fsyncs of a node fail with EIO, and what a failed fsync was to make durable is gone.

To call fsync again is no remedy: the kernel drops the pages of a failed fsync and reports success the next
time (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). A node must
end, and must not acknowledge what it tried to write.
"""

from __future__ import annotations

from typing import Literal

from harness.nemesis.faults.disk.disk_trouble import BreakDisk, breaking_disks

FAILING: tuple[Literal["fsync", "write"], ...] = ("fsync", "fsync", "write")

DISK_ERROR = breaking_disks(
    "disk-error",
    "lets writes or fsyncs of nodes fail with EIO",
    lambda nodes, draw: BreakDisk(nodes, failing=draw.choose(FAILING, "what fails"), by="disk-error"),
    evidence="calls refused; the node ends",
)
