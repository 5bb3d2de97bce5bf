"""When faults come: rounds of break, dwell, heal, calm, each fault alone and all of them at once.

With packages a and b the rounds are a, b, a and b together, again and again. So every fault's own
effect shows in a run of some 15 s, and so does what only their combination can do. The first time
round every fault aims at its favourite target, the leader; later it does so in every second case,
and at a drawn target otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.generator.base import Answer, Context, Generator, GeneratorLike
from harness.generator.choice import any as either
from harness.generator.order import phases
from harness.generator.sources import EXHAUSTED
from harness.generator.timing import MILLISECOND, sleep
from harness.history import Operation
from harness.nemesis.package import FaultPackage


class Pace(msgspec.Struct, frozen=True):
    """How long a round's parts last: each drawn from [low, high] milliseconds.

    A fault lasts longer than an election (0.5 to 1 s, some more when votes split), and the calm is long
    enough for a leader to be elected and to bring the others up to date.
    """

    fault_ms: tuple[int, int] = (2000, 3000)
    calm_ms: tuple[int, int] = (1500, 2000)
    overlap_ms: tuple[int, int] = (0, 500)
    """Between two faults of one round, and between their heals."""


class Rounds(msgspec.Struct, frozen=True):
    """Endless rounds; `current` is what is left of round `number`."""

    packages: tuple[FaultPackage, ...]
    pace: Pace
    number: int = -1
    current: Generator = EXHAUSTED

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The next operation of this round, or the first of the next."""
        answer, current = self.current.op(context)
        number = self.number
        if answer is None:
            number += 1
            answer, current = a_round(self.packages, self.pace, number, context).op(context)
        return answer, Rounds(self.packages, self.pace, number, current)

    def update(self, context: Context, event: Operation) -> Generator:
        """Nothing but the round itself cares."""
        current = self.current.update(context, event)
        return self if current is self.current else Rounds(self.packages, self.pace, self.number, current)


def a_round(packages: tuple[FaultPackage, ...], pace: Pace, number: int, context: Context) -> Generator:
    """One round, from calm to heal. Its draws are the context's; `number` counts from 0."""
    groups = [(package,) for package in packages] + ([packages] if len(packages) > 1 else [])
    chosen = groups[number % len(groups)]
    draw = context.draw

    def pause(span_ms: tuple[int, int], salt: str) -> Generator:
        return sleep(draw.between(*span_ms, salt=salt) * MILLISECOND)

    steps: list[GeneratorLike] = [pause(pace.calm_ms, "calm")]
    for place, package in enumerate(draw.shuffled(chosen, "order of faults")):
        if place:
            steps.append(pause(pace.overlap_ms, f"overlap {place}"))
        is_favourite = number < len(groups) or draw.chance(1, 2, f"favourite of {package.name}")
        drawn = draw.choose(package.targets, f"target of {package.name}")
        steps.append(package.breaking(package.targets[0] if is_favourite else drawn))
    steps.append(pause(pace.fault_ms, "fault"))
    for place, package in enumerate(draw.shuffled(chosen, "order of heals")):
        if place:
            steps.append(pause(pace.overlap_ms, f"heal overlap {place}"))
        steps.append(package.healing())
    return phases(*steps)


def schedule(packages: Sequence[FaultPackage], pace: Pace | None = None) -> Generator:
    """Rounds of these packages' faults, and beside them what has a course of its own, for as long as it is
    asked; nothing, for none."""
    in_rounds = tuple(package for package in packages if package.machine is None)
    courses = [package.machine.course(package.targets) for package in packages if package.machine is not None]
    rounds = Rounds(in_rounds, pace or Pace()) if in_rounds else EXHAUSTED
    return either(rounds, *courses) if courses else rounds
