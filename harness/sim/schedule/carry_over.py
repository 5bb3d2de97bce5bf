"""A simulated schedule on real processes, as far as possible: what can be carried over, and what cannot.

Clients' operations and the nemesis's faults are carried over as they are, each as long after the first one as
in the simulated world. A crash between two effects becomes a kill at the time that it had there, since a real
process cannot be stopped between two of its effects. What happened to single messages, writes, clocks and
time-outs is left to the real world, and so are faults that this host cannot have. Every line says which of
the three it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from harness.cluster.kinds import LOCAL
from harness.nemesis import FINAL_HEAL, NEMESES, nemesis_of
from harness.nemesis.action import Action
from harness.nemesis.catalogue import action_of
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.run.runner import RunCourse
from harness.run.test import Test
from harness.sim.plan.scheduled_faults import MuteLeader, ReadError, ScheduledFault
from harness.sim.run import SimulatedRun
from harness.sim.schedule.schedule import Schedule, ScheduleStep, Script, ScriptedNemesis
from harness.sim.schedule.story import fault_in_words, step_in_words, story
from history import NEMESIS, NodeLife, Operation
from history.nemesis import read_completion
from history.units import MILLISECOND_NS

How = Literal["as it is", "about", "not"]
_ENDED_BY_SCHEDULED_FAULT = ("crash", "power-loss")
"""How a simulated life ended, where a scheduled fault ended it."""


class CarriedLine(msgspec.Struct, frozen=True):
    """One thing of a schedule, and how it is carried over."""

    how: How
    what: str
    why: str = ""


def undone(operations: Iterable[Operation]) -> Iterator[str]:
    """Give what the nemesis should have done on real processes and could not do."""
    for operation in operations:
        if operation.is_client or operation.type == "invoke" or operation.f == FINAL_HEAL:
            continue
        if operation.error is not None:
            yield f"{operation.f}: {operation.error}"
        for action in read_completion(operation.value).actions:
            if action.took_effect is False:
                yield f"{action_of(action).words()}: {action.error or 'nothing had to be changed'}"


class Carried(msgspec.Struct, frozen=True):
    """A schedule made ready for real processes."""

    test: Test
    steps: tuple[ScheduleStep, ...]
    until: int
    lines: tuple[CarriedLine, ...]

    @property
    def course(self) -> RunCourse:
        """Give what a run does instead of a workload and faults of its own."""
        faults = nemesis_of(self.test.nemesis, LOCAL, self.test.nodes).faults
        return RunCourse(ScriptedNemesis(faults), self._script)

    def _script(self, now: int) -> Script:
        """Do the first step now, and each other one as long after it as in the simulated world."""
        first = min((step.at for step in self.steps), default=0)
        later = now - first
        steps = tuple(msgspec.structs.replace(step, at=step.at + later) for step in self.steps)
        return Script(steps, max(self.until, first) + later)


def carry_over(
    schedule: Schedule, ran: SimulatedRun, refusal: Callable[[str], str | None] = lambda _: None
) -> Carried:
    """Make a schedule ready for real processes.

    Args:
        ran: what the schedule did in the simulated world.
        refusal: why this host cannot have a fault, by the fault's name; None if it can.
    """
    test, plan = schedule.plan.test, schedule.plan
    refused = {fault: why for fault in test.nemesis if (why := _refusal(fault, refusal)) is not None}
    here = tuple(fault for fault in test.nemesis if fault not in refused)
    left_out = {
        operation: why
        for fault, why in refused.items()
        for operation in NEMESES[_name(fault)].operations
        if not any(operation in NEMESES[_name(other)].operations for other in here)
    }
    snapshot_entries = plan.settings.get("snapshot_entries", test.snapshot_entries)
    kills = tuple(_kills(ran.lives))
    own = tuple(step for step in schedule.steps if step.thread != NEMESIS or step.f not in left_out)
    steps = tuple(sorted((*own, *kills), key=lambda step: step.at))
    return Carried(
        test=msgspec.structs.replace(test, world="local", nemesis=here, snapshot_entries=snapshot_entries),
        steps=steps,
        until=schedule.until,
        lines=tuple(_lines(schedule, kills, left_out)),
    )


def _name(fault: str) -> str:
    """A fault's name without its target."""
    return fault.partition(":")[0]


def _refusal(fault: str, refusal: Callable[[str], str | None]) -> str | None:
    """Why local processes cannot have a fault; None if they can."""
    lacks = NEMESES[_name(fault)].lacks(LOCAL)
    return refusal(_name(fault)) if lacks is None else f"the world of local processes {lacks}"


def _kills(lives: Sequence[NodeLife]) -> Iterator[ScheduleStep]:
    """For each life that a scheduled crash ended: a kill at that time, and a start when the next life
    began."""
    for life in lives:
        if life.ended_by in _ENDED_BY_SCHEDULED_FAULT and life.ended_at is not None:
            yield _step(life.ended_at, "kill", Kill((life.node,)))
            following = [one.started_at for one in lives if one.node == life.node and one.life > life.life]
            if following:
                yield _step(min(following), "start", Start((life.node,)))


def _step(at: int, f: str, action: Action) -> ScheduleStep:
    return ScheduleStep(at, NEMESIS, f, actions=(action,))


def _lines(
    schedule: Schedule, kills: Sequence[ScheduleStep], left_out: Mapping[str, str]
) -> Iterator[CarriedLine]:
    plan = schedule.plan
    bug = f", mutant {plan.test.mutant}" if plan.test.mutant else ""
    yield CarriedLine("as it is", f"{len(plan.test.nodes)} nodes{bug}")
    for setting, value in plan.settings.items():
        is_an_option = setting == "snapshot_entries"
        yield CarriedLine(
            "as it is" if is_an_option else "not",
            f"{setting} is {value}",
            "" if is_an_option else "the node's command line has no option for it",
        )
    for fault in schedule.scheduled_faults:
        yield _of_fault(fault, kills)
    for line in _left_to_the_real_world(schedule):
        yield CarriedLine("not", line, "in the real world this is left to chance")
    for step in schedule.steps:
        what = f"at {step.at // MILLISECOND_NS} ms {step_in_words(step)}"
        why = left_out.get(step.f) if step.thread == NEMESIS else None
        yield CarriedLine("as it is", what) if why is None else CarriedLine("not", what, why)


def _of_fault(fault: ScheduledFault, kills: Sequence[ScheduleStep]) -> CarriedLine:
    what = fault_in_words(fault)
    if isinstance(fault, MuteLeader):
        return CarriedLine("not", what, "links of local processes cannot count the messages of one leader")
    if isinstance(fault, ReadError):
        return CarriedLine("not", what, "disks of local processes cannot fail single reads")
    mine = [step for step in kills if step.actions == (Kill((fault.node,)),)]
    if not mine:
        return CarriedLine("not", what, "it never came about in the simulated world either")
    times = " or ".join(f"{step.at // MILLISECOND_NS}" for step in mine)
    return CarriedLine("about", what, f"becomes a kill at {times} ms, wherever the process is just then")


def _left_to_the_real_world(schedule: Schedule) -> Iterator[str]:
    """Describe the schedule's clocks, messages, writes and time-outs."""
    plan = schedule.plan
    alone = msgspec.structs.replace(
        schedule,
        steps=(),
        scheduled_faults=(),
        plan=msgspec.structs.replace(plan, test=msgspec.structs.replace(plan.test, mutant=None)),
    )
    yield from list(story(alone))[1:]
