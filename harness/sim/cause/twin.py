"""The twin of a failing run: a run without the violation that is the same for as long as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from checkers.verdict import Validity
from harness.sim.cause.tape import NEMESIS_STEP, SCHEDULED, Choice, taped
from harness.sim.schedule.schedule import Schedule
from harness.sim.schedule.shrink import verdict_of
from harness.sim.world.world import TooMuchHappensError
from history.units import SECOND_NS

MOST_TRIES = 60


class Twin(msgspec.Struct, frozen=True):
    """A run in which the checker finds no violation, and where it leaves the failing one."""

    without: str
    """What it lacks, in words."""
    at: int
    """Virtual nanoseconds of the first difference."""
    failing: str
    """What happens there in the failing run."""
    twin: str
    """What happens there in the twin."""


class _Line(NamedTuple):
    """A line of a schedule that can be left out."""

    moment: int
    """Its place among the choices."""
    words: str
    without: Schedule


def twin_of(
    schedule: Schedule, checker: str, choices: Sequence[Choice], may_go_on: Callable[[], bool]
) -> Twin | None:
    """Leave out one line after the other, the latest first, until the checker finds no violation.

    None: no line of the last `MOST_TRIES` does that alone.
    """
    lines = sorted(_lines(schedule, choices), key=lambda line: -line.moment)
    for line in lines[:MOST_TRIES]:
        if not may_go_on():
            return None
        try:
            other = taped(line.without)
        except TooMuchHappensError:
            continue
        if verdict_of(other.ran, checker).validity is not Validity.INVALID:
            return _difference(line.words, choices, other.choices)
    return None


def _lines(schedule: Schedule, choices: Sequence[Choice]) -> Iterator[_Line]:
    """Every line that the run met, with the schedule that lacks it."""
    places = {(choice.place, choice.n): moment for moment, choice in enumerate(choices)}
    replace = msgspec.structs.replace

    def line(place: tuple[str, ...], n: int, without: Schedule) -> Iterator[_Line]:
        moment = places.get((place, n))
        if moment is not None:
            yield _Line(moment, choices[moment].what, without)

    for n in range(len(schedule.steps)):
        left = (*schedule.steps[:n], *schedule.steps[n + 1 :])
        yield from line(NEMESIS_STEP, n, replace(schedule, steps=left))
    for n in range(len(schedule.scheduled_faults)):
        faults = (*schedule.scheduled_faults[:n], *schedule.scheduled_faults[n + 1 :])
        yield from line(SCHEDULED, n, replace(schedule, scheduled_faults=faults))
    overrides = schedule.overrides
    for name in overrides.__struct_fields__:
        every = getattr(overrides, name)
        for number, one in enumerate(every):
            left = (*every[:number], *every[number + 1 :])
            without = replace(schedule, overrides=replace(overrides, **{name: left}))
            yield from line(_place(name, one), one.n, without)


def _place(kind: str, override: object) -> tuple[str, ...]:
    """The place of the choice that an override is about (tape.py)."""
    match kind:
        case "messages":
            return ("message", getattr(override, "sender", ""), getattr(override, "receiver", ""))
        case "requests":
            return ("client",)
        case _:
            return (kind.removesuffix("s"), getattr(override, "node", ""))


def _difference(words: str, choices: Sequence[Choice], others: Sequence[Choice]) -> Twin:
    for one, other in zip(choices, others, strict=False):
        if (one.at, one.place, one.what) != (other.at, other.place, other.what):
            return Twin(words, min(one.at, other.at), _at(one), _at(other))
    longer = choices if len(choices) > len(others) else others
    first = longer[min(len(choices), len(others))]
    nothing = "nothing more happens"
    both = (_at(first), nothing) if longer is choices else (nothing, _at(first))
    return Twin(words, first.at, *both)


def _at(choice: Choice) -> str:
    return f"at {choice.at / SECOND_NS:.3f} s, {choice.what}"
