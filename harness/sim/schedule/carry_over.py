"""A simulated schedule on real processes, as far as possible: what can be carried over, and what cannot.

Clients' operations and the nemesis's faults are carried over as they are, each as long after the first one as
in the simulated world. A crash between two effects becomes a kill at the time that it had there, since a real
process cannot be stopped between two of its effects. What happened to single messages, writes, clocks and
time-outs is up to the real world. Every line says which of the three it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from harness.cluster.kinds import LOCAL
from harness.nemesis import FINAL_HEAL, NEMESES, nemesis_of
from harness.nemesis.action import Action
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.run.runner import RunCourse
from harness.run.test import Test
from harness.sim.plan.scheduled_faults import BadWrite, CrashAtEffect, ScheduledFault
from harness.sim.run import SimulatedRun
from harness.sim.schedule.schedule import Schedule, ScheduleStep, Script, ScriptedNemesis
from harness.sim.schedule.story import fault_in_words, step_in_words, story, words_of
from history import NEMESIS, NodeLife, Operation
from history.units import MILLISECOND_NS

How = Literal["as it is", "about", "not"]
_ENDED_BY_SCHEDULED_FAULT = ("crash", "power-loss", "full", "fsync-error")
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
        for action in (operation.value or {}).get("actions", ()):
            if not action["took_effect"]:
                on = " ".join([*action["nodes"], *(f"{a}->{b}" for a, b in action["links"])])
                yield (
                    f"{words_of(action['kind'])} {on}".strip()
                    + f": {action['error'] or 'nothing had to be changed'}"
                )


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


def carry_over(schedule: Schedule, ran: SimulatedRun) -> Carried:
    """Make a schedule ready for real processes.

    Args:
        ran: what the schedule did in the simulated world.
    """
    test, plan = schedule.plan.test, schedule.plan
    here = tuple(fault for fault in test.nemesis if _can_be_done(fault))
    snapshot_entries = plan.settings.get("snapshot_entries", test.snapshot_entries)
    kills = tuple(_kills(ran.lives, schedule.scheduled_faults))
    steps = tuple(sorted((*schedule.steps, *kills), key=lambda step: step.at))
    return Carried(
        test=msgspec.structs.replace(test, hosts="local", nemesis=here, snapshot_entries=snapshot_entries),
        steps=steps,
        until=schedule.until,
        lines=tuple(_lines(schedule, kills)),
    )


def _can_be_done(fault: str) -> bool:
    return NEMESES[fault.partition(":")[0]].lacks(LOCAL) is None


def _kills(lives: Sequence[NodeLife], scheduled_faults: Sequence[ScheduledFault]) -> Iterator[ScheduleStep]:
    """For each crash or bad write that came about: a kill at its time, and a start after as long as there."""
    down = {
        node: [fault for fault in scheduled_faults if _is_end_of(fault, node)]
        for node in {life.node: None for life in lives}
    }
    for life in lives:
        if life.ended_by in _ENDED_BY_SCHEDULED_FAULT and life.ended_at is not None and down[life.node]:
            fault = down[life.node].pop(0)
            assert isinstance(fault, CrashAtEffect | BadWrite)
            yield _step(life.ended_at, "kill", Kill((life.node,)))
            yield _step(life.ended_at + fault.down_ns, "start", Start((life.node,)))


def _is_end_of(fault: ScheduledFault, node: str) -> bool:
    return isinstance(fault, CrashAtEffect | BadWrite) and fault.node == node


def _step(at: int, f: str, action: Action) -> ScheduleStep:
    return ScheduleStep(at, NEMESIS, f, actions=(action,))


def _lines(schedule: Schedule, kills: Sequence[ScheduleStep]) -> Iterator[CarriedLine]:
    plan = schedule.plan
    bug = f", mutant {plan.test.mutant}" if plan.test.mutant else ""
    yield CarriedLine("as it is", f"{len(plan.test.nodes)} nodes{bug}")
    for name in plan.test.nemesis:
        if not _can_be_done(name):
            yield CarriedLine("not", f"healing {name}", "that fault cannot be done with local processes")
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
        kills_power = plan.kill_loses_power and any(isinstance(action, Kill) for action in step.actions)
        yield CarriedLine(
            "about" if kills_power else "as it is",
            f"at {step.at // MILLISECOND_NS} ms {step_in_words(step, plan.kill_loses_power)}",
            "a kill leaves the kernel running, and with it what was written and not synced"
            if kills_power
            else "",
        )


def _of_fault(fault: ScheduledFault, kills: Sequence[ScheduleStep]) -> CarriedLine:
    what = fault_in_words(fault)
    if not isinstance(fault, CrashAtEffect | BadWrite):
        return CarriedLine("not", what, "this cannot be done to local processes")
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
