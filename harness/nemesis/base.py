"""Faults as values: what to break, in words any world can carry out.

A fault *package* composes what one kind of fault needs: operations, a schedule (a generator), the
final heal, and how a report names and shades it. Its `plan` is pure: given an operation and what
is known of the cluster it says the `Action`s to take. A *world* (local processes and link proxies;
the simulator; remote hosts) carries actions out and says what took effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

import msgspec

from history import Operation

Link = tuple[str, str]
"""An ordered pair (from, to): messages that `from` sends to `to`."""
Moment = Literal["new-leader", "uncommitted"]
"""A leader has just appeared; or it holds more than it has committed."""
MemberChange = Literal["add-learner", "promote", "remove"]


class Cut(msgspec.Struct, frozen=True, tag=True):
    """Let nothing through on these links any more, in addition to those cut already."""

    links: tuple[Link, ...]


class Heal(msgspec.Struct, frozen=True, tag=True):
    """Let everything through on all links."""


class Kill(msgspec.Struct, frozen=True, tag=True):
    """SIGKILL these nodes' processes."""

    nodes: tuple[str, ...]


class Start(msgspec.Struct, frozen=True, tag=True):
    """Start those of these nodes that do not run."""

    nodes: tuple[str, ...]


class Pause(msgspec.Struct, frozen=True, tag=True):
    """SIGSTOP these nodes' processes."""

    nodes: tuple[str, ...]


class Resume(msgspec.Struct, frozen=True, tag=True):
    """SIGCONT these nodes' processes, and only those still alive."""

    nodes: tuple[str, ...]


class Terminate(msgspec.Struct, frozen=True, tag=True):
    """SIGTERM these nodes' processes, and wait until they have ended."""

    nodes: tuple[str, ...]


class Slow(msgspec.Struct, frozen=True, tag=True):
    """Let these nodes' processes run only part of the time."""

    nodes: tuple[str, ...]
    stopped_percent: int
    """Of the time during which they are stopped."""


class Quicken(msgspec.Struct, frozen=True, tag=True):
    """Let those of these nodes that are slow run all the time again."""

    nodes: tuple[str, ...]


class Lose(msgspec.Struct, frozen=True, tag=True):
    """Lose some packets on these links, at random, in addition to those that lose some already."""

    links: tuple[Link, ...]


class EndLoss(msgspec.Struct, frozen=True, tag=True):
    """Lose no more packets."""


class SetClock(msgspec.Struct, frozen=True, tag=True):
    """Make the wall clocks of these nodes' processes differ from their hosts' by so much, now and later."""

    nodes: tuple[str, ...]
    offset_s: int


class ResetClock(msgspec.Struct, frozen=True, tag=True):
    """Make the wall clocks of these nodes' processes those of their hosts again."""

    nodes: tuple[str, ...]


class Impair(msgspec.Struct, frozen=True, tag=True):
    """Make these links bad, beside what other faults do to them."""

    links: tuple[Link, ...]
    by: str
    """The fault's name."""
    draw: int
    """Which messages are struck follows from it."""
    delay_ms: int = 0
    jitter_ms: int = 0
    rate_bytes_s: int | None = None
    is_stalled: bool = False
    """Nothing goes on until the end of it, and then everything."""
    reset_percent: int = 0
    lost_percent: int = 0
    repeated_percent: int = 0
    overtaken_percent: int = 0
    corrupted_percent: int = 0


class EndImpairment(msgspec.Struct, frozen=True, tag=True):
    """End what one fault did to links."""

    by: str


class LosePower(msgspec.Struct, frozen=True, tag=True):
    """SIGKILL these nodes' processes, and let what they had not synced be lost or torn."""

    nodes: tuple[str, ...]
    draw: int
    """What is lost and what is torn follows from it."""


class BreakDisk(msgspec.Struct, frozen=True, tag=True):
    """Make the disks of these nodes fail, or full, or slow, beside what other faults do to them."""

    nodes: tuple[str, ...]
    room_bytes: int | None = None
    """Full after so many bytes more."""
    failing: Literal["write", "fsync"] | None = None
    """What fails with EIO."""
    delay_ms: int = 0
    """How much longer each write and each fsync takes."""
    by: str = ""
    """The fault's name: the end of a process that ends by itself, since its disk fails, is on its account."""


class MendDisk(msgspec.Struct, frozen=True, tag=True):
    """End what one fault did to the disks of these nodes; a process that ended is not started by it."""

    nodes: tuple[str, ...]
    by: str


class LieInWait(msgspec.Struct, frozen=True, tag=True):
    """Strike a leader once it is at some moment; once, within so much time, or never."""

    moment: Moment
    by: Literal["kill", "pause"]
    after_term: int
    """It leads a later term than this."""
    within_ms: int


class EndAmbush(msgspec.Struct, frozen=True, tag=True):
    """Lie in wait no longer; tell whom it met, where that was not told before."""

    nodes: tuple[str, ...]


class SetRate(msgspec.Struct, frozen=True, tag=True):
    """Make the monotonic clocks of these nodes run so much faster than true time from now on."""

    nodes: tuple[str, ...]
    percent: int
    """Below 0: slower."""


class ResetRate(msgspec.Struct, frozen=True, tag=True):
    """Make the monotonic clocks of these nodes run at their own rate again."""

    nodes: tuple[str, ...]


class ChangeMembership(msgspec.Struct, frozen=True, tag=True):
    """Ask a node, who should lead, for one change of one member."""

    nodes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=1)]
    """Whom the change is about: one node."""
    change: MemberChange
    at: str
    """Who is asked."""


class Damage(msgspec.Struct, frozen=True, tag=True):
    """SIGKILL these nodes' processes, damage their files, and start them again.

    After `torn` (a write that never completed) a node must start; after `rot` (a flipped bit) it must refuse;
    `truncate` takes what was durable, which no node can know.
    """

    nodes: tuple[str, ...]
    how: Literal["torn", "rot", "truncate"]
    draw: int


class Repair(msgspec.Struct, frozen=True, tag=True):
    """Put back the files in which a bit was flipped, from exact copies; does not start the nodes."""

    nodes: tuple[str, ...]


class BackUp(msgspec.Struct, frozen=True, tag=True):
    """Stop these nodes, copy their data folders, and start them again."""

    nodes: tuple[str, ...]


class Restore(msgspec.Struct, frozen=True, tag=True):
    """SIGKILL those of these nodes that were backed up, and put the copies in place; does not start them."""

    nodes: tuple[str, ...]


class Limit(msgspec.Struct, frozen=True, tag=True):
    """Let these nodes' processes have only so much more than they have now."""

    nodes: tuple[str, ...]
    what: Literal["descriptors", "memory"]
    more: int
    """Descriptors, or bytes of address space."""


class Unlimit(msgspec.Struct, frozen=True, tag=True):
    """Let those of these nodes' processes that were limited have as much as is usual again."""

    nodes: tuple[str, ...]
    what: Literal["descriptors", "memory"]


class StrobeClock(msgspec.Struct, frozen=True, tag=True):
    """Let the wall clocks of these nodes' processes jump by so much, and back, in every period."""

    nodes: tuple[str, ...]
    offset_s: int
    period_ms: int


class EndStrobe(msgspec.Struct, frozen=True, tag=True):
    """Let the wall clocks of those of these nodes that are strobed stay where they were before."""

    nodes: tuple[str, ...]


Action = (
    Cut
    | Heal
    | Kill
    | Start
    | Pause
    | Resume
    | Terminate
    | Slow
    | Quicken
    | Lose
    | EndLoss
    | SetClock
    | ResetClock
    | Impair
    | EndImpairment
    | LosePower
    | BreakDisk
    | MendDisk
    | Damage
    | Repair
    | BackUp
    | Restore
    | Limit
    | Unlimit
    | StrobeClock
    | EndStrobe
    | ChangeMembership
    | LieInWait
    | EndAmbush
    | SetRate
    | ResetRate
)


class NodeView(msgspec.Struct, frozen=True):
    """What is known of one node now."""

    running: bool
    paused: bool = False
    role: str | None = None
    """As the node itself says; None if it did not answer."""
    term: int | None = None
    leader: str | None = None
    commit: int = 0
    last: int = 0
    """Of its log."""
    members: tuple[str, ...] | None = None
    """The voters, in the newest configuration that the node holds; None if the system tells of none."""
    learners: tuple[str, ...] = ()
    configuration: int = 0
    """The Raft index of that configuration: it is committed once `commit` reaches it."""


class ClusterView(msgspec.Struct, frozen=True):
    """What is known of the cluster when a fault is planned, in node order."""

    nodes: Mapping[str, NodeView]

    def leader(self) -> str | None:
        """The running node that says it leads in the highest term; None if none says so."""
        leading = [(view.term or 0, name) for name, view in self.nodes.items() if view.role == "leader"]
        return max(leading)[1] if leading else None

    def majority(self) -> int:
        """How many nodes make a majority."""
        return len(self.nodes) // 2 + 1


class Outcome(msgspec.Struct, frozen=True):
    """What carrying out an action changed, as the world observed it; part of the completion's value."""

    took_effect: bool
    details: Mapping[str, Any] = {}
    """For reports: nodes, links, bytes and messages swallowed so far, ..."""
    error: str | None = None


class World(Protocol):
    """Where nodes live. Implementations: harness/cluster/local.py; later the simulator and remote hosts."""

    async def observe(self) -> ClusterView:
        """Ask every running node; bounded by a short time-out each, in parallel."""
        ...

    async def carry_out(self, action: Action) -> Outcome:
        """Do it; an error is an `Outcome`, not an exception."""
        ...


class Planner(Protocol):
    """A fault's pure half: `draw` is a number in [0, 2**64) that all its choices come from."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """The actions for one nemesis operation; empty if there is nothing it could do now."""
        ...
