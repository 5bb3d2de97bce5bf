"""The cluster's configuration as polled nodes show it, and which changes of it are safe. Pure.

Every node shows the newest configuration that its log holds, with the Raft index of it. The leader's counts:
a change begins and ends there. A request with an unknown outcome is resolved by later views: the change
shows in the leader's committed configuration, or a leader of a later term holds a committed one without it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from harness.nemesis.mechanisms.cluster import MemberChange
from harness.nemesis.view import ClusterView


class Change(msgspec.Struct, frozen=True):
    """One change of one member."""

    change: MemberChange
    node: str


class RequestedChange(msgspec.Struct, frozen=True):
    """A change that was asked for, and of which it is not known whether it was, or will be, made."""

    change: MemberChange
    node: str
    term: int
    """The term of the leader that was asked."""


class LeaderConfiguration(msgspec.Struct, frozen=True):
    """The configuration that the leader holds, where there is a leader."""

    leader: str
    term: int
    index: int
    voters: tuple[str, ...]
    learners: tuple[str, ...]
    is_committed: bool
    """Whether the leader has committed it; until then it takes no other change."""

    @property
    def members(self) -> tuple[str, ...]:
        """All members: voters and learners."""
        return (*self.voters, *self.learners)


def merged(view: ClusterView) -> LeaderConfiguration | None:
    """The configuration of the leader of the highest term; None without a leader or members."""
    leader = view.leader()
    if leader is None:
        return None
    shown = view.nodes[leader]
    if shown.members is None:
        return None
    return LeaderConfiguration(
        leader,
        shown.term or 0,
        shown.configuration,
        shown.members,
        shown.learners,
        shown.configuration <= shown.commit,
    )


def least_voters(nodes: int) -> int:
    """How many voters must remain: a majority of all nodes, and never fewer than two."""
    return max(2, nodes // 2 + 1)


def safe_changes(membership: LeaderConfiguration, view: ClusterView) -> tuple[Change, ...]:
    """Every change that leaves enough voters, and a majority of them awake; none while one is pending."""
    if not membership.is_committed:
        return ()
    awake = set(view.awake())
    voters = set(membership.voters)
    changes = [Change("promote", learner) for learner in membership.learners if learner in awake]
    changes += [Change("remove", learner) for learner in membership.learners]
    if not membership.learners:  # one joins at a time
        outside = [name for name in view.nodes if name not in membership.members]
        changes += [Change("add-learner", name) for name in outside if name in awake]
    for voter in membership.voters:
        left = voters - {voter}
        if len(left) >= least_voters(len(view.nodes)) and len(left & awake) > len(left) // 2:
            changes.append(Change("remove", voter))
    return tuple(changes)


def safe_seconds(first: Change, membership: LeaderConfiguration, view: ClusterView) -> tuple[Change, ...]:
    """The changes of other members that may follow a safe one at once: safe whether or not the first was
    made."""
    safe = safe_changes(membership, view)
    after = safe_changes(_changed(membership, first), view)
    return tuple(one for one in after if one in safe and one.node != first.node)


def _changed(membership: LeaderConfiguration, change: Change) -> LeaderConfiguration:
    """The configuration with this change made, and committed."""
    voters = tuple(name for name in membership.voters if name != change.node)
    learners = tuple(name for name in membership.learners if name != change.node)
    match change.change:
        case "add-learner":
            learners = (*learners, change.node)
        case "promote":
            voters = (*voters, change.node)
        case "remove":
            pass
    return msgspec.structs.replace(membership, voters=voters, learners=learners)


def is_made(asked: RequestedChange, membership: LeaderConfiguration) -> bool:
    """Whether a configuration shows what was asked for."""
    match asked.change:
        case "add-learner":
            return asked.node in membership.members
        case "promote":
            return asked.node in membership.voters
        case "remove":
            return asked.node not in membership.members


def resolved(
    asked: Iterable[RequestedChange], membership: LeaderConfiguration | None
) -> tuple[list[tuple[RequestedChange, bool]], list[RequestedChange]]:
    """([(change, whether it was made)] that is known now, what is still unknown)."""
    known: list[tuple[RequestedChange, bool]] = []
    unknown: list[RequestedChange] = []
    for one in asked:
        if membership is None or not membership.is_committed:
            unknown.append(one)
        elif is_made(one, membership):
            known.append((one, True))
        elif membership.term > one.term:  # its entry is not in this leader's log, nor will it ever be
            known.append((one, False))
        else:
            unknown.append(one)  # a request may still be on its way to this very leader
    return known, unknown
