"""When faults come: in rounds, at random, in bursts, or at times that were written down.

`rounds`, the default: break, dwell, heal, calm, each fault alone and all of them at once. With faults a and b
the rounds are a, b, a and b together, again and again. So every fault's own effect shows in a run of
some 15 s, and so does what only their combination can do. The first time round every fault aims at its
favourite target, the leader; later it does so in every second case, and at a drawn target otherwise.

`random`: every fault comes and goes independently of the others, so any of them may overlap.
`bursts`: a long calm, then several faults in quick succession, each too short for the cluster to settle.
`swarm`: rounds, of those faults alone that a draw from the seed enables, at a drawn pace. A run with all on
at once hides bugs, since faults mask one another (Groce et al., "Swarm Testing", ISSTA 2012).
`2 kill:leader, 5 heal kill`: at these seconds, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from harness.generator.base import Answer, Context, Generator, GeneratorLike
from harness.generator.choice import any as either
from harness.generator.draw import Draw
from harness.generator.order import phases
from harness.generator.sources import EXHAUSTED
from harness.generator.timing import sleep
from harness.nemesis.fault import Fault
from history import Operation
from history.units import MILLISECOND_NS

SCHEDULES = ("rounds", "random", "bursts", "swarm")
LEAST_IN_BURST, MOST_IN_BURST = 3, 6
BURST_CALM_PERCENT, BURST_FAULT_PERCENT = 250, 15
"""The shares of a pace's calm and fault that a burst has."""
_AT = re.compile(
    r"(?P<at>[0-9]+(\.[0-9]+)?)s? +(?P<heal>heal +)?(?P<fault>[a-z-]+)(:(?P<target>[a-z0-9-]+))?"
)


class Pace(msgspec.Struct, frozen=True):
    """How long a round's parts last: each drawn from [low, high] milliseconds.

    A fault lasts longer than an election (0.5 to 1 s, some more when votes split), and the calm is long
    enough for a leader to be elected and to bring the others up to date.
    """

    fault_ms: tuple[int, int] = (2000, 3000)
    calm_ms: tuple[int, int] = (1500, 2000)
    overlap_ms: tuple[int, int] = (0, 500)
    """Between two faults of one round, and between their heals."""

    def at_random(self) -> Pace:
        """The pace of each fault by itself: from far shorter to far longer."""
        (low, high), (least_calm, most_calm) = self.fault_ms, self.calm_ms
        return Pace((low * 15 // 100, high * 2), (least_calm // 5, most_calm * 4), self.overlap_ms)


class Rounds(msgspec.Struct, frozen=True):
    """Endless rounds; `current` is what is left of round `number`."""

    faults: tuple[Fault, ...]
    pace: Pace
    number: int = -1
    current: Generator = EXHAUSTED
    in_bursts: bool = False

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The next operation of this round, or the first of the next."""
        answer, current = self.current.op(context)
        number = self.number
        if answer is None:
            number += 1
            make = a_burst if self.in_bursts else a_round
            answer, current = make(self.faults, self.pace, number, context).op(context)
        return answer, Rounds(self.faults, self.pace, number, current, self.in_bursts)

    def update(self, context: Context, event: Operation) -> Generator:
        """Pass the event on to the round."""
        current = self.current.update(context, event)
        if current is self.current:
            return self
        return Rounds(self.faults, self.pace, self.number, current, self.in_bursts)


def a_round(faults: tuple[Fault, ...], pace: Pace, number: int, context: Context) -> Generator:
    """One round, from calm to heal. It draws from the context; `number` counts from 0."""
    groups = [(fault,) for fault in faults] + ([faults] if len(faults) > 1 else [])
    chosen = groups[number % len(groups)]
    draw = context.draw

    def pause(span_ms: tuple[int, int], salt: str) -> Generator:
        return sleep(draw.between(*span_ms, salt=salt) * MILLISECOND_NS)

    steps: list[GeneratorLike] = [pause(pace.calm_ms, "calm")]
    for place, fault in enumerate(draw.shuffled(chosen, "order of faults")):
        if place:
            steps.append(pause(pace.overlap_ms, f"overlap {place}"))
        is_favourite = number < len(groups) or draw.chance(1, 2, f"favourite of {fault.name}")
        drawn = draw.choose(fault.targets, f"target of {fault.name}")
        steps.append(fault.breaking(fault.targets[0] if is_favourite else drawn))
    steps.append(pause(pace.fault_ms, "fault"))
    for place, fault in enumerate(draw.shuffled(chosen, "order of heals")):
        if place:
            steps.append(pause(pace.overlap_ms, f"heal overlap {place}"))
        steps.append(fault.healing())
    return phases(*steps)


def a_burst(faults: tuple[Fault, ...], pace: Pace, number: int, context: Context) -> Generator:
    """A long calm, and then a few faults, each healed soon; it draws from the context."""
    draw = context.draw

    def pause(span_ms: tuple[int, int], share: int, salt: str) -> Generator:
        return sleep(draw.between(*span_ms, salt=salt) * MILLISECOND_NS * share // 100)

    steps: list[GeneratorLike] = [pause(pace.calm_ms, BURST_CALM_PERCENT, "calm")]
    for place in range(draw.between(LEAST_IN_BURST, MOST_IN_BURST, salt="faults")):
        fault = draw.choose(faults, f"fault {place}")
        is_favourite = number == 0 or draw.chance(1, 2, f"favourite {place}")
        target = fault.targets[0] if is_favourite else draw.choose(fault.targets, f"target {place}")
        steps.append(fault.breaking(target))
        steps.append(pause(pace.fault_ms, BURST_FAULT_PERCENT, f"fault {place}"))
        steps.append(fault.healing())
    return phases(*steps)


def at_times(text: str, faults: Sequence[Fault]) -> Generator:
    """A schedule that was written down: `2 kill:leader, 5 heal kill`, seconds from the beginning.

    Raises:
        ValueError: it cannot be read, times go back, or it names a fault or target that was not asked for.
    """
    known = {fault.name: fault for fault in faults}
    steps: list[GeneratorLike] = []
    before_ms = 0
    for part in text.split(","):
        match = _AT.fullmatch(part.strip())
        if match is None:
            raise ValueError(
                f"{part.strip()!r} is not a part of a schedule, which looks like: 2 kill:leader, 5 heal kill;"
                f" or it is one of {', '.join(SCHEDULES)}"
            )
        fault = known.get(match["fault"])
        if fault is None or fault.course is not None:
            named = ", ".join(name for name, one in known.items() if one.course is None) or "none"
            raise ValueError(f"{part.strip()!r}: --nemesis has no such fault to schedule, only {named}")
        target = match["target"] or fault.targets[0]
        if target not in fault.targets:
            raise ValueError(f"{part.strip()!r}: --nemesis has {', '.join(fault.targets)} for its target")
        at_ms = round(float(match["at"]) * 1000)
        if at_ms < before_ms:
            raise ValueError(f"{part.strip()!r} comes after a later time; write what happens in order")
        steps.append(sleep((at_ms - before_ms) * MILLISECOND_NS))
        steps.append(fault.healing() if match["heal"] else fault.breaking(target))
        before_ms = at_ms
    return phases(*steps)


def first_turns_ms(faults: Sequence[Fault], pace: Pace, how: str) -> int:
    """The milliseconds after which each fault had its first turn, and then all of them at once.

    It is the most that the pace can draw, so a run that lasts as long has them all. At random, each fault has
    its own turns; bursts draw their faults, so as many bursts as there are faults count. Of times that were
    written down it is the last one. Faults with a course of their own have no turns.
    """
    if how not in SCHEDULES:
        return max(ms for ms, _ in _times(how))
    turns = sum(fault.course is None for fault in faults)
    if turns == 0:
        return 0
    if how == "random":
        drawn = pace.at_random()
        return drawn.calm_ms[1] + drawn.fault_ms[1]
    if how == "bursts":
        in_burst = MOST_IN_BURST * pace.fault_ms[1] * BURST_FAULT_PERCENT
        return turns * (pace.calm_ms[1] * BURST_CALM_PERCENT + in_burst) // 100
    rounds = turns + 1 if turns > 1 else turns
    return rounds * (pace.calm_ms[1] + pace.fault_ms[1]) + 2 * (turns - 1) * pace.overlap_ms[1]


def first_turns_begin_ms(faults: Sequence[Fault], pace: Pace, how: str) -> int:
    """The milliseconds after which each fault began its first turn, and then all of them at once.

    As `first_turns_ms`, it is the most that the pace can draw: in a run that lasts longer, the last turn is
    cut short at the worst. Of times that were written down it is the last one that does not heal.
    """
    turns = sum(fault.course is None for fault in faults)
    if how not in SCHEDULES:
        return max((ms for ms, heals in _times(how) if not heals), default=0)
    if turns == 0:
        return 0
    last_ms = {
        "random": pace.at_random().fault_ms[1],
        "bursts": pace.fault_ms[1] * BURST_FAULT_PERCENT // 100,
    }
    rounds_ms = pace.fault_ms[1] + (turns - 1) * pace.overlap_ms[1]
    return first_turns_ms(faults, pace, how) - last_ms.get(how, rounds_ms)


def _times(how: str) -> list[tuple[int, bool]]:
    """The milliseconds of a schedule that was written down, and whether a fault is healed then."""
    parts = (_AT.fullmatch(part.strip()) for part in how.split(","))
    return [(round(float(part["at"]) * 1000), part["heal"] is not None) for part in parts if part is not None]


def enabled(names: Sequence[str], seed: int) -> tuple[str, ...]:
    """The faults that a swarm's seed enables: each with an even chance, but at least one."""
    draw = Draw.at(seed, step=0)
    chosen = tuple(name for name in names if draw.chance(1, 2, f"enabled {name}"))
    return chosen or ((draw.choose(tuple(names), "enabled"),) if names else ())


def swarm_pace(seed: int) -> Pace:
    """A pace of faults longer or shorter than an election, and of calms in which a leader settles or not."""
    draw = Draw.at(seed, step=0)
    fault, calm = draw.choose((300, 1000, 2500), "fault"), draw.choose((300, 1000, 2000), "calm")
    return Pace((fault, 2 * fault), (calm, 2 * calm), (0, draw.choose((10, 100, 500), "overlap")))


def schedule(faults: Sequence[Fault], pace: Pace | None = None, how: str = "rounds") -> Generator:
    """The schedule of some faults, and of those with a course of their own; empty without faults.

    Raises:
        ValueError: there is no such schedule.
    """
    pace = pace or Pace()
    courses = [fault.course.steps(fault.targets) for fault in faults if fault.course is not None]
    in_rounds = tuple(fault for fault in faults if fault.course is None)
    if how not in SCHEDULES:
        rounds = [at_times(how, faults)]
    elif not in_rounds:
        rounds = []
    elif how == "random":
        rounds = [Rounds((fault,), pace.at_random()) for fault in in_rounds]
    else:
        rounds = [Rounds(in_rounds, pace, in_bursts=how == "bursts")]
    together = (*rounds, *courses)
    return either(*together) if len(together) > 1 else together[0] if together else EXHAUSTED
