"""Scheduled faults: few, each at an exact place of the run that no nemesis operation can name.

They are data: a run's can be read, kept in a file, and left out one by one.
"""

from __future__ import annotations

import msgspec


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


ScheduledFault = CrashAtEffect | CrashAfterElection | MuteLeader
