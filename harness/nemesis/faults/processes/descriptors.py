"""Descriptors: nodes may open no more files or connections, as with too low a limit or a leak.

A node that cannot accept a connection must not forget those it has, and one that cannot open a file that
it needs must end rather than go on without it.
"""

from __future__ import annotations

from harness.nemesis.faults.processes.limits import limiting

DESCRIPTORS = limiting(
    "descriptors",
    about="lets nodes open only 0, 2 or 8 more files and connections than they have",
    more=(0, 2, 8),
    evidence="the limit that the kernel shows; connections that were not accepted",
)
