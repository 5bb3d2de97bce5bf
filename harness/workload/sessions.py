"""Workload `sessions`: `registry`, by clients that send their writes again, to other nodes.

A client repeats a write whose outcome it does not know under the same (client id, sequence), and some that
were answered, too. However many copies there are, the write must take effect once: what `applied-once` reads
off the traces, and every other checker of `registry` off the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checkers.registry.applied_once import AppliedOnce
from harness.client.codecs.registry import WRITES
from harness.client.codecs.retries import Retries
from harness.workload.base import Workload
from harness.workload.registry import registry


def sessions(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for a cluster of these nodes and so many clients."""
    once = registry(nodes, concurrency)
    return replace(
        once,
        name="sessions",
        checkers=(AppliedOnce(), *once.checkers),
        retries=Retries(tuple(nodes), WRITES),
    )
