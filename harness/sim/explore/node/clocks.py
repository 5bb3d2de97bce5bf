"""Clocks, where leaders read under leases: time passes in ticks, and clocks differ as much as leases allow.

Without leases no rule compares the clocks of two nodes, so any timer may fire at any time. A lease holds
because no clock runs faster or slower than true time by more than a bound (`node_impl/core/raft/leases.py`).
So here all nodes' clocks move together, by a step of the cluster, `TimePasses`. In each tick the clock of one
leader is as slow as the bound allows, and all others are as fast: then that leader's lease lasts longest, and
what others promised it ends first. Which leader it is may change from tick to tick. A slow clock of another
node would only have it refuse more, and for longer.

- The bound is 50 %: a slow clock moves by 1 while a fast one moves by 3. Rules compare clocks with bounds in
  proportion, so a bound that makes few ticks do as much as many is no loss.
- An election time-out is 6, two ticks of a fast clock. A leader's lease is 6 * 50 / 150 = 2, two ticks of a
  slow one: a lease that lasts longer by 1 outlives the promises that it counts on.
- A node stands for election when its time-out is over, or later. The shortest time-out is the bound.
- At first every node has been up for a time-out: it promises nothing, and may stand.
- Within a tick things may happen in any order and number. What depends on a finer division of time is left
  out.
"""

from __future__ import annotations

import msgspec

from node_impl.core.raft.leases import LeaderLeases
from node_impl.core.raft.raft import Raft

SLOW_TICK, FAST_TICK = 1, 3
DRIFT_BOUND_PERCENT = 50
ELECTION_TIMEOUT = 2 * FAST_TICK


class NoChance(msgspec.Struct, frozen=True):
    """Time-outs are of any length here, so nothing is drawn."""

    def below(self, n: int) -> int:  # noqa: ARG002 - the protocol's
        """The least value: time-outs may have any length here."""
        return 0


def times_left(raft: Raft) -> tuple[object, ...]:
    """All times that decide what a node does, counted from now; those that are over are all alike.

    Returns:
        until its promise ends, until it may stand, until a leader that it heard does not count any more,
        until its lease ends, and for each round that no majority has answered, until when a lease of it
        would last.
    """
    elections, leases, now = raft.elections, raft.leases, raft.state.now
    heard_at, lease = elections._leader_heard_at, leases._lease
    return (
        max(leases._promised_until - now, 0),
        max(elections._deadline - now, 0),
        0 if heard_at is None else max(heard_at + raft.state.config.election_timeout_ns - now, 0),
        max(lease._until - now, 0),
        _rounds(leases, now),
    )


def _rounds(leases: LeaderLeases, now: int) -> tuple[tuple[int, int], ...]:
    lasts = leases.lease_ns()
    return tuple([(number, max(sent + lasts - now, 0)) for number, sent in leases._lease._sent])
