"""Makes a failing schedule small: what can be left out while the same checker still finds a violation?

Delta debugging (Zeller & Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2),
2002): `ddmin` over steps, incidents and deviations, each by itself, until none of them gets smaller;
before that, the time after the violation, whole kinds at once, nodes, and groups of lines. Every candidate
is run and judged; the result is a schedule that was seen to fail, whatever the bound on runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from checkers.verdict import Evidence, Validity, Verdict
from harness.nemesis.base import Action, ChangeMembership, Link
from harness.sim.plan.incidents import Incident
from harness.sim.run import Ran
from harness.sim.schedule.schedule import Deviations, Message, Schedule, Step, as_played, play_and_clear
from harness.workload import workload
from history import NEMESIS

T = TypeVar("T")

MOST_RUNS = 2000
_MS = 1_000_000
_SLOW_NS = 20 * _MS
_STEP_GROUPS: Sequence[Callable[[Step], object]] = (
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
    """The outcome of shrinking."""

    schedule: Schedule
    verdict: Verdict
    """What the checker says of it."""
    runs: int


class DoesNotFail(Exception):
    """The schedule shows no violation to begin with."""


def size(schedule: Schedule) -> int:
    """How many lines a schedule has: steps, incidents, deviations."""
    deviations = schedule.deviations
    return (
        len(schedule.steps)
        + len(schedule.incidents)
        + sum(len(getattr(deviations, name)) for name in deviations.__struct_fields__)
    )


def verdict_of(ran: Ran, checker: str) -> Verdict:
    """What one checker says of a run."""
    test = ran.plan.test
    checkers = workload(test.workload, test.nodes, test.concurrency).checkers
    return next(one for one in checkers if one.name == checker).check(ran.recording())


def kind_of(evidence: Evidence) -> str:
    """What an evidence's title says of any node, registration and key; an exit status is part of it."""
    return _VARYING.sub("#", evidence.title)


def shrink(
    schedule: Schedule,
    checker: str,
    *,
    most_runs: int = MOST_RUNS,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Shrunk:
    """The smallest schedule found within `most_runs` runs that this checker still calls invalid.

    Args:
        may_go_on: asked before each run; once it says no, the smallest so far is the result.

    Raises:
        DoesNotFail: it does not call this one so.
    """
    return _Shrinking(checker, most_runs, may_go_on).shrink(schedule)


def ddmin(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """A part of `items` that still fails, and of which no single piece tried could be left out.

    `items` are known to fail. Nothing is assumed of `fails` but that it answers; it may also raise.
    """
    if not items or fails(()):
        return ()
    pieces = 2
    while len(items) >= 2:
        length = -(-len(items) // pieces)
        for start in range(0, len(items), length):
            rest = (*items[:start], *items[start + length :])
            if len(rest) < len(items) and fails(rest):
                items, pieces = rest, max(pieces - 1, 2)
                break
        else:
            if pieces >= len(items):
                return items
            pieces = min(2 * pieces, len(items))
    return items


class _OutOfRuns(Exception):
    """As many as there may be, or for as long."""


class _Shrinking:
    def __init__(self, checker: str, most_runs: int, may_go_on: Callable[[], bool]) -> None:
        self._checker = checker
        self._may_go_on = may_go_on
        self._most_runs = most_runs
        self._runs = 0
        self._kind: str | None = None
        """What the first violation is called: another kind, met on the way, is not what was asked for."""
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
                self._minimize_groups()
                self._minimize_steps()
                self._minimize_steps_and_numbers()
                self._minimize_actions()
                self._minimize_incidents()
                self._minimize_deviations()
            self._tighten()
        assert self._verdict is not None
        return Shrunk(as_played(self._now), self._verdict, self._runs)

    @property
    def _now(self) -> Schedule:
        assert self._best is not None
        return self._best

    def _fails(self, candidate: Schedule) -> bool:
        """Run and judge; the last that failed is kept.

        Raises:
            _OutOfRuns: it was not run. No pass can go on: to make candidates of a long schedule that nobody
                runs takes longer than all that was run.
        """
        if self._runs and not (self._runs < self._most_runs and self._may_go_on()):
            raise _OutOfRuns
        self._runs += 1
        ran, cleared = play_and_clear(candidate)
        verdict = verdict_of(ran, self._checker)
        if verdict.validity is not Validity.INVALID:
            return False
        kinds = [kind_of(evidence) for evidence in verdict.evidence]
        if self._kind is None:
            self._kind = kinds[0] if kinds else ""
        elif self._kind and self._kind not in kinds:
            return False
        self._best, self._verdict = min(cleared, candidate, key=size), verdict
        return True

    def _try(self, **changes: object) -> bool:
        """Whether it still fails with these fields changed."""
        return self._fails(msgspec.structs.replace(self._now, **changes))

    # ---- passes ----------------------------------------------------------------------------------------

    def _shorten(self) -> None:
        """End sooner: drop the steps after ever earlier times, and the rest with them."""
        low, high = 0, self._now.until
        while high - low > 20 * _MS:
            middle = (low + high) // 2
            steps = tuple(step for step in self._now.steps if step.at <= middle)
            if self._try(until=middle, steps=steps):
                high = middle
            else:
                low = middle

    def _drop_kinds(self) -> None:
        """Whole kinds at once."""
        for name in Deviations.__struct_fields__:
            if getattr(self._now.deviations, name):
                self._try_lines(name, ())
        plan = self._now.plan
        if plan.drift_ppm:
            self._try(plan=msgspec.structs.replace(plan, drift_ppm={}))
        if not self._now.plan.in_order:
            self._try(plan=msgspec.structs.replace(self._now.plan, in_order=True))
        if self._now.plan.kill_loses_power:
            self._try(plan=msgspec.structs.replace(self._now.plan, kill_loses_power=False))
        self._keep_messages(lambda one: len(one.delays) != 1 or one.delays[0] >= _SLOW_NS)
        self._keep_messages(lambda one: len(one.delays) != 1)

    def _keep_messages(self, matters: Callable[[Message], bool]) -> None:
        messages = self._now.deviations.messages
        kept = tuple(one for one in messages if matters(one))
        if len(kept) < len(messages):
            self._try_lines("messages", kept)

    def _try_lines(self, kind: str, kept: Sequence[object]) -> bool:
        deviations = msgspec.structs.replace(self._now.deviations, **{kind: tuple(kept)})
        return self._try(deviations=deviations)

    def _drop_nodes(self) -> None:
        """One node less, with all that concerns it."""
        for node in reversed(self._now.plan.test.nodes):
            if len(self._now.plan.test.nodes) > 1:
                self._fails(without_node(self._now, node))

    def _minimize_groups(self) -> None:
        """All messages of a link, writes of a node, steps of a thread, a kind or a key as one."""
        for name, of_line in _LINE_GROUPS.items():

            def fails(kept: Sequence[object], name: str = name) -> bool:
                return self._try_lines(name, kept)

            self._minimize_by(of_line, getattr(self._now.deviations, name), fails)
        for of_step in _STEP_GROUPS:
            self._minimize_by(of_step, self._now.steps, lambda kept: self._try(steps=kept))

    def _minimize_by(
        self, group_of: Callable[[Any], object], items: Sequence[T], fails: Callable[[tuple[T, ...]], bool]
    ) -> None:
        groups = tuple(dict.fromkeys(map(group_of, items)))
        ddmin(groups, lambda kept: fails(tuple(item for item in items if group_of(item) in kept)))

    def _minimize_steps(self) -> None:
        ddmin(self._now.steps, lambda steps: self._try(steps=tuple(steps)))

    def _minimize_steps_and_numbers(self) -> None:
        """Steps with what they made: without them, the messages and writes that matter have lower numbers."""
        length = len(self._now.steps) // 2
        while length and (self._now.deviations.messages or self._now.deviations.writes):
            start = 0
            while start + length <= len(self._now.steps):
                if not any(self._try_without(start, length, fewer) for fewer in (length, 2 * length)):
                    start += length
            length //= 2

    def _try_without(self, start: int, length: int, fewer: int) -> bool:
        """Whether it still fails without these steps, and with every later number lower by so many."""
        steps, deviations = self._now.steps, self._now.deviations
        return self._try(
            steps=(*steps[:start], *steps[start + length :]),
            deviations=msgspec.structs.replace(
                deviations,
                messages=tuple(
                    msgspec.structs.replace(one, n=one.n - fewer)
                    for one in deviations.messages
                    if one.n > fewer
                ),
                writes=tuple(
                    msgspec.structs.replace(one, n=one.n - fewer)
                    for one in deviations.writes
                    if one.n > fewer
                ),
            ),
        )

    def _minimize_actions(self) -> None:
        """Of each fault, only the actions, links and nodes that matter."""
        for place, step in enumerate(self._now.steps):
            if step.thread == NEMESIS and len(step.actions) > 1:

                def fails(kept: Sequence[Action], place: int = place) -> bool:
                    return self._try_actions(place, tuple(kept))

                ddmin(step.actions, fails)
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

        ddmin(getattr(actions[number], field), fails)

    def _try_actions(self, place: int, actions: tuple[Action, ...]) -> bool:
        steps = list(self._now.steps)
        steps[place] = msgspec.structs.replace(steps[place], actions=actions)
        return self._try(steps=tuple(steps))

    def _minimize_incidents(self) -> None:
        ddmin(self._now.incidents, lambda incidents: self._try(incidents=tuple(incidents)))

    def _minimize_deviations(self) -> None:
        for name in Deviations.__struct_fields__:

            def fails(kept: Sequence[object], name: str = name) -> bool:
                return self._try_lines(name, kept)

            ddmin(getattr(self._now.deviations, name), fails)

    def _tighten(self) -> None:
        """Less waiting between steps, and at the end: halve every gap as long as that fails too."""
        for place in range(len(self._now.steps) + 1):
            while self._close_gap(place):
                pass

    def _close_gap(self, place: int) -> bool:
        steps, until = self._now.steps, self._now.until
        begin = steps[place - 1].at if place else 0
        end = steps[place].at if place < len(steps) else until
        gap = (end - begin) // 2 // _MS * _MS
        if gap < 20 * _MS:
            return False
        moved = tuple(
            step if number < place else msgspec.structs.replace(step, at=step.at - gap)
            for number, step in enumerate(steps)
        )
        return self._try(steps=moved, until=until - gap)


def without_node(schedule: Schedule, node: str) -> Schedule:
    """The same with one member less: nothing is asked of it, sent to it, or befalls it."""
    plan = schedule.plan
    nodes = tuple(name for name in plan.test.nodes if name != node)
    deviations = schedule.deviations
    return Schedule(
        plan=msgspec.structs.replace(
            plan,
            test=msgspec.structs.replace(plan.test, nodes=nodes),
            drift_ppm={name: ppm for name, ppm in plan.drift_ppm.items() if name != node},
        ),
        until=schedule.until,
        steps=tuple(_without(step, node) for step in schedule.steps if step.node != node),
        incidents=tuple(incident for incident in schedule.incidents if not _concerns(incident, node)),
        deviations=Deviations(
            messages=tuple(one for one in deviations.messages if node not in (one.sender, one.receiver)),
            writes=tuple(one for one in deviations.writes if one.node != node),
            tears=tuple(one for one in deviations.tears if one.node != node),
            elections=tuple(one for one in deviations.elections if one.node != node),
            clients=deviations.clients,
        ),
    )


def _lists_of(action: Action) -> list[str]:
    """The fields that name on how many nodes and links it is done; a change of one member is of that one."""
    if isinstance(action, ChangeMembership):
        return []
    return [field for field in action.__struct_fields__ if field in {"nodes", "links"}]


def _named(item: str | Link) -> tuple[str, ...]:
    return (item,) if isinstance(item, str) else item


def _without(step: Step, node: str) -> Step:
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


def _concerns(incident: Incident, node: str) -> bool:
    names = ("node", "sender", "receiver")
    return any(getattr(incident, name, None) == node for name in names)
