"""Makes a failing schedule small: what can be left out while the same checker still finds a violation?

Delta debugging (checkers/delta_debugging.py) over steps, scheduled faults and overrides, each by itself,
until none of them gets smaller; before that, the time after the violation, whole kinds at once, nodes, and
groups of lines. Every candidate is run and judged, so the result is a schedule that was seen to fail,
whatever the bound on runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from checkers.delta_debugging import smallest_failing
from checkers.verdict import Evidence, Validity, Verdict
from harness.nemesis import NEMESES
from harness.nemesis.action import Action, Link
from harness.nemesis.faults.cluster.membership import ChangeMembership
from harness.sim.plan.scheduled_faults import ScheduledFault
from harness.sim.run import SimulatedRun
from harness.sim.schedule.overrides import MessageOverride, Overrides
from harness.sim.schedule.schedule import (
    Schedule,
    ScheduleStep,
    as_played,
    play_and_clear,
)
from harness.workload import workload
from history import NEMESIS
from history.units import MILLISECOND_NS

T = TypeVar("T")

MOST_RUNS = 2000
EARLY = 40
"""Each of these first effects is tried as the place of a crash: an election, and the first write after it."""
_SLOW_NS = 20 * MILLISECOND_NS
_STEP_GROUPS: Sequence[Callable[[ScheduleStep], object]] = (
    attrgetter("thread"),
    attrgetter("f"),
    attrgetter("key"),
)
_LINE_GROUPS: Mapping[str, Callable[[Any], object]] = {
    "messages": attrgetter("sender", "receiver"),
    "writes": attrgetter("node"),
}
_VARYING = re.compile(r"(?<!status )\b\d+\b|\b[rn]\d+\b|\bsvc-\S+")


class Shrunk(msgspec.Struct, frozen=True):
    """A schedule made small."""

    schedule: Schedule
    verdict: Verdict
    """What the checker says about its run."""
    runs: int


class DoesNotFail(Exception):
    """The schedule shows no violation to begin with."""


def size(schedule: Schedule) -> int:
    """Count a schedule's lines: steps, scheduled faults, overrides."""
    overrides = schedule.overrides
    return (
        len(schedule.steps)
        + len(schedule.scheduled_faults)
        + sum(len(getattr(overrides, name)) for name in overrides.__struct_fields__)
    )


def verdict_of(ran: SimulatedRun, checker: str) -> Verdict:
    """Give what one checker says about a run."""
    test = ran.plan.test
    checkers = workload(test.workload, test.nodes, test.concurrency).checkers
    return next(one for one in checkers if one.name == checker).check(ran.recording())


def kind_of(evidence: Evidence) -> str:
    """Give an evidence's kind, or its title without node, registration and key; exit statuses stay."""
    return evidence.kind or _VARYING.sub("#", evidence.title)


def shrink(
    schedule: Schedule,
    checker: str,
    *,
    most_runs: int = MOST_RUNS,
    may_go_on: Callable[[], bool] = lambda: True,
    is_wanted: Callable[[Evidence], bool] | None = None,
) -> Shrunk:
    """Find the smallest schedule within `most_runs` runs that this checker still calls invalid.

    Args:
        is_wanted: which violation must stay; None for the kind of the first one.
        may_go_on: asked before each run; once it is False, the smallest schedule so far is the result.

    Raises:
        DoesNotFail: the checker does not call this schedule invalid.
    """
    return _Shrinking(checker, most_runs, may_go_on, is_wanted).shrink(schedule)


class _OutOfRuns(Exception):
    """There may be no more runs, or the time is over."""


class _Shrinking:
    def __init__(
        self,
        checker: str,
        most_runs: int,
        may_go_on: Callable[[], bool],
        is_wanted: Callable[[Evidence], bool] | None,
    ) -> None:
        self._checker = checker
        self._is_wanted = is_wanted
        self._may_go_on = may_go_on
        self._most_runs = most_runs
        self._runs = 0
        self._kind: str | None = None
        """The kind of the first violation: a candidate that shows only another kind is not what was asked
        for."""
        self._best: Schedule | None = None
        self._verdict: Verdict | None = None

    def shrink(self, schedule: Schedule) -> Shrunk:
        if not self._fails(schedule):
            raise DoesNotFail(f"{self._checker} finds no violation in this schedule")
        with suppress(_OutOfRuns):
            before = -1
            while (now := size(self._now)) != before:
                before = now
                self._shorten()
                self._drop_kinds()
                self._drop_nodes()
                self._minimize_scheduled_faults()
                self._bring_crashes_forward()
                self._minimize_groups()
                self._minimize_steps()
                self._minimize_steps_and_numbers()
                self._minimize_actions()
                self._minimize_overrides()
            self._tighten()
        assert self._verdict is not None
        return Shrunk(as_played(self._now), self._verdict, self._runs)

    @property
    def _now(self) -> Schedule:
        assert self._best is not None
        return self._best

    def _fails(self, candidate: Schedule) -> bool:
        """Run and judge a candidate; the last one that failed is kept.

        Raises:
            _OutOfRuns: the candidate was not run. No pass may go on: to make candidates of a long schedule
                without running them would take longer than all runs together.
        """
        if self._runs and not (self._runs < self._most_runs and self._may_go_on()):
            raise _OutOfRuns
        self._runs += 1
        ran, cleared = play_and_clear(candidate)
        verdict = verdict_of(ran, self._checker)
        if verdict.validity is not Validity.INVALID:
            return False
        kinds = [kind_of(evidence) for evidence in verdict.evidence]
        if self._is_wanted is not None:
            if not any(map(self._is_wanted, verdict.evidence)):
                return False
        elif self._kind is None:
            self._kind = kinds[0] if kinds else ""
        elif self._kind and self._kind not in kinds:
            return False
        self._best, self._verdict = min(cleared, candidate, key=size), verdict
        return True

    def _try(self, **changes: object) -> bool:
        """Whether the schedule still fails with these fields changed."""
        return self._fails(msgspec.structs.replace(self._now, **changes))

    # ---- passes ----------------------------------------------------------------------------------------

    def _shorten(self) -> None:
        """End sooner: drop the steps after ever earlier times."""
        low, high = 0, self._now.until
        while high - low > 20 * MILLISECOND_NS:
            middle = (low + high) // 2
            steps = tuple(step for step in self._now.steps if step.at <= middle)
            if self._try(until=middle, steps=steps):
                high = middle
            else:
                low = middle

    def _drop_kinds(self) -> None:
        """Drop whole kinds of lines at once."""
        for name in Overrides.__struct_fields__:
            if getattr(self._now.overrides, name):
                self._try_lines(name, ())
        plan = self._now.plan
        if plan.drift_ppm:
            self._try(plan=msgspec.structs.replace(plan, drift_ppm={}))
        if not self._now.plan.in_order:
            self._try(plan=msgspec.structs.replace(self._now.plan, in_order=True))
        self._keep_messages(lambda one: len(one.delays) != 1 or one.delays[0] >= _SLOW_NS)
        self._keep_messages(lambda one: len(one.delays) != 1)

    def _keep_messages(self, matters: Callable[[MessageOverride], bool]) -> None:
        messages = self._now.overrides.messages
        kept = tuple(one for one in messages if matters(one))
        if len(kept) < len(messages):
            self._try_lines("messages", kept)

    def _try_lines(self, kind: str, kept: Sequence[object]) -> bool:
        overrides = msgspec.structs.replace(self._now.overrides, **{kind: tuple(kept)})
        return self._try(overrides=overrides)

    def _drop_nodes(self) -> None:
        """Drop nodes, each with all lines that name it."""
        for node in reversed(self._now.plan.test.nodes):
            if len(self._now.plan.test.nodes) > 1:
                self._fails(without_node(self._now, node))

    def _bring_crashes_forward(self) -> None:
        """Crash after ever fewer effects: steps whose effects only count up to the crash can then go."""
        for place, fault in enumerate(self._now.scheduled_faults):
            for field in ("effect", "effects"):
                if hasattr(fault, field):
                    self._lower(place, field)
                    self._look_early(place, field)

    def _look_early(self, place: int, field: str) -> None:
        """Crash at one of the first effects: a crash that must hit an exact place, between a message and what
        it promises, has many such places, and halving a number meets few of them."""
        faults = self._now.scheduled_faults
        if getattr(faults[place], field) <= EARLY:
            return
        for number in range(1, EARLY + 1):
            early = msgspec.structs.replace(faults[place], **{field: number})
            if self._try(scheduled_faults=(*faults[:place], early, *faults[place + 1 :])):
                return

    def _lower(self, place: int, field: str) -> None:
        faults = self._now.scheduled_faults
        number = getattr(faults[place], field)
        cut = number // 2
        while cut:
            lower = msgspec.structs.replace(faults[place], **{field: number - cut})
            changed = (*faults[:place], lower, *faults[place + 1 :])
            if self._try(scheduled_faults=changed):
                number -= cut
            else:
                cut //= 2
            cut = min(cut, number - 1)

    def _minimize_groups(self) -> None:
        """Drop all messages of a link, writes of a node, steps of a thread, a kind or a key at once."""
        for name, of_line in _LINE_GROUPS.items():

            def fails(kept: Sequence[object], name: str = name) -> bool:
                return self._try_lines(name, kept)

            self._minimize_by(of_line, getattr(self._now.overrides, name), fails)
        for of_step in _STEP_GROUPS:
            self._minimize_by(of_step, self._now.steps, lambda kept: self._try(steps=kept))

    def _minimize_by(
        self, group_of: Callable[[Any], object], items: Sequence[T], fails: Callable[[tuple[T, ...]], bool]
    ) -> None:
        groups = tuple(dict.fromkeys(map(group_of, items)))
        smallest_failing(groups, lambda kept: fails(tuple(item for item in items if group_of(item) in kept)))

    def _minimize_steps(self) -> None:
        smallest_failing(self._now.steps, lambda steps: self._try(steps=tuple(steps)))

    def _minimize_steps_and_numbers(self) -> None:
        """Drop steps with what they led to: without them, messages and writes that matter have lower
        numbers."""
        length = len(self._now.steps) // 2
        while length and (self._now.overrides.messages or self._now.overrides.writes):
            start = 0
            while start + length <= len(self._now.steps):
                if not any(self._try_without(start, length, fewer) for fewer in (length, 2 * length)):
                    start += length
            length //= 2

    def _try_without(self, start: int, length: int, fewer: int) -> bool:
        """Whether it still fails without these steps, and with all numbers lower by `fewer`."""
        steps, overrides = self._now.steps, self._now.overrides
        return self._try(
            steps=(*steps[:start], *steps[start + length :]),
            overrides=msgspec.structs.replace(
                overrides,
                messages=tuple(
                    msgspec.structs.replace(one, n=one.n - fewer)
                    for one in overrides.messages
                    if one.n > fewer
                ),
                writes=tuple(
                    msgspec.structs.replace(one, n=one.n - fewer) for one in overrides.writes if one.n > fewer
                ),
            ),
        )

    def _minimize_actions(self) -> None:
        """Keep of each fault only the actions, links and nodes that matter."""
        for place, step in enumerate(self._now.steps):
            if step.thread == NEMESIS and len(step.actions) > 1:

                def fails(kept: Sequence[Action], place: int = place) -> bool:
                    return self._try_actions(place, tuple(kept))

                smallest_failing(step.actions, fails)
        for place, step in enumerate(self._now.steps):
            for number, action in enumerate(step.actions):
                for field in _lists_of(action):
                    self._minimize_field(place, number, field)

    def _minimize_field(self, place: int, number: int, field: str) -> None:
        actions = self._now.steps[place].actions
        if number >= len(actions):
            return

        def fails(kept: Sequence[object]) -> bool:
            changed = msgspec.structs.replace(actions[number], **{field: tuple(kept)})
            return self._try_actions(place, (*actions[:number], changed, *actions[number + 1 :]))

        smallest_failing(getattr(actions[number], field), fails)

    def _try_actions(self, place: int, actions: tuple[Action, ...]) -> bool:
        steps = list(self._now.steps)
        steps[place] = msgspec.structs.replace(steps[place], actions=actions)
        return self._try(steps=tuple(steps))

    def _minimize_scheduled_faults(self) -> None:
        smallest_failing(
            self._now.scheduled_faults,
            lambda scheduled_faults: self._try(scheduled_faults=tuple(scheduled_faults)),
        )

    def _minimize_overrides(self) -> None:
        for name in Overrides.__struct_fields__:

            def fails(kept: Sequence[object], name: str = name) -> bool:
                return self._try_lines(name, kept)

            smallest_failing(getattr(self._now.overrides, name), fails)

    def _tighten(self) -> None:
        """Wait less between steps and at the end: halve every gap as long as the schedule still fails."""
        for place in range(len(self._now.steps) + 1):
            while self._close_gap(place):
                pass

    def _close_gap(self, place: int) -> bool:
        steps, until = self._now.steps, self._now.until
        begin = steps[place - 1].at if place else 0
        end = steps[place].at if place < len(steps) else until
        gap = (end - begin) // 2 // MILLISECOND_NS * MILLISECOND_NS
        if gap < 20 * MILLISECOND_NS:
            return False
        moved = tuple(
            step if number < place else msgspec.structs.replace(step, at=step.at - gap)
            for number, step in enumerate(steps)
        )
        return self._try(steps=moved, until=until - gap)


def without_node(schedule: Schedule, node: str) -> Schedule:
    """Give the same schedule without one node and all lines that name it."""
    plan = schedule.plan
    nodes = tuple(name for name in plan.test.nodes if name != node)
    overrides = schedule.overrides
    return Schedule(
        plan=msgspec.structs.replace(
            plan,
            test=msgspec.structs.replace(
                plan.test, nodes=nodes, nemesis=_possible(plan.test.nemesis, node, len(nodes))
            ),
            drift_ppm={name: ppm for name, ppm in plan.drift_ppm.items() if name != node},
        ),
        until=schedule.until,
        steps=tuple(_without(step, node) for step in schedule.steps if step.node != node),
        scheduled_faults=tuple(fault for fault in schedule.scheduled_faults if not _concerns(fault, node)),
        overrides=Overrides(
            messages=tuple(one for one in overrides.messages if node not in (one.sender, one.receiver)),
            writes=tuple(one for one in overrides.writes if one.node != node),
            tears=tuple(one for one in overrides.tears if one.node != node),
            elections=tuple(one for one in overrides.elections if one.node != node),
            requests=overrides.requests,
        ),
    )


def _possible(faults: Sequence[str], node: str, left: int) -> tuple[str, ...]:
    """Those of a nemesis's faults that do not aim at the node, and are possible with these nodes."""
    found = []
    for fault in faults:
        name, _, target = fault.partition(":")
        if target != node and NEMESES[name].fewest_nodes <= left:
            found.append(fault)
    return tuple(found)


def _lists_of(action: Action) -> list[str]:
    """Give the fields that list an action's nodes and links; a change of membership is always of one node."""
    if isinstance(action, ChangeMembership):
        return []
    return [field for field in action.__struct_fields__ if field in {"nodes", "links"}]


def _named(item: str | Link) -> tuple[str, ...]:
    return (item,) if isinstance(item, str) else item


def _without(step: ScheduleStep, node: str) -> ScheduleStep:
    actions = []
    for action in step.actions:
        if isinstance(action, ChangeMembership) and node in (*action.nodes, action.at):
            continue
        changes = {
            field: tuple(item for item in getattr(action, field) if node not in _named(item))
            for field in _lists_of(action)
        }
        actions.append(msgspec.structs.replace(action, **changes))
    return msgspec.structs.replace(step, actions=tuple(actions))


def _concerns(fault: ScheduledFault, node: str) -> bool:
    names = ("node", "sender", "receiver")
    return any(getattr(fault, name, None) == node for name in names)
