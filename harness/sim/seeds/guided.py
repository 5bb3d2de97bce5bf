"""A campaign that learns: runs that came to protocol states new to it are gone on with in other ways.

It goes by rounds. In each, some runs are of fresh seeds, as in any campaign, and the others each take a run
that was new somewhere, up to a moment at which it was, and draw anew what follows (`Plan.turns`). After a
round, what its runs came to is counted in order; so the campaign depends on its first seed alone, and not on
how many processes work on it. (Coverage guidance as by fuzzers, with protocol states for branches.)

Results are kept as a plain campaign's: a header, then a line a run, by which it goes on.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness.sim.judging import Judged, run_and_judge
from harness.sim.plan.chance import Stream
from harness.sim.plan.swarm import Plan, Turn, Wishes, plan_of
from harness.sim.seeds.campaign import prepare_worker
from harness.sim.seeds.coverage import states_of

ROUND = 16
"""Runs a round; a multiple of any usual number of processes."""
FRESH = 8
"""Of these, with seeds of their own."""
MOST_TURNS = 6
"""A run that has so many is not gone on with: its end is far from any seed's own."""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run begins from: a seed's plan, with turns."""

    seed: int
    turns: tuple[Turn, ...] = ()

    def plan(self, wishes: Wishes) -> Plan:
        """In full."""
        return msgspec.structs.replace(plan_of(self.seed, wishes), turns=self.turns)


class Tried(msgspec.Struct, frozen=True):
    """One run: a line of the results."""

    number: int
    start: Origin
    judged: Judged
    states: int
    """How many states it came to."""
    new: tuple[tuple[int, int], ...]
    """(state, first time) of those that no run before it had come to."""


class Guide:
    """Chooses what to run, from what was run. The same runs in, the same choices out."""

    def __init__(self, first_seed: int) -> None:
        self._first_seed = first_seed
        self._known: set[int] = set()
        self._new_by_run: list[tuple[Origin, tuple[int, ...]]] = []
        """Runs that may be gone on with, and the moments at which they were new."""
        self._seeds = 0

    @property
    def states(self) -> int:
        """How many states any run came to."""
        return len(self._known)

    def round(self, number: int) -> tuple[Origin, ...]:
        """What to run in a round; after all runs of the rounds before it were counted."""
        fresh = FRESH if self._new_by_run else ROUND
        starts = [self._fresh() for _ in range(fresh)]
        starts += [self._further(number, place) for place in range(ROUND - fresh)]
        return tuple(starts)

    def _fresh(self) -> Origin:
        self._seeds += 1
        return Origin(self._first_seed + self._seeds - 1)

    def _further(self, number: int, place: int) -> Origin:
        """A run that was new somewhere: rather one of the last, since what they came to is rarest."""
        draw = Stream(self._first_seed, "guided", number, place)
        among = self._new_by_run[-64:]
        back = min(draw.below(len(among)), draw.below(len(among)))
        start, moments = among[-1 - back]
        at = draw.choose(moments)
        kept = tuple(turn for turn in start.turns if turn.at < at)
        return Origin(start.seed, (*kept, Turn(at, draw.bits() >> 16)))

    def count(self, start: Origin, states: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """Take note of the states of a run; those that are new."""
        new = tuple((state, at) for state, at in states if state not in self._known)
        self._known.update(state for state, _ in new)
        if new and len(start.turns) < MOST_TURNS:
            self._new_by_run.append((start, tuple(dict.fromkeys(at for _, at in new))))
        return new


Outcome = tuple[Judged, tuple[tuple[int, int], ...]]
"""A run's, and the states that it came to with the time of each."""


def guided(
    first_seed: int,
    most_runs: int,
    wishes: Wishes,
    *,
    jobs: int,
    done: Sequence[Tried],
    take: Callable[[Tried, bool, int], bool],
) -> None:
    """Run so many, less those that are done.

    Args:
        done: the runs of an earlier, interrupted campaign of the same first seed and wishes, in order.
        take: gets each run in order, whether it is new, and how many states are known; says whether to go on.
    """
    guide = Guide(first_seed)
    with _workers(jobs) as run_all:
        for number in range(-(-most_runs // ROUND)):
            first = number * ROUND
            starts = guide.round(number)[: most_runs - first]
            earlier = done[first : first + len(starts)]
            for tried in earlier:
                guide.count(tried.start, tried.new)
                if not take(tried, False, guide.states):
                    return
            left = starts[len(earlier) :]
            if not left:
                continue
            for place, (judged, states) in enumerate(run_all(left, wishes), start=first + len(earlier)):
                start = starts[place - first]
                new = guide.count(start, states)
                if not take(Tried(place, start, judged, len(states), new), True, guide.states):
                    return


RunAll = Callable[[Sequence[Origin], Wishes], Iterator[Outcome]]


@contextmanager
def _workers(jobs: int) -> Iterator[RunAll]:
    """Something that runs starts on `jobs` processes, and gives their outcomes in order."""
    if jobs == 1:
        yield lambda starts, wishes: map(_task, [(start, wishes) for start in starts])
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, prepare_worker) as pool:
        yield lambda starts, wishes: pool.imap(_task, [(start, wishes) for start in starts])


def _task(task: tuple[Origin, Wishes]) -> Outcome:
    start, wishes = task
    with tempfile.TemporaryDirectory(prefix="ackproof-sim-") as logs:
        judged, ran = run_and_judge(start.plan(wishes), Path(logs))
    return judged, tuple(states_of(ran).items())
