"""What polled nodes say of the cluster's configuration, merged; and which changes of it are safe. Pure.

Every node tells the newest configuration that its log holds, with the Raft index of it. The leader's counts:
a change begins and ends there. What was asked for with an unknown outcome is resolved by later views: it
shows in the leader's committed configuration, or a leader of a later term holds a committed one without it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from harness.nemesis.base import ClusterView, MemberChange


class Change(msgspec.Struct, frozen=True):
    """One change of one member."""

    change: MemberChange
    node: str


class Asked(msgspec.Struct, frozen=True):
    """A change that was asked for, and of which it is not known whether it was, or will be, made."""

    change: MemberChange
    node: str
    term: int
    """Of the leader who was asked."""


class Membership(msgspec.Struct, frozen=True):
    """The configuration as the leader tells it, where there is a leader."""

    leader: str
    term: int
    index: int
    voters: tuple[str, ...]
    learners: tuple[str, ...]
    is_committed: bool
    """Whether the leader has committed it; until then it takes no other change."""

    @property
    def members(self) -> tuple[str, ...]:
        """Voters and learners."""
        return (*self.voters, *self.learners)


def merged(view: ClusterView) -> Membership | None:
    """What the leader of the highest term says; None without a leader, or if it tells of no members."""
    leader = view.leader()
    if leader is None:
        return None
    told = view.nodes[leader]
    if told.members is None:
        return None
    return Membership(
        leader,
        told.term or 0,
        told.configuration,
        told.members,
        told.learners,
        told.configuration <= told.commit,
    )


def least_voters(nodes: int) -> int:
    """So many must go on voting: a majority of all nodes, and never fewer than two."""
    return max(2, nodes // 2 + 1)


def safe_changes(membership: Membership, view: ClusterView) -> tuple[Change, ...]:
    """Every change that leaves enough voters, and a majority of them awake; none while one is pending."""
    if not membership.is_committed:
        return ()
    awake = {name for name, node in view.nodes.items() if node.running and not node.paused}
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


def safe_seconds(first: Change, membership: Membership, view: ClusterView) -> tuple[Change, ...]:
    """What may be asked for right behind a safe change, of another member: safe whether or not the first was
    made."""
    safe = safe_changes(membership, view)
    after = safe_changes(_changed(membership, first), view)
    return tuple(one for one in after if one in safe and one.node != first.node)


def _changed(membership: Membership, change: Change) -> Membership:
    """With this change made, and committed."""
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


def is_made(asked: Asked, membership: Membership) -> bool:
    """Whether a configuration shows what was asked for."""
    match asked.change:
        case "add-learner":
            return asked.node in membership.members
        case "promote":
            return asked.node in membership.voters
        case "remove":
            return asked.node not in membership.members


def resolved(
    asked: Iterable[Asked], membership: Membership | None
) -> tuple[list[tuple[Asked, bool]], list[Asked]]:
    """([(change, whether it was made)] that is known now, what is still unknown)."""
    known: list[tuple[Asked, bool]] = []
    unknown: list[Asked] = []
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
