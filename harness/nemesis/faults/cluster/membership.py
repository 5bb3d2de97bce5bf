"""Membership: nodes are removed, join again as learners, are promoted and replaced, while other faults go on.

Each operation is one step: poll every node, resolve what earlier steps left unknown, and ask the leader for
one change at the most, and only for one that is safe (configuration.py); or, as `two-at-once`, for a second
one right after it, which a leader must refuse while the first is not committed. The only memory between steps
is the list of requests with an unknown outcome; it travels in the operations' values, so a run can be
replayed. A node is replaced by one that was removed before: it joins with an old log, which must be made
equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from harness.generator.base import PENDING, Answer, Context, Generator, Pending
from harness.generator.draw import Draw
from harness.generator.sources import EXHAUSTED
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault, PerformedAction
from harness.nemesis.faults.cluster.configuration import (
    Change,
    LeaderConfiguration,
    RequestedChange,
    merged,
    resolved,
    safe_changes,
    safe_seconds,
)
from harness.nemesis.mechanisms.cluster import MEMBERS, MemberChange
from harness.nemesis.mechanisms.world import WorldMechanisms
from harness.nemesis.needs import CHANGES_MEMBERS
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import TargetError, target_of
from harness.nemesis.view import ClusterView
from history import Operation
from history.nemesis import read_completion
from history.units import MILLISECOND_NS

CHANGE, RESTORE = "change-membership", "heal-membership"
TARGETS = ("replace", "remove", "remove-leader", "add", "two-at-once")
GAP_MS = (300, 900)
"""The time between two steps."""
RESTORE_GAP_MS = 100
RESTORE_TRIES = 80


_WORDS: Mapping[MemberChange, str] = {
    "add-learner": "add {} as a learner",
    "promote": "let {} vote",
    "remove": "remove {}",
}


class ChangeMembership(Action, frozen=True):
    """Ask a node, which should be the leader, for one change of one member."""

    verb = "change the membership of"
    nodes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=1)]
    """The one node that the change is about."""
    change: MemberChange
    at: str
    """The node that is asked."""

    def words(self) -> str:
        """For example `ask n1 to remove n3`."""
        return f"ask {self.at} to {_WORDS[self.change].format(self.nodes[0])}"

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Ask once; `details["outcome"]` is `done`, `refused` or `unknown`."""
        reply = await world.mechanism(MEMBERS).ask(self.at, self.change, self.nodes[0])
        error = None if reply.reason is None else f"{self.at}: {reply.reason}"
        return Outcome(reply.in_force, {"outcome": reply.outcome}, error)


class MembershipPlanner:
    """`change-membership` with a target; `heal-membership` until all nodes vote."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """One safe change at the most, or two."""
        membership = merged(view)
        if membership is None:
            return ()
        target = "add" if operation.f == RESTORE else target_of(operation)
        safe = safe_changes(membership, view)
        if target == "two-at-once":
            changes = pair(membership, view, safe, Draw(draw))
        else:
            change = chosen(target, membership, safe, Draw(draw))
            changes = () if change is None else (change,)
        return tuple(ChangeMembership((one.node,), one.change, at=membership.leader) for one in changes)


def pair(
    membership: LeaderConfiguration, view: ClusterView, safe: Sequence[Change], draw: Draw
) -> tuple[Change, ...]:
    """Two changes of different members, the second of which is safe whether or not the first is made; or one
    change, if no two are safe."""
    pairs = [(one, second) for one in safe for second in safe_seconds(one, membership, view)]
    if pairs:
        return draw.choose(pairs, "pair")
    return (draw.choose(safe, "change"),) if safe else ()


def chosen(target: Any, membership: LeaderConfiguration, safe: Sequence[Change], draw: Draw) -> Change | None:
    """The change that a target means now, of those that are safe.

    `replace`: the joining node is brought in first; then another one leaves for the next to join. A learner
    that does not catch up may be dropped.

    Raises:
        TargetError: no such target.
    """
    joining = [one for one in safe if one.change == "promote"] or [
        one for one in safe if one.change == "add-learner"
    ]
    leaving = [one for one in safe if one.change == "remove"]
    match target:
        case "add":
            candidates = joining
        case "remove":
            candidates = leaving
        case "remove-leader":
            candidates = [one for one in leaving if one.node == membership.leader] or leaving
        case "replace":
            drops_out = membership.learners and draw.chance(1, 8, "drops out")
            candidates = [one for one in leaving if one.node in membership.learners] if drops_out else joining
            candidates = candidates or [one for one in leaving if one.node not in membership.learners]
        case _:
            raise TargetError(f"no change of membership is called {target!r}; there are {', '.join(TARGETS)}")
    return draw.choose(candidates, "change") if candidates else None


class MembershipCourse:
    """The course of a cluster's membership."""

    def steps(self, targets: tuple[str, ...]) -> Generator:
        """Steps with drawn targets, without end."""
        return MembershipSteps(CHANGE, targets, GAP_MS)

    def restore(self) -> Generator:
        """Steps until all nodes vote, for a bounded time."""
        return MembershipSteps(RESTORE, (), (RESTORE_GAP_MS, RESTORE_GAP_MS), RESTORE_TRIES)

    def facts(
        self, operation: Operation, view: ClusterView, actions: Sequence[PerformedAction]
    ) -> Mapping[str, Any]:
        """The merged view, every node's own, and what is known by now of earlier requests."""
        membership = merged(view)
        known, unknown = resolved(_asked_before(operation), membership)
        for action, outcome in actions:
            if isinstance(action, ChangeMembership) and outcome.details.get("outcome") == "unknown":
                term = 0 if membership is None else membership.term
                unknown.append(RequestedChange(action.change, action.nodes[0], term))
        return {
            "configuration": None if membership is None else msgspec.to_builtins(membership),
            "told": {
                name: {"index": node.configuration, "voters": node.members, "learners": node.learners}
                for name, node in view.nodes.items()
                if node.members is not None
            },
            "resolved": [{**msgspec.to_builtins(one), "made": made} for one, made in known],
            "unresolved": msgspec.to_builtins(unknown),
            "is_whole": is_whole(membership, view),
        }


def is_whole(membership: LeaderConfiguration | None, view: ClusterView) -> bool:
    """Whether all nodes vote, and the leader has committed that configuration."""
    return (
        membership is not None and membership.is_committed and sorted(membership.voters) == sorted(view.nodes)
    )


class MembershipSteps(msgspec.Struct, frozen=True):
    """One operation after the other, each with the unresolved requests of those before; `tries` of them, or
    without end."""

    f: str
    targets: tuple[str, ...]
    gap_ms: tuple[int, int]
    tries: int | None = None
    """How many steps at the most, and none once the membership is whole; None: without end."""
    due: int = 0
    unresolved: tuple[Mapping[str, Any], ...] = ()

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The next step, once the gap is over."""
        if self.tries == 0:
            return None, EXHAUSTED
        if context.now < self.due:
            return Pending(self.due), self
        process = context.free_process()
        if process is None:
            return PENDING, self
        value: dict[str, Any] = {"unresolved": list(self.unresolved)}
        if self.targets:
            value = {"target": context.draw.choose(self.targets, "membership"), **value}
        gap = context.draw.between(*self.gap_ms, salt="gap") * MILLISECOND_NS
        operation = Operation(-1, context.now, process, "invoke", self.f, value=value)
        tries = None if self.tries is None else self.tries - 1
        return operation, msgspec.structs.replace(self, due=context.now + gap, tries=tries)

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        """Remember what is unresolved; when restoring, stop once the membership is whole."""
        if event.f not in (CHANGE, RESTORE) or event.type == "invoke":
            return self
        facts = read_completion(event.value).facts.get(NAME)
        if facts is None:
            return self
        if self.tries is not None and facts["is_whole"]:
            return EXHAUSTED
        return msgspec.structs.replace(self, unresolved=tuple(facts["unresolved"]))


def _asked_before(operation: Operation) -> list[RequestedChange]:
    value = operation.value if isinstance(operation.value, Mapping) else {}
    return msgspec.convert(value.get("unresolved", ()), list[RequestedChange])


NAME = "membership"
MEMBERSHIP = Fault(
    name=NAME,
    about="removes nodes from the cluster, adds them again as learners, promotes and replaces them",
    begin=CHANGE,
    end=RESTORE,
    targets=TARGETS,
    planner=MembershipPlanner(),
    actions=(ChangeMembership,),
    mechanisms=(MEMBERS,),
    evidence="other members, committed, in the nodes' traces",
    proof="members changed",
    requires=("membership",),
    capabilities=(CHANGES_MEMBERS,),
    course=MembershipCourse(),
)
