"""Everything one run left behind that a checker may judge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from history.history import History
from history.nemesis import FaultKind
from history.trace import NodeTrace


class NodeLife(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process of a node, from its start to its end."""

    node: str
    life: int
    """From 1; the same number as in the trace."""
    pid: int
    started_at: int
    """Nanoseconds since the run began."""
    ended_at: int | None = None
    """None while it still ran at the end of the record."""
    status: int | None = None
    """Exit status as `subprocess` gives it: negative is the signal that ended it."""
    ended_by: str | None = None
    """Who ended it: a fault's name, or `teardown`; None if nobody meant to, which is a defect."""


class ResourceSample(msgspec.Struct, frozen=True):
    """What one process of a node used by some time. CPU and bytes are totals since it started."""

    node: str
    life: int
    time: int
    """Nanoseconds since the run began."""
    cpu_ns: int
    """User and system time of all its threads."""
    memory_bytes: int
    """Resident."""
    files: int | None = None
    """Open descriptors; this and what follows is None where the host does not tell it."""
    read_bytes: int | None = None
    written_bytes: int | None = None
    """To the disk, not to its cache alone."""


class Recording(msgspec.Struct, frozen=True):
    """A run as checkers see it. What could not be collected is absent, and its verdict `unknown`."""

    nodes: tuple[str, ...]
    history: History
    traces: Mapping[str, NodeTrace] = {}
    """By node; empty for systems that write no trace."""
    lives: tuple[NodeLife, ...] = ()
    logs: Mapping[str, Path] = {}
    """By node: what its processes wrote to standard output and error."""
    options: Mapping[str, Any] = {}
    """The run's options as stored in test.json: time limits, bounds, faults asked for."""
    resources: Mapping[str, tuple[ResourceSample, ...]] = {}
    """By node: what its processes used, a sample a second."""
    fault_kinds: tuple[FaultKind, ...] = ()
    """The kinds of the run's faults; empty for runs stored without them, and for foreign histories."""
    harness_lag: tuple[tuple[int, int], ...] = ()
    """(time, lag) in nanoseconds: how late the harness's own event loop woke."""
