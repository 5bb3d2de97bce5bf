"""Scheduled faults: few, each at an exact place of the run that no nemesis operation can name.

They are data: a run's can be read, kept in a file, and left out one by one.
"""

from __future__ import annotations

import msgspec

from harness.sim.world.disk import Failure


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


class BadWrite(msgspec.Struct, frozen=True, tag=True):
    """The node's `write`-th write to its log in the run, from 1, fails; its process ends."""

    node: str
    write: int
    failure: Failure
    down_ns: int


class ClockJump(msgspec.Struct, frozen=True, tag=True):
    """The node's clock leaps ahead."""

    node: str
    at: int
    by_ns: int


class Reset(msgspec.Struct, frozen=True, tag=True):
    """The connection from one node to another breaks: what is on its way on it is lost."""

    sender: str
    receiver: str
    at: int


class Rot(msgspec.Struct, frozen=True, tag=True):
    """A bit of the node's log flips while its process is down, before its `start`-th start, from 1."""

    node: str
    start: int
    draw: int


ScheduledFault = CrashAtEffect | CrashAfterElection | MuteLeader | BadWrite | ClockJump | Reset | Rot
