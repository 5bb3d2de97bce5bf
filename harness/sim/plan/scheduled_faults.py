"""Scheduled faults: few, each at an exact place of the run that no nemesis operation can name.

They are data: a run's can be read, kept in a file, and left out one by one.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Occasion = Literal["write", "snapshot", "recovery", "first-write"]
"""What a node uses its disk for: any group of records, a snapshot with the log that goes on from it, the
recovery at a start, and the first group of records after that start."""


class CrashAtEffect(msgspec.Struct, frozen=True, tag=True):
    """The node's process ends just before it carries out its `effect`-th effect of the run, from 1."""

    node: str
    effect: int
    power_lost: bool
    down_ns: int
    """How long the node is down before it is started again."""


class CrashAfterElection(msgspec.Struct, frozen=True, tag=True):
    """The node's process ends `effects` effects after it won its `election`-th election of the run, from
    1."""

    node: str
    election: int
    effects: int
    power_lost: bool
    down_ns: int
    """How long the node is down before it is started again."""


class MuteLeader(msgspec.Struct, frozen=True, tag=True):
    """While the node leads after its `election`-th election, from 1, the receiver gets only the first `heard`
    of the leader's messages; this lasts `for_ns` at the most."""

    node: str
    election: int
    receiver: str
    heard: int
    for_ns: int


class CrashAtDiskCall(msgspec.Struct, frozen=True, tag=True):
    """The node's process ends in the middle of a call to its disk; if it makes fewer, just after the last."""

    node: str
    occasion: Occasion
    number: int
    """The `write`-th or `snapshot`-th of the run, or the start that is meant; each from 1."""
    call: int
    """Which of the calls that it makes then, from 1."""
    power_lost: bool
    down_ns: int
    """How long the node is down before it is started again."""
    power_lost_next: bool = False
    """Whether the machine loses power in the first write of the next life, which relies on what this one left
    in the kernel."""


class ReadError(msgspec.Struct, frozen=True, tag=True):
    """A read of the node's files fails with EIO when it starts for the `start`-th time of the run, from 1."""

    node: str
    start: int
    read: int
    """Which of the reads, from 1."""
    down_ns: int
    """How long the node is down before it is started again."""


ScheduledFault = CrashAtEffect | CrashAfterElection | MuteLeader | CrashAtDiskCall | ReadError
