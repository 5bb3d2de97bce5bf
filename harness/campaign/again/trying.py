"""Runs a cell under seed after seed until one shows a finding, or enough of them do not.

A sequential test. One run that shows the finding decides that it is there: that is never wrong. It is called
gone once enough runs passed without it: if it still came as often as it did, they would have shown it
with the confidence that is asked for; how often it came is known from few runs, and averaged over
(findings/states.py). Only valid runs count: one that is unknown, or that another violation made invalid,
says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from harness.campaign.again.target import Target
from harness.campaign.cells import Unit
from harness.campaign.executors import Executor
from harness.campaign.findings.sightings import is_decided
from harness.campaign.findings.states import Seen, chance_to_miss
from harness.campaign.outcomes import Outcome
from harness.errors import CouldNotRun
from history.limits import LARGEST_NUMBER

WAIT_S = 0.25
MOST_CRASHES_IN_A_ROW = 6
"""After this number of runs that the harness could not do, it can do none, and going on is of no use."""
MOST_NEEDED = 10_000_000


class Limits(msgspec.Struct, frozen=True):
    """How long to try."""

    confidence: float = 0.99
    """How sure it must be that a finding is gone."""
    runs: int | None = None
    seconds: float | None = None


class Tried(msgspec.Struct, frozen=True):
    """What came of it."""

    answer: Literal["shown", "gone", "open"]
    runs: int
    """How many runs were judged."""
    missed: int
    """How many of them are valid, and so count against the finding."""
    needed: int
    """How many such runs are needed to call it gone."""
    seed: int | None = None
    """The seed that shows it."""
    outcome: Outcome | None = None
    """How that run was judged."""
    digests: tuple[tuple[int, str], ...] = ()
    """Of the runs that do not show it: seed and digest; empty for real ones."""
    why_nothing: str = ""
    """Why the first run that does not count proved nothing; empty if all count."""
    crashes: int = 0
    """How many runs the harness could not do."""


def needed(seen: Seen, confidence: float) -> int:
    """How many valid runs without it show that what was seen so often is gone."""
    low, high = 0, 1
    while chance_to_miss(*seen, high) > 1 - confidence and high < MOST_NEEDED:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if chance_to_miss(*seen, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def tried(
    target: Target, executor: Executor, limits: Limits, tell_share: Callable[[float], None] = lambda _: None
) -> Tried:
    """Run the target's cell again, its known seeds first, until the runs decide or the limits end it.

    Args:
        target: what is looked for.
        executor: does the runs.
        limits: how long to try.
        tell_share: is given, after each run, the share of those that count, or of those that may be done.

    Raises:
        CouldNotRun: the harness could do none of the runs; with the last reason.
    """
    enough = needed(target.seen, limits.confidence)
    runs = missed = crashes = in_a_row = 0
    digests: list[tuple[int, str]] = []
    why_nothing = ""
    for seed, outcome in _outcomes(target, executor, limits):
        if isinstance(outcome, str):
            crashes, in_a_row = crashes + 1, in_a_row + 1
            if in_a_row >= MOST_CRASHES_IN_A_ROW:
                raise CouldNotRun(f"the last {in_a_row} runs could not be done: {outcome}")
            continue
        runs, in_a_row = runs + 1, 0
        tell_share(min(1.0, max(missed / enough, runs / (limits.runs or MOST_NEEDED))))
        if outcome.shown(target.violation) is not None:
            return Tried("shown", runs, missed, enough, seed, outcome, tuple(digests), why_nothing, crashes)
        if outcome.digest:
            digests.append((seed, outcome.digest))
        if is_decided(outcome, target.violation):
            missed += 1
        elif not why_nothing:
            why_nothing = f"seed {seed}: {outcome.summary or outcome.validity.value}"
        if missed >= enough:
            return Tried("gone", runs, missed, enough, None, None, tuple(digests), why_nothing, crashes)
    return Tried("open", runs, missed, enough, None, None, tuple(digests), why_nothing, crashes)


def _outcomes(target: Target, executor: Executor, limits: Limits) -> Iterator[tuple[int, Outcome | str]]:
    """The judged runs as they end, or why the harness could not do one."""
    begin, begun = time.monotonic(), 0
    seeds = target.seeds()
    while True:
        while executor.has_room and _may_begin(begun, time.monotonic() - begin, limits):
            seed = next(seeds)
            if seed > LARGEST_NUMBER:
                break
            executor.begin(Unit(0, seed), target.cell, seed)
            begun += 1
        if not executor.is_busy:
            return
        for unit, outcome in executor.wait(WAIT_S):
            yield unit.seed, outcome


def _may_begin(begun: int, elapsed_s: float, limits: Limits) -> bool:
    return (limits.runs is None or begun < limits.runs) and (
        limits.seconds is None or elapsed_s < limits.seconds
    )
