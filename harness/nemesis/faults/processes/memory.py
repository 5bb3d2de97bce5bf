"""Memory: nodes get little more memory than they have, as at the end of a leak.

Any step may be the one that fails. A node must not go on with half of a step done.
"""

from __future__ import annotations

from harness.nemesis.faults.processes.limits import limiting

MEMORY = limiting(
    "memory",
    about="lets nodes have only 0, 1 or 16 MB more memory than they have",
    more=(0, 1_000_000, 16_000_000),
    evidence="the limit that the kernel shows; how the node ends",
)
