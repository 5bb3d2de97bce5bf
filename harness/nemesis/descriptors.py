"""Descriptors: nodes may open no more files or connections, as with too low a limit or a leak.

A node that cannot take a connection must not forget those it has, and one that cannot open a file that
it needs must end rather than go on without.
"""

from __future__ import annotations

from harness.nemesis.base import Limit, Unlimit
from harness.nemesis.worsen import worsening

DESCRIPTORS_MORE = (0, 2, 8)

DESCRIPTORS = worsening(
    "descriptors",
    "lets nodes open no more files and connections than a few",
    lambda nodes, draw: Limit(nodes, "descriptors", draw.choose(DESCRIPTORS_MORE, "more")),
    lambda nodes: Unlimit(nodes, "descriptors"),
)
