"""The choices of a run in the order in which they were made, and runs that share only the first of them."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple

import msgspec

from harness.nemesis import NEMESES
from harness.nemesis.action import Link
from harness.nemesis.mechanisms.world import World
from harness.sim.plan.decisions import Decisions, Delays, DrawnDecisions, RoundTrip
from harness.sim.plan.scheduled_faults import ScheduledFault
from harness.sim.run import SimulatedRun
from harness.sim.schedule.bounds import MOST_HAPPENINGS
from harness.sim.schedule.messages import message_in_words
from harness.sim.schedule.overrides import ScriptedDecisions
from harness.sim.schedule.schedule import Schedule, perform_as_written, play
from harness.sim.schedule.story import fault_in_words, step_in_words
from harness.sim.world.network import OneWayLink
from harness.sim.world.world import SimulatedWorld
from history import NEMESIS, Operation
from history.units import MILLISECOND_NS
from node_impl.core.raft.messages import Envelope

BREAKING = frozenset(fault.begin for fault in NEMESES.values())
"""The operations of the nemesis that break something; all others heal, or ask."""


NEMESIS_STEP = ("nemesis",)
"""The place of a choice of the nemesis; its number is the step's in the schedule."""
SCHEDULED = ("scheduled fault",)


class Choice(NamedTuple):
    """One thing that could have gone otherwise."""

    at: int
    """Virtual nanoseconds."""
    place: tuple[str, ...]
    """Its kind and where: equal places with equal numbers are the same choice in two runs."""
    n: int
    """The n-th of its place, from 1."""
    what: str
    """What was chosen, in words: `RequestVote of term 4 from n1 to n3 is lost`."""


class Tape(NamedTuple):
    """A whole run's choices, and what the run was."""

    choices: tuple[Choice, ...]
    ran: SimulatedRun


class _Recorder:
    """Decides as its source does, and writes each choice down."""

    def __init__(self, source: Decisions) -> None:
        self._source = source
        self._world: SimulatedWorld | None = None
        self._envelope: Envelope | None = None
        self.choices: list[Choice] = []

    def watch(self, world: SimulatedWorld) -> None:
        self._world = world
        world.network.watcher = self._sending

    def _sending(self, _: OneWayLink, envelope: Envelope) -> None:
        self._envelope = envelope

    def note(self, place: tuple[str, ...], n: int, what: str) -> None:
        now = 0 if self._world is None else self._world.now
        self.choices.append(Choice(now, place, n, what))

    def message(self, link: Link, n: int) -> Delays:
        delays = self._source.message(link, n)
        name = "a message" if self._envelope is None else message_in_words(self._envelope.body)
        times = " and ".join(f"after {delay / MILLISECOND_NS:.2f} ms" for delay in delays)
        how = f"arrives {times}" if delays else "is lost"
        self.note(("message", *link), n, f"{name} from {link[0]} to {link[1]} {how}")
        return delays

    def write_ns(self, node: str, n: int) -> int:
        takes = self._source.write_ns(node, n)
        self.note(("write", node), n, f"{node}'s write {n} takes {takes / MILLISECOND_NS:.2f} ms")
        return takes

    def tear(self, node: str, n: int) -> int:
        draw = self._source.tear(node, n)
        self.note(("tear", node), n, f"{node}'s write {n} is interrupted, with part {draw} of it on the disk")
        return draw

    def election(self, node: str, n: int, bound: int) -> int:
        adds = self._source.election(node, n, bound)
        what = f"{node}'s election time-out {n} is {adds / MILLISECOND_NS:.2f} ms above the least"
        self.note(("election", node), n, what)
        return adds

    def client(self, n: int) -> RoundTrip:
        trip = self._source.client(n)
        how = "loses its reply" if trip.reset else f"arrives after {trip.there_ns / MILLISECOND_NS:.2f} ms"
        self.note(("client",), n, f"client request {n} {how}")
        return trip

    def stop_faults(self) -> None:
        self._source.stop_faults()


class _Branching:
    """Decides as a script says up to a moment, and by fresh chance from then on."""

    def __init__(self, script: Decisions, fresh: Decisions, until: int) -> None:
        self._script = script
        self._fresh = fresh
        self._left = until

    def _source(self) -> Decisions:
        self._left -= 1
        return self._script if self._left >= 0 else self._fresh

    def message(self, link: Link, n: int) -> Delays:
        return self._source().message(link, n)

    def write_ns(self, node: str, n: int) -> int:
        return self._source().write_ns(node, n)

    def tear(self, node: str, n: int) -> int:
        return self._source().tear(node, n)

    def election(self, node: str, n: int, bound: int) -> int:
        return self._source().election(node, n, bound)

    def client(self, n: int) -> RoundTrip:
        return self._source().client(n)

    def stop_faults(self) -> None:
        self._script.stop_faults()
        self._fresh.stop_faults()


def taped(schedule: Schedule) -> Tape:
    """Play a schedule, and write down its choices. What the nemesis does, and each scheduled fault, stands at
    its moment among them."""
    recorder = _Recorder(ScriptedDecisions(schedule.overrides))
    steps = iter([(n, step) for n, step in enumerate(schedule.steps) if step.thread == NEMESIS])

    def perform(operation: Operation, world: World) -> Coroutine[Any, Any, Operation]:
        place, step = next(steps)
        if step.f in BREAKING:
            recorder.note(NEMESIS_STEP, place, step_in_words(step))
        return perform_as_written(operation, world)

    ran = play(
        schedule,
        decisions=recorder,
        perform=perform,
        most_happenings=MOST_HAPPENINGS,
        prepare=recorder.watch,
    )
    choices = recorder.choices
    for place, fault in enumerate(schedule.scheduled_faults):
        struck = _first_difference(schedule, fault, choices)
        if struck is not None:
            moment, at = struck
            choices.insert(moment, Choice(at, SCHEDULED, place, fault_in_words(fault)))
    return Tape(tuple(choices), ran)


def _first_difference(
    schedule: Schedule, fault: ScheduledFault, choices: list[Choice]
) -> tuple[int, int] | None:
    """Before which choice a scheduled fault struck, and by when: from there on, a run without it differs."""
    others = tuple(one for one in schedule.scheduled_faults if one is not fault)
    recorder = _Recorder(ScriptedDecisions(schedule.overrides))
    without = msgspec.structs.replace(schedule, scheduled_faults=others)
    play(without, decisions=recorder, most_happenings=MOST_HAPPENINGS, prepare=recorder.watch)
    made = [place for place, choice in enumerate(choices) if choice.place not in (NEMESIS_STEP, SCHEDULED)]
    for place, other in zip(made, recorder.choices, strict=False):
        if choices[place] != other:
            return place, min(choices[place].at, other.at)
    if len(recorder.choices) < len(made):
        place = made[len(recorder.choices)]
        return place, choices[place].at
    return None


def branch(schedule: Schedule, choices: Sequence[Choice], moment: int, seed: int) -> SimulatedRun:
    """Run as recorded up to a moment, and by fresh chance from then on, without any further fault.

    Clients ask as they did. What heals a fault comes when it did, also where the fault no longer does.

    Args:
        choices: of the whole tape.
        moment: how many choices of the tape stay.
        seed: of the fresh chance.

    Raises:
        TooMuchHappensError: more happened than a run may hold.
    """
    kept = choices[:moment]
    steps = {choice.n for choice in kept if choice.place == NEMESIS_STEP}
    faults = {choice.n for choice in kept if choice.place == SCHEDULED}
    begun = msgspec.structs.replace(
        schedule,
        steps=tuple(
            step
            for place, step in enumerate(schedule.steps)
            if step.thread != NEMESIS or step.f not in BREAKING or place in steps
        ),
        scheduled_faults=tuple(
            fault for place, fault in enumerate(schedule.scheduled_faults) if place in faults
        ),
    )
    decisions = _Branching(
        ScriptedDecisions(schedule.overrides),
        DrawnDecisions(seed, schedule.plan.fault_rates),
        moment - len(steps) - len(faults),
    )
    return play(begun, decisions=decisions, most_happenings=MOST_HAPPENINGS)
