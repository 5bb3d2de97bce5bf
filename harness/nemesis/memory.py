"""Memory: nodes get no more memory than they have and a little, as at the end of a leak.

Any step may be the one that fails. What must not be is a node that goes on with half of a step done.
"""

from __future__ import annotations

from harness.nemesis.base import Limit, Unlimit
from harness.nemesis.worsen import worsening

MEMORY_MORE = (0, 1_000_000, 16_000_000)

MEMORY = worsening(
    "memory",
    "lets nodes have no more memory than they have and a little",
    lambda nodes, draw: Limit(nodes, "memory", draw.choose(MEMORY_MORE, "more")),
    lambda nodes: Unlimit(nodes, "memory"),
)
