"""Everything that a checker may read about one run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from history.history import History
from history.limits import LARGEST_NUMBER, MOST_LIVES
from history.nemesis import FaultKind
from history.stored.trace import NodeTrace

Nanoseconds = Annotated[int, msgspec.Meta(ge=-LARGEST_NUMBER - 1, le=LARGEST_NUMBER)]
ENDED_EARLY = "ended_early"
"""The option of a recording that says why its work was not done to the end: a generator failed."""
HOST_LOST = "host lost"
"""What ended a life if its host, or the connection to it, was lost: the end of the process was not seen."""
VIRTUAL_TIME = "virtual_time"
"""The option that is true where time was simulated: it waits for the harness, which is never late."""
PRE_VOTE = "pre_vote"
"""The option that says whether nodes ask before they stand for election; absent where that is not known."""


class NodeLife(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process of a node, from its start to its end."""

    node: str
    life: Annotated[int, msgspec.Meta(ge=0, lt=MOST_LIVES)]
    """From 1; the same number as in the trace."""
    pid: int
    started_at: Nanoseconds
    """Nanoseconds since the run began."""
    ended_at: Nanoseconds | None = None
    """None while it still ran at the end of the record."""
    status: int | None = None
    """Exit status as `subprocess` gives it: a negative one is the signal that ended the process."""
    ended_by: str | None = None
    """What ended it: a fault's name, `teardown` or `host lost`; None if the harness did not end it, which is
    a defect."""
    process: str = ""
    """Which of the node's processes it is, by its name; empty for the only one, and for the main one."""

    @property
    def was_seen_to_end(self) -> bool:
        """Whether the process ended while its host went on: all that it had written stayed."""
        return self.ended_at is not None and self.ended_by != HOST_LOST


class ResourceSample(msgspec.Struct, frozen=True):
    """What one process of a node had used at some time. CPU and bytes are totals since its start."""

    node: str
    life: int
    time: Nanoseconds
    """Nanoseconds since the run began."""
    cpu_ns: Nanoseconds
    """User and system time of all its threads."""
    memory_bytes: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_NUMBER)]
    """Resident memory."""
    files: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_NUMBER)] | None = None
    """Open file descriptors; None, as the next two, if the host does not report it."""
    read_bytes: int | None = None
    written_bytes: int | None = None
    """Bytes written to the disk, not only to its cache."""


class HeldSize(msgspec.Struct, frozen=True):
    """How much of one thing a node held at the most in one life, as the simulator counted it."""

    node: str
    life: int
    what: str
    """What was counted: `sessions`, `forwards`, ..."""
    most: int
    at: Nanoseconds
    """When it was that much for the first time."""
    bound: int
    """The most that the node's settings allow."""


class PolledStatus(msgspec.Struct, frozen=True):
    """What a node said about itself when the harness asked it."""

    node: str
    time: Nanoseconds
    """When the answer had come, in nanoseconds since the run began."""
    role: str
    """`leader` if the node said that it leads; any other word else."""
    term: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_NUMBER)]
    """0 if it named none."""
    leader: str | None = None
    """The node that it took for the leader."""


class Recording(msgspec.Struct, frozen=True):
    """A run as checkers see it. If something could not be collected, verdicts about it are `unknown`."""

    nodes: tuple[str, ...]
    history: History
    traces: Mapping[str, NodeTrace] = {}
    """The trace of each node; empty for systems that write no trace."""
    lives: tuple[NodeLife, ...] = ()
    logs: Mapping[str, Path] = {}
    """By node: what its processes wrote to standard output and error."""
    options: Mapping[str, Any] = {}
    """The run's options as stored in test.json: time limits, bounds, the faults to inject."""
    resources: Mapping[str, tuple[ResourceSample, ...]] = {}
    """By node: what its processes used, a sample a second."""
    fault_kinds: tuple[FaultKind, ...] = ()
    """The kinds of the run's faults; empty for runs stored without them, and for foreign histories."""
    sizes: tuple[HeldSize, ...] = ()
    """What nodes held at the most; empty where it was not counted."""
    harness_lag: tuple[tuple[int, int], ...] = ()
    """(time, lag) in nanoseconds: how late the harness's own event loop woke."""
    harness_use: tuple[ResourceSample, ...] = ()
    """What the harness's own process used, a sample a second."""
    statuses: tuple[PolledStatus, ...] = ()
    """In the order of time, what nodes said that write no trace: each answer that names a leader's own role,
    and each that differs from the node's last one."""
