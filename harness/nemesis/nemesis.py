"""The nemesis of one run: several faults as one, and how one of its operations is performed.

An operation is performed in four steps: observe the cluster, plan actions, carry them out, and store what
came of them in the completion (history/nemesis.py). Nothing here raises: an operation that cannot be carried
out says why, in its `error` or in an action's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harness.generator.base import Generator, GeneratorLike
from harness.generator.draw import Draw
from harness.generator.order import phases
from harness.nemesis.action import Action, details_of, links_of, nodes_of
from harness.nemesis.fault import Fault
from harness.nemesis.faults.network.partition import Heal
from harness.nemesis.faults.processes.lifecycle import Resume, Start
from harness.nemesis.mechanisms.world import World
from harness.nemesis.outcome import Outcome
from harness.nemesis.quorum import QuorumEnd, mends
from harness.nemesis.schedule import Pace, first_turns_begin_ms, first_turns_ms, schedule
from harness.nemesis.targets import TargetError
from harness.nemesis.view import ClusterView
from history import Operation
from history.nemesis import FINAL_HEAL, HEAL_QUORUM, NemesisAction, NemesisCompletion

MORE_QUESTIONS = 3


class Nemesis(msgspec.Struct, frozen=True):
    """Faults as one. With no faults it does nothing but heal at the end."""

    faults: tuple[Fault, ...]
    pace: Pace = Pace()
    schedule: str = "rounds"
    """One of `SCHEDULES`, or times that were written down (schedule.py)."""
    quorum_end: QuorumEnd | None = None
    """What stays broken between the operation `heal-quorum` and the final heal, where a run has one."""

    @property
    def generator(self) -> Generator:
        """The schedule: without end, for the nemesis's thread."""
        return schedule(self.faults, self.pace, self.schedule)

    @property
    def first_turns_ms(self) -> int:
        """After how many milliseconds each fault had its turn, and then all of them at once."""
        return first_turns_ms(self.faults, self.pace, self.schedule)

    @property
    def first_turns_begin_ms(self) -> int:
        """The milliseconds after which each of these turns has begun."""
        return first_turns_begin_ms(self.faults, self.pace, self.schedule)

    @property
    def final(self) -> GeneratorLike:
        """What mends everything, whatever was broken: links, paused processes, killed processes; then faults
        with a course of their own are led back."""
        courses = [fault.course for fault in self.faults if fault.course is not None]
        heal = {"f": FINAL_HEAL}
        return phases(heal, *[course.restore() for course in courses]) if courses else heal

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """The actions for an operation, by the fault that handles its `f`.

        Raises:
            TargetError: no fault handles it, or it names a target that its fault does not know.
        """
        if operation.f in (FINAL_HEAL, HEAL_QUORUM):
            return self._healing(operation, view, draw)
        for fault in self.faults:
            if operation.f in fault.operations:
                return fault.planner.plan(operation, view, draw)
        known = [f for fault in self.faults for f in fault.operations]
        raise TargetError(
            f"no fault of this run handles {operation.f!r}; there are {', '.join(known) or 'none'}"
        )

    def _healing(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """The actions that mend everything, and, of the operation `heal-quorum`, then break a minority."""
        every = tuple(view.nodes)
        own = [
            action
            for fault in self.faults
            if fault.course is None
            for action in fault.planner.plan(msgspec.structs.replace(operation, f=fault.end), view, draw)
        ]
        mended = () if self.quorum_end is None else mends(every)
        # Of equal actions the last: what ended is started once what made it end is mended.
        planned = [*own, *mended, Heal(), Resume(every), Start(every)]
        healing = tuple(reversed(dict.fromkeys(reversed(planned))))
        if operation.f == FINAL_HEAL or self.quorum_end is None:
            return healing
        return healing + self.quorum_end.breaks(every, view.leader())

    async def perform(self, operation: Operation, world: World, seed: int) -> Operation:
        """Observe, plan, carry out, and store what came of it.

        Args:
            operation: an invocation with its index: it and the seed determine what the planner draws.
        """
        view = await observed(world)
        leader = view.leader()
        error: str | None = None
        try:
            actions = self.plan(operation, view, Draw.at(seed, operation.index).bits("nemesis"))
        except TargetError as problem:
            actions, error = (), str(problem)
        done = [(action, await world.carry_out(action)) for action in actions]
        completion = NemesisCompletion(
            target=operation.value.get("target") if isinstance(operation.value, Mapping) else None,
            leader=leader,
            term=view.nodes[leader].term if leader is not None else None,
            actions=tuple(recorded(action, outcome) for action, outcome in done),
            facts={
                fault.name: fault.course.facts(operation, view, done)
                for fault in self.faults
                if fault.course is not None and operation.f in fault.operations
            },
        )
        return msgspec.structs.replace(operation, type="info", value=completion.stored(), error=error)


async def observed(world: World) -> ClusterView:
    """What the nodes answer; if none of them says that it leads, and one did not answer, it is asked again.

    On a busy machine the leader may answer too late. A fault that is aimed at it would strike another node.
    """
    view = await world.observe()
    for _ in range(MORE_QUESTIONS):
        late = any(node.awake and node.role is None for node in view.nodes.values())
        if view.leader() is not None or not late:
            break
        view = await world.observe()
    return view


def recorded(action: Action, outcome: Outcome) -> NemesisAction:
    """An action and its outcome, as the history keeps them."""
    return NemesisAction(
        kind=type(action).__name__,
        nodes=nodes_of(action),
        links=links_of(action),
        asked=details_of(action),
        took_effect=outcome.took_effect,
        details=outcome.details,
        error=outcome.error,
    )


def compose(faults: Sequence[Fault]) -> Nemesis:
    """Several faults as one nemesis.

    Raises:
        ValueError: two of them handle the same operation.
    """
    handler: dict[str, str] = {}
    for fault in faults:
        for f in fault.operations:
            if handler.setdefault(f, fault.name) != fault.name:
                raise ValueError(f"the faults {handler[f]} and {fault.name} both handle {f!r}")
    return Nemesis(tuple(faults))
