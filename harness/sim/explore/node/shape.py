"""The part of a node that decides its future, as a value that can be compared: the shape of the node.

Two nodes of one shape behave the same. Everything counts that the objects of a node hold, also an attribute
that is added later, except for what the table below leaves out, each with the reason. A test in
`tests/harness/sim/explore` holds that nodes of one shape with different pasts answer every event alike.

Shapes are tuples and frozensets of plain values. A node's name stands in them as a string, so a shape can
be *renamed*: what it would be had the nodes other names (`symmetry`, see `space.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any

import msgspec

from harness.sim.explore.node.clocks import times_left
from harness.sim.explore.node.copying import slots_of
from node_impl.core.config import NodeConfig
from node_impl.core.events import Configuration, Entry
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.followers import Followers, Progress
from node_impl.core.raft.leases import LeaderLeases, Lease
from node_impl.core.raft.member.log import Log
from node_impl.core.raft.member.outbox import Outbox
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership
from node_impl.core.raft.raft import Raft
from node_impl.core.raft.reads import ReadRounds
from node_impl.core.raft.replication import Replication
from node_impl.core.raft.snapshots import Snapshots

Shape = Hashable

LEFT_OUT: Mapping[type, frozenset[str]] = {
    RaftState: frozenset(
        {
            # The same in all states of one exploration.
            "config",
            "known",
            # Any timer may fire at any time, so it does not matter what time it is: `_of_core` below.
            "now",
            # They make message ids, which the core never reads.
            "_messages",
            "_message_prefix",
        }
    ),
    Elections: frozenset(
        {
            # The same in all states of one exploration.
            "_random",
            # Any timer may fire at any time, so it does not matter for when it is set; and of the time since
            # a leader was heard it matters only whether it is less than a time-out: `_of_core` below.
            "_timeout",
            "_deadline",
            "_leader_heard_at",
            # The votes that a candidate was given; a new set when it stands: `_of_core` below.
            "votes",
        }
    ),
    # `newest` as it is sent, once it was sent.
    Snapshots: frozenset({"_bytes"}),
    # Times, which count under leases alone, and there from now on: `_of_core` below.
    LeaderLeases: frozenset({"_promised_until"}),
    Lease: frozenset({"_until", "_sent"}),
    # What is computed from the entries, when it is first asked for or always.
    Log: frozenset({"_rows", "_terms", "_first_of_term"}),
    # Numbers of writes, which only ever grow: `_outbox` below has what they say.
    Outbox: frozenset({"newest", "synced_number", "_unsynced"}),
}
COLLABORATORS = (
    Raft,
    RaftState,
    Followers,
    Membership,
    LeaderLeases,
    Elections,
    Snapshots,
    ReadRounds,
    Replication,
)
"""They refer to one another, in every core alike: each stands in a shape once, where it is met first."""


def shape_of(value: Any, *, quorum_is_checked: bool = True) -> Shape:
    """The shape of a core, of anything that a core holds, or of a message.

    Args:
        quorum_is_checked: whether leaders' quorum checks are in the scope; if not, which follower was
            heard since the last one decides nothing.
    """
    return _Shaper(frozenset() if quorum_is_checked else frozenset({"heard"})).shape(value)


def renamed(shape: Any, names: Mapping[str, str]) -> Any:
    """The same shape with other names for the nodes."""
    kind = type(shape)
    if kind is tuple:
        return tuple([renamed(part, names) for part in shape])
    if kind is str:
        return names.get(shape, shape)
    if kind is frozenset:
        return frozenset([renamed(part, names) for part in shape])
    return shape


class _Shaper:
    def __init__(self, of_progress: frozenset[str]) -> None:
        self._of_progress = of_progress
        self._met: set[int] = set()
        """The identities of the collaborators that stand in the shape already."""

    def shape(self, value: Any) -> Shape:
        kind: Any = type(value)
        if value is None or kind is int or kind is str or kind is bool or kind is bytes or kind is Entry:
            plain: Shape = value
            return plain
        if kind is bytearray:
            return bytes(value)
        if isinstance(value, tuple | list | deque):
            return tuple([self.shape(part) for part in value])
        if kind is set or kind is frozenset:
            return frozenset([self.shape(part) for part in value])
        if kind is dict:
            return frozenset([(key, self.shape(held)) for key, held in value.items()])
        if isinstance(value, Configuration):
            return (frozenset(value.voters), frozenset(value.learners))  # their order is that of names
        if isinstance(value, msgspec.Struct):
            fields = [self.shape(getattr(value, name)) for name in kind.__struct_fields__]
            return (kind.__name__, *fields)
        if isinstance(value, COLLABORATORS):
            self._met.add(id(value))
            of_core = _of_core(value) if isinstance(value, Raft) else ()
            return (*self._attributes(value, _left_out(kind)), *of_core)
        if isinstance(value, Outbox):
            return (*self._attributes(value, LEFT_OUT[Outbox]), self._outbox(value))
        if isinstance(value, Progress):
            return self._attributes(value, self._of_progress)
        if isinstance(value, NodeConfig):
            raise TypeError("a configuration is no part of a shape")
        return self._attributes(value, _left_out(kind))

    def _attributes(self, value: object, left_out: frozenset[str]) -> tuple[Shape, ...]:
        """What an object holds: its slots in their order, then what it has beyond them, by name.

        A slot that refers to a collaborator does so for good: it adds nothing where that is in the shape.
        """
        kind: Any = type(value)
        slots = slots_of(kind)
        own = getattr(value, "__dict__", None)
        if not slots and not own:
            raise TypeError(f"nothing is known of what a {kind.__name__} holds")
        met = self._met
        found: list[Shape] = [
            self.shape(held)
            for name in slots
            if name not in left_out and id(held := getattr(value, name)) not in met
        ]
        if own:
            found.extend(
                [
                    (name, self.shape(held))
                    for name, held in sorted(own.items())
                    if name not in left_out and id(held) not in met
                ]
            )
        return tuple(found)

    def _outbox(self, outbox: Outbox) -> Shape:
        synced = outbox.synced_number
        unsynced = [(number - synced, self.shape(covers)) for number, covers in outbox._unsynced]
        return (outbox.newest - synced, tuple(unsynced))


def _left_out(kind: type) -> frozenset[str]:
    """The attributes of a class that are left out: its own, and those of the class that it derives from."""
    found = LEFT_OUT.get(kind)
    if found is not None:
        return found
    return next((LEFT_OUT[base] for base in kind.__mro__ if base in LEFT_OUT), frozenset())


def _of_core(raft: Raft) -> tuple[Shape, ...]:
    elections, state = raft.elections, raft.state
    votes = frozenset(elections.votes) if state.role == "candidate" else None
    if state.config.lease:
        return (times_left(raft), votes)
    heard_at = elections._leader_heard_at
    hears = heard_at is not None and state.now < heard_at + state.config.election_timeout_ns
    return (hears, votes)
