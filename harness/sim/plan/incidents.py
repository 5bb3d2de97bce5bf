"""What befalls the simulated cluster beside the nemesis's faults: few, named, each at a given place.

They are data, so a run's can be read, kept in a file, and left out one by one.
"""

from __future__ import annotations

import msgspec

from harness.sim.world.disk import Failure


class Crash(msgspec.Struct, frozen=True, tag=True):
    """The node's process ends just before its `effect`-th effect of the run is carried out, from 1."""

    node: str
    effect: int
    power_lost: bool
    down_ns: int
    """After so long it is started again."""


class Coup(msgspec.Struct, frozen=True, tag=True):
    """The node's process ends so many effects after it began to lead for the `lead`-th time, from 1."""

    node: str
    lead: int
    effects: int
    power_lost: bool
    down_ns: int


class Hush(msgspec.Struct, frozen=True, tag=True):
    """While it leads for the `lead`-th time, from 1, the receiver gets only its first `heard` messages of all
    that it sends there; for so long at the most."""

    node: str
    lead: int
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


Incident = Crash | Coup | Hush | BadWrite | ClockJump | Reset | Rot
