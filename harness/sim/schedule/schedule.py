"""A run as a schedule: every choice written out, so that any of them can be left out.

A seed determines everything and shows nothing. A schedule lists what clients and nemesis do and when, the
scheduled faults, and, of each message, write, request and election, what differs from the default
(overrides.py). Play it, and the same happens again; take a line away, and the rest stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import msgspec

from harness.generator import NEVER, Answer, Context, Generator, Pending
from harness.generator.base import thread_bit
from harness.nemesis.action import Action
from harness.nemesis.catalogue import AnyAction, action_of
from harness.nemesis.mechanisms.world import World
from harness.nemesis.nemesis import Nemesis
from harness.nemesis.view import ClusterView
from harness.sim.lockstep.exchanges import Exchanges
from harness.sim.plan.decisions import Decisions, DrawnDecisions
from harness.sim.plan.plan import Plan
from harness.sim.plan.scheduled_faults import ScheduledFault
from harness.sim.run import SimulatedRun, run
from harness.sim.schedule.overrides import Overrides, RecordingDecisions, ScriptedDecisions
from harness.sim.world.world import Perform, SimulatedWorld
from history import NEMESIS, Operation
from history.nemesis import read_completion


class ScheduleStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a client or the nemesis does, as soon as `at` has come and its thread is free."""

    at: int
    """Virtual nanoseconds."""
    thread: int
    """The client's thread, or -1 for the nemesis."""
    f: str
    key: str | None = None
    value: Any = None
    node: str | None = None
    actions: tuple[AnyAction, ...] = ()
    """What the nemesis does; empty for a client."""


class Schedule(msgspec.Struct, frozen=True):
    """A whole run. Its plan's fault rates and pace are not used, since what they led to is written out
    here."""

    plan: Plan
    until: int
    """The virtual nanosecond at which the run ends, if all steps are done."""
    steps: tuple[ScheduleStep, ...]
    scheduled_faults: tuple[ScheduledFault, ...] = ()
    overrides: Overrides = Overrides()


class Script(msgspec.Struct, frozen=True):
    """A generator that does each step as soon as its time has come and its thread is free, then waits for
    `until`."""

    steps: tuple[ScheduleStep, ...]
    until: int

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """Give the first step that can be done now."""
        wake_at, waiting = NEVER, context.free_mask
        for place, step in enumerate(self.steps):
            bit = thread_bit(step.thread)
            if not waiting & bit:
                continue
            if step.at <= context.now:
                rest = Script((*self.steps[:place], *self.steps[place + 1 :]), self.until)
                return _operation(step, context), rest
            wake_at = min(wake_at, step.at)
            waiting &= ~bit
            if not waiting:
                break
        if self.steps:
            return Pending(wake_at), self
        return (Pending(self.until), self) if context.now < self.until else (None, self)

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        """Stay as it is, whatever happens."""
        return self


def _operation(step: ScheduleStep, context: Context) -> Operation:
    value = step.value
    if step.thread == NEMESIS:
        own = value if isinstance(value, Mapping) else {}
        value = {**own, "script": msgspec.to_builtins(step.actions)}
    return Operation(
        -1, context.now, context.process_of(step.thread), "invoke", step.f, step.key, value, None, step.node
    )


class ScriptedNemesis(Nemesis, frozen=True):
    """Does the actions that the operation's value has under `script`; without any, what its faults plan."""

    def plan(
        self,
        operation: Operation,
        view: ClusterView,
        draw: int,
    ) -> tuple[Action, ...]:
        """Give the actions as they were written down."""
        if not isinstance(operation.value, Mapping) or "script" not in operation.value:
            return super().plan(operation, view, draw)
        return msgspec.convert(operation.value["script"], tuple[AnyAction, ...])


def perform_as_written(operation: Operation, world: World) -> Coroutine[Any, Any, Operation]:
    """Do the actions that a nemesis operation of a schedule names."""
    return ScriptedNemesis(()).perform(operation, world, 0)


def record(plan: Plan, exchanges: Exchanges | None = None) -> tuple[Schedule, SimulatedRun]:
    """Run a plan, and write the run down as a schedule.

    Args:
        exchanges: takes what the plan's core is given and answers.
    """
    decisions = RecordingDecisions(DrawnDecisions(plan.test.seed, plan.fault_rates))
    ran = run(plan, decisions=decisions, exchanges=exchanges)
    steps = steps_of(ran.operations, plan.test.concurrency)
    schedule = Schedule(
        plan=msgspec.structs.replace(plan, scheduled_faults=()),
        until=ran.worked_until,
        steps=steps,
        scheduled_faults=plan.scheduled_faults,
        overrides=decisions.overrides,
    )
    return schedule, ran


def play(
    schedule: Schedule,
    *,
    decisions: Decisions | None = None,
    perform: Perform | None = None,
    most_happenings: int | None = None,
    prepare: Callable[[SimulatedWorld], None] | None = None,
) -> SimulatedRun:
    """Run a schedule, exactly as it is written.

    Args:
        decisions: instead of the schedule's own overrides.
        perform: instead of `perform_as_written`.
        most_happenings, prepare: see harness/sim/run.py.
    """
    decided = ScriptedDecisions(schedule.overrides) if decisions is None else decisions
    plan = msgspec.structs.replace(schedule.plan, scheduled_faults=schedule.scheduled_faults)
    return run(
        plan,
        decisions=decided,
        script=Script(schedule.steps, schedule.until),
        perform=perform or perform_as_written,
        most_happenings=most_happenings,
        prepare=prepare,
    )


def play_and_clear(schedule: Schedule) -> tuple[SimulatedRun, Schedule]:
    """Run a schedule; give also the same schedule without the overrides that nothing met."""
    decisions = RecordingDecisions(ScriptedDecisions(schedule.overrides))
    ran = play(schedule, decisions=decisions)
    return ran, msgspec.structs.replace(schedule, overrides=decisions.overrides)


def as_played(schedule: Schedule) -> Schedule:
    """Give the same schedule, which leads to the same run, with the times at which its steps were done.

    A step waits for its thread, and no step is done before there is a leader. So after time was taken out of
    a schedule, steps may be done later than they say.
    """
    waiting = list(schedule.steps)
    done: list[ScheduleStep] = []
    for operation in play(schedule).operations:
        if operation.type == "invoke":
            thread = operation.process % schedule.plan.test.concurrency if operation.is_client else NEMESIS
            place = next(place for place, step in enumerate(waiting) if step.thread == thread)
            done.append(msgspec.structs.replace(waiting.pop(place), at=operation.time))
    return msgspec.structs.replace(schedule, steps=(*done, *waiting))


def steps_of(operations: Sequence[Operation], threads: int) -> tuple[ScheduleStep, ...]:
    """Give what clients and nemesis did in a run with this number of clients, in order of time."""
    completions = _completions(operations)
    return tuple(
        _step(operation, completions.get(operation.index), threads)
        for operation in operations
        if operation.type == "invoke"
    )


def _completions(operations: Sequence[Operation]) -> dict[int, Operation]:
    """Give each completion by the index of its invocation."""
    pending: dict[int, int] = {}
    found: dict[int, Operation] = {}
    for operation in operations:
        if operation.type == "invoke":
            pending[operation.process] = operation.index
        else:
            found[pending.pop(operation.process)] = operation
    return found


def _step(operation: Operation, completion: Operation | None, threads: int) -> ScheduleStep:
    if operation.is_client:
        return ScheduleStep(
            operation.time,
            operation.process % threads,
            operation.f,
            operation.key,
            operation.value,
            operation.node,
        )
    done = read_completion(completion.value).actions if completion is not None else ()
    actions = tuple(action_of(action) for action in done)
    return ScheduleStep(operation.time, NEMESIS, operation.f, value=operation.value, actions=actions)
