"""How often the violation follows from each moment of a failing run, and where that chance jumps.

Many runs begin as the recorded one and go on by fresh chance. Between two moments with very different shares
lies what brought the violation about; it is looked for by halving, down to a single choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

from checkers.verdict import Validity
from harness.sim.cause.tape import Choice, branch
from harness.sim.schedule.schedule import Schedule
from harness.sim.schedule.shrink import verdict_of
from harness.sim.world.world import TooMuchHappensError

FIRST_MOMENTS = 17
"""How many moments, evenly among the choices, are looked at before any is halved."""
RUNS_A_MOMENT = 20
CONFIRMING = range(1000, 1040)
"""The seeds of the runs that confirm a jump."""
LEAST_JUMP = 0.25
"""A smaller difference of two shares is not looked into: with this number of runs it may be chance."""


class Moment(msgspec.Struct, frozen=True):
    """What followed from one moment."""

    choices: int
    """How many choices of the recorded run stay."""
    at: int
    """Virtual nanoseconds of the last of them."""
    runs: int
    violations: int

    @property
    def share(self) -> float:
        """The share of runs that showed the violation."""
        return self.violations / self.runs if self.runs else 0.0


class Jump(msgspec.Struct, frozen=True):
    """One choice with which the violation became more likely.

    The shares are of other runs than those by which the choice was found, so that chance found nothing here.
    """

    at: int
    what: str
    before: Moment
    after: Moment


class Curve:
    """The shares that were measured, by moment.

    Args:
        may_go_on: asked before each moment is measured; once it is False, what is there is the result.
        measured: is given the number of runs so far.
    """

    def __init__(
        self,
        schedule: Schedule,
        checker: str,
        choices: Sequence[Choice],
        may_go_on: Callable[[], bool],
        measured: Callable[[int], None],
    ) -> None:
        self._schedule = schedule
        self._checker = checker
        self._choices = choices
        self._may_go_on = may_go_on
        self._measured = measured
        self._moments: dict[int, Moment] = {}
        self.runs = 0
        self.is_whole = True
        """Whether all that was to be measured was."""

    def measure(self) -> tuple[Moment, ...]:
        """Measure evenly, then halve where the share jumps; in order of time."""
        last = len(self._choices)
        first = sorted({round(last * part / (FIRST_MOMENTS - 1)) for part in range(FIRST_MOMENTS)})
        for moment in (0, last, *first):
            self._measure(moment)
        for before, after in pairwise(first):
            self._halve(before, after)
        return tuple(self._moments[moment] for moment in sorted(self._moments))

    def jumps(self) -> tuple[Jump, ...]:
        """The single choices with which the share grows by `LEAST_JUMP` or more, also in runs that are made
        only now; largest first."""
        found: list[Jump] = []
        for before, after in pairwise(sorted(self._moments)):
            if after - before > 1 or not self._jumps(before, after):
                continue
            if not self._may_go_on():
                self.is_whole = False
                break
            one, other = (self._ran(moment, CONFIRMING) for moment in (before, after))
            if other.share - one.share >= LEAST_JUMP:
                choice = self._choices[after - 1]
                found.append(Jump(choice.at, choice.what, one, other))
        return tuple(sorted(found, key=lambda jump: jump.before.share - jump.after.share))

    def _halve(self, before: int, after: int) -> None:
        if after - before < 2 or not self._may_go_on():
            self.is_whole &= after - before < 2 or not self._jumps(before, after)
            return
        if self._jumps(before, after):
            middle = (before + after) // 2
            self._measure(middle)
            self._halve(before, middle)
            self._halve(middle, after)

    def _jumps(self, before: int, after: int) -> bool:
        known = self._moments
        if before not in known or after not in known:
            return False
        return known[after].share - known[before].share >= LEAST_JUMP

    def _measure(self, moment: int) -> None:
        if moment in self._moments:
            return
        if not self._may_go_on():
            self.is_whole = False
            return
        self._moments[moment] = self._ran(moment, range(RUNS_A_MOMENT))

    def _ran(self, moment: int, seeds: range) -> Moment:
        runs = violations = 0
        for seed in seeds[:1] if moment == len(self._choices) else seeds:
            try:
                ran = branch(self._schedule, self._choices, moment, seed)
            except TooMuchHappensError:
                continue
            runs += 1
            violations += verdict_of(ran, self._checker).validity is Validity.INVALID
        self.runs += runs
        self._measured(self.runs)
        at = self._choices[moment - 1].at if moment else 0
        return Moment(moment, at, runs, violations)
