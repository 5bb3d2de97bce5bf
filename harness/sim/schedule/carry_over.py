"""A simulated schedule on real processes, as best it can: what of it they can be told, and what not.

Clients' operations and the nemesis's faults are told as they are, each as long after the first one as in the
simulated world. A crash between two effects becomes a kill at the time that it had there, since nobody
can stop a real process between two of its effects. What befell single messages, writes, clocks and
time-outs is the real world's own affair. Every line says which of the three it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from harness.nemesis import FINAL_HEAL, NEMESES, nemesis_of
from harness.nemesis.base import Action, Kill, Start
from harness.run.runner import Course
from harness.run.test import Test
from harness.sim.plan.incidents import BadWrite, Crash, Incident
from harness.sim.run import Ran
from harness.sim.schedule.replay import story, told_incident, told_step, words_of
from harness.sim.schedule.schedule import Schedule, Script, ScriptedNemesis, Step
from history import NEMESIS, NodeLife, Operation

How = Literal["as it is", "about", "not"]
_MS = 1_000_000
_ENDED_BY_INCIDENT = ("crash", "power-loss", "full", "fsync-error")
"""Who ended a simulated life, where an incident did."""


class Line(msgspec.Struct, frozen=True):
    """One thing of a schedule, and how it is carried over."""

    how: How
    what: str
    why: str = ""


def undone(operations: Iterable[Operation]) -> Iterator[str]:
    """What the nemesis was told to do on real processes and could not."""
    for operation in operations:
        if operation.is_client or operation.type == "invoke" or operation.f == FINAL_HEAL:
            continue
        if operation.error is not None:
            yield f"{operation.f}: {operation.error}"
        for action in (operation.value or {}).get("actions", ()):
            if not action["took_effect"]:
                on = " ".join([*action["nodes"], *(f"{a}->{b}" for a, b in action["links"])])
                yield (
                    f"{words_of(action['kind'])} {on}".strip() + f": {action['error'] or 'it was so already'}"
                )


class Carried(msgspec.Struct, frozen=True):
    """A schedule for real processes."""

    test: Test
    steps: tuple[Step, ...]
    until: int
    lines: tuple[Line, ...]

    @property
    def course(self) -> Course:
        """What a run is to do instead of a workload and faults of its own."""
        packages = nemesis_of(self.test.nemesis, "local", self.test.nodes).packages
        return Course(ScriptedNemesis(packages), self._script)

    def _script(self, now: int) -> Script:
        """Everything as long after the first thing as in the simulated world, and that one now."""
        first = min((step.at for step in self.steps), default=0)
        later = now - first
        steps = tuple(msgspec.structs.replace(step, at=step.at + later) for step in self.steps)
        return Script(steps, max(self.until, first) + later)


def carry_over(schedule: Schedule, ran: Ran) -> Carried:
    """What real processes are to be told.

    Args:
        ran: what the schedule did in the simulated world.
    """
    test, plan = schedule.plan.test, schedule.plan
    here = tuple(fault for fault in test.nemesis if _can_be_done(fault))
    snapshot_entries = plan.settings.get("snapshot_entries", test.snapshot_entries)
    kills = tuple(_kills(ran.lives, schedule.incidents))
    steps = tuple(sorted((*schedule.steps, *kills), key=lambda step: step.at))
    return Carried(
        test=msgspec.structs.replace(test, hosts="local", nemesis=here, snapshot_entries=snapshot_entries),
        steps=steps,
        until=schedule.until,
        lines=tuple(_lines(schedule, kills)),
    )


def _can_be_done(fault: str) -> bool:
    return "local" in NEMESES[fault.partition(":")[0]].worlds


def _kills(lives: Sequence[NodeLife], incidents: Sequence[Incident]) -> Iterator[Step]:
    """For each crash or bad write that came about: a kill at its time, and a start after as long as there."""
    down = {
        node: [incident for incident in incidents if _is_end_of(incident, node)]
        for node in {life.node: None for life in lives}
    }
    for life in lives:
        if life.ended_by in _ENDED_BY_INCIDENT and life.ended_at is not None and down[life.node]:
            incident = down[life.node].pop(0)
            assert isinstance(incident, Crash | BadWrite)
            yield _step(life.ended_at, "kill", Kill((life.node,)))
            yield _step(life.ended_at + incident.down_ns, "start", Start((life.node,)))


def _is_end_of(incident: Incident, node: str) -> bool:
    return isinstance(incident, Crash | BadWrite) and incident.node == node


def _step(at: int, f: str, action: Action) -> Step:
    return Step(at, NEMESIS, f, actions=(action,))


def _lines(schedule: Schedule, kills: Sequence[Step]) -> Iterator[Line]:
    plan = schedule.plan
    bug = f", mutant {plan.test.mutant}" if plan.test.mutant else ""
    yield Line("as it is", f"{len(plan.test.nodes)} nodes{bug}")
    for fault in plan.test.nemesis:
        if not _can_be_done(fault):
            yield Line("not", f"healing {fault}", "that fault cannot be done with local processes")
    for setting, value in plan.settings.items():
        is_told = setting == "snapshot_entries"
        yield Line(
            "as it is" if is_told else "not",
            f"{setting} is {value}",
            "" if is_told else "the node's command line has no option for it",
        )
    for incident in schedule.incidents:
        yield _of_incident(incident, kills)
    for told in _of_worlds_own(schedule):
        yield Line("not", told, "this is as it happens to be in the real world")
    for step in schedule.steps:
        kills_power = plan.kill_loses_power and any(isinstance(action, Kill) for action in step.actions)
        yield Line(
            "about" if kills_power else "as it is",
            f"at {step.at // _MS} ms {told_step(step, plan.kill_loses_power)}",
            "a kill leaves the kernel running, and with it what was written and not synced"
            if kills_power
            else "",
        )


def _of_incident(incident: Incident, kills: Sequence[Step]) -> Line:
    what = told_incident(incident)
    if not isinstance(incident, Crash | BadWrite):
        return Line("not", what, "local processes cannot be given this")
    mine = [step for step in kills if step.actions == (Kill((incident.node,)),)]
    if not mine:
        return Line("not", what, "it never came about in the simulated world either")
    times = " or ".join(f"{step.at // _MS}" for step in mine)
    return Line("about", what, f"becomes a kill at {times} ms, wherever the process is just then")


def _of_worlds_own(schedule: Schedule) -> Iterator[str]:
    """What `story` tells of clocks, messages, writes and time-outs."""
    plan = schedule.plan
    alone = msgspec.structs.replace(
        schedule,
        steps=(),
        incidents=(),
        plan=msgspec.structs.replace(plan, test=msgspec.structs.replace(plan.test, mutant=None)),
    )
    yield from list(story(alone))[1:]
