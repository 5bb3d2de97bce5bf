"""Workload `sessions`: as `registry`, but clients send writes again, to other nodes.

A client repeats a write whose outcome it does not know, with the same client id and sequence number; it also
repeats some writes that were answered. However often a write is sent, it must take effect once. The checker
`applied-once` looks for this in the traces, and the other checkers of `registry` in the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checkers.check_all import Suite
from checkers.registry.applied_once import AppliedOnce
from harness.client.codecs.retries import Retries
from harness.client.data_types import REGISTRY_WRITES
from harness.workload.base import Workload
from harness.workload.registry import registry


def sessions(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    once = registry(nodes, concurrency)
    return replace(
        once,
        name="sessions",
        checkers=Suite(
            (AppliedOnce(), *once.checkers.required),
            tuple(checker for checker in once.checkers.optional if not isinstance(checker, AppliedOnce)),
        ),
        retries=Retries(tuple(nodes), REGISTRY_WRITES),
    )
