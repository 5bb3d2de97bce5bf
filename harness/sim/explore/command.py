"""What `ackproof explore` does, apart from its options; and `ackproof replay` with a counterexample."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.console import Console

from checkers.raft import raft_checkers
from checkers.verdict import Validity
from checkers.words import in_time
from harness.errors import CouldNotRun
from harness.sim.explore.counterexample import Walked, load, parts_of, save, walk
from harness.sim.explore.reached import Reached, watching
from harness.sim.explore.scope import Scope
from harness.sim.explore.search import SearchProgress, SearchResult, search
from harness.sim.explore.space import NotDead, Space
from harness.sim.explore.walks import walk_at_random
from harness.sim.schedule.picture import write, write_mermaid
from history.files import brief
from node_impl.core.build import Parts
from reports.plots.picture.mermaid import MERMAID_SUFFIX
from reports.plots.sequence import sequence

LINE_EVERY_S = 5.0
COLUMNS = 79


class SearchBounds(msgspec.Struct, frozen=True):
    """Limits at which the search ends before it has seen every state."""

    states: int | None = None
    seconds: float | None = None
    megabytes: int | None = None
    """Memory of the whole process."""


class Explored(msgspec.Struct, frozen=True):
    """The outcome of one exploration."""

    scope: Scope
    mutant: str | None
    found: SearchResult
    seconds: float
    megabytes: int
    violation: str | None = None
    story: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """Checkers of traces that find a violation in the same steps."""
    notes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    """Of each part of the core, how many of its methods the search called, and which it never called."""
    unasked: Mapping[str, tuple[str, ...]] = {}
    """By part, the methods that the search never called: the outcome says nothing about them."""


def explore(
    scope: Scope,
    mutant: str | None,
    bounds: SearchBounds,
    *,
    out: Path | None = None,
    symmetry: bool = True,
    walks_seed: int | None = None,
    quiet: bool = False,
) -> Explored:
    """Look at all states of a scope, and take the steps to a violation once more, if there is one.

    Args:
        walks_seed: take random walks with this seed in place of looking at all states.

    Raises:
        CouldNotRun: the scope makes no sense, or `out` cannot be written.
    """
    parts = parts_of(mutant, scope)
    watch = _Watch(bounds, quiet)
    notes: tuple[str, ...] = ()
    with watching(parts, scope.explored_parts) as reached:
        try:
            found = _searched(_space(scope, parts, symmetry=symmetry), walks_seed, watch)
        except NotDead as note:
            notes = (f"{note}: so such replies are explored, too",)
            space = _space(scope, parts, symmetry=symmetry, keep_dead=True)
            found = _searched(space, walks_seed, watch)
        finally:
            watch.end()
    seconds, megabytes = watch.seconds, _megabytes()
    rules, unasked = tuple(reached.in_words()), reached.unasked()
    if found.outcome != "violation":
        found = _honest(found, reached)
        return Explored(scope, mutant, found, seconds, megabytes, notes=notes, rules=rules, unasked=unasked)
    walked = walk(scope, parts, found.path)
    if walked.violation != found.why:
        raise CouldNotRun(
            f"the search found {found.why!r}, and the same steps on real cores come to {walked.violation!r}: "
            "states that the search took for the same are not; please report this"
        )
    if out is not None:
        save(out, scope, mutant, found.path, walked)
        draw(walked, out.with_suffix(".svg"))
    return Explored(
        scope,
        mutant,
        found,
        seconds,
        megabytes,
        walked.violation,
        walked.story,
        _also(walked),
        notes,
        rules,
        unasked,
    )


def _searched(space: Space, walks_seed: int | None, watch: _Watch) -> SearchResult:
    return search(space, watch) if walks_seed is None else walk_at_random(space, walks_seed, watch)


def _honest(found: SearchResult, reached: Reached) -> SearchResult:
    """The result, but never `verified` for a seeded bug whose rule was never asked."""
    why = reached.why_not_judged()
    if found.outcome != "verified" or why is None:
        return found
    return msgspec.structs.replace(found, outcome="unknown", why=why)


def replayed(file: Path, *, anyway: bool) -> Walked:
    """Take the steps in a file.

    Raises:
        CouldNotRun: see `load`; or the same steps come to another violation.
    """
    steps = load(file, anyway=anyway)
    try:
        walked = walk(steps.scope, parts_of(steps.mutant, steps.scope), steps.steps)
    except CouldNotRun:
        raise
    except Exception as error:
        what = brief(error) or type(error).__name__
        raise CouldNotRun(f"{file}: its steps cannot be taken: {what}; was it edited?") from error
    if walked.violation != steps.violation and not anyway:
        raise CouldNotRun(
            f"{file}: the same steps come to {walked.violation!r}, recorded was {brief(steps.violation)!r}, "
            "although the code is the same: please report this"
        )
    return walked


def show(explored: Explored, out: Path | None) -> None:
    """Print an outcome for people."""
    say = Console(highlight=False, soft_wrap=True, markup=False).print
    found, seen = explored.found, explored.found.seen
    of = f" of mutant {explored.mutant}" if explored.mutant else ""
    say(f"{found.outcome}: {explored.scope.in_words()}{of}")
    for note in explored.notes:
        say(f"  {note}")
    a_second = seen.steps / explored.seconds if explored.seconds else 0
    states = (
        f"{found.walks} walks by chance, {seen.states} outlines"
        if found.walks
        else (f"{seen.states} distinct states")
    )
    say(
        f"  {states} by {seen.steps} steps in {explored.seconds:.1f} s "
        f"({a_second:.0f} steps/s), {explored.megabytes} MB; the core itself ran {found.core_steps} times"
    )
    say(f"  up to {found.elected} leaders and {found.committed} committed entries in one sequence of steps")
    if found.outcome == "verified":
        say(f"  every state was reached; the one farthest from the start takes {seen.depth} steps")
    elif found.outcome == "unknown" and found.walks:
        say(f"  {found.why}; walks by chance prove nothing, the longest had {seen.depth} steps")
    elif found.outcome == "unknown":
        say(
            f"  {found.why}; all sequences of up to {seen.depth} steps were tried, "
            f"{seen.frontier} states are left"
        )
    else:
        say(f"  {explored.violation}")
        for number, line in enumerate(explored.story, start=1):
            say(f"  {number:3}. {line}")
        say(f"  seen in the nodes' traces by: {', '.join(explored.also) or 'no checker'}")
    say("  rules of the core that the scope came to; it says nothing about the others:")
    for line in explored.rules:
        say(f"    {line}")
    if explored.violation and out is not None:
        say(f"  Show the steps again:  ackproof replay {out}")


def show_walk(walked: Walked) -> None:
    """Print the steps of a counterexample for people."""
    say = Console(highlight=False, soft_wrap=True, markup=False).print
    for number, line in enumerate(walked.story, start=1):
        say(f"{number:3}. {line}")
    say(walked.violation or "no violation")


def draw(walked: Walked, path: Path) -> None:
    """Draw a counterexample as a message sequence, and write what led to it as a diagram of Mermaid.

    Raises:
        CouldNotRun: the file cannot be written.
    """
    verdicts = [checker.check(walked.recording) for checker in raft_checkers()]
    evidence = [found for verdict in verdicts for found in verdict.evidence if found.events]
    write(path, str(sequence(walked.recording, evidence)) + "\n")
    wrong = [verdict for verdict in verdicts if verdict.validity is Validity.INVALID]
    if wrong:
        write_mermaid(path.with_suffix(MERMAID_SUFFIX), walked.recording, wrong)


def _also(walked: Walked) -> tuple[str, ...]:
    verdicts = [checker.check(walked.recording) for checker in raft_checkers()]
    return tuple(verdict.checker for verdict in verdicts if verdict.validity is Validity.INVALID)


def _space(scope: Scope, parts: Parts, *, symmetry: bool, keep_dead: bool = False) -> Space:
    try:
        return Space(scope, parts, symmetry=symmetry, keep_dead=keep_dead)
    except ValueError as error:
        raise CouldNotRun(str(error)) from error


def _megabytes() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // (1 << 20) if sys.platform == "darwin" else most >> 10


class _Watch:
    """Ends the search at its limits, and shows how far it has come."""

    def __init__(self, bounds: SearchBounds, quiet: bool) -> None:
        self._bounds = bounds
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._begin = self._shown = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def __call__(self, seen: SearchProgress) -> str | None:
        bounds, seconds = self._bounds, self.seconds
        self._show(seen, seconds)
        if bounds.states is not None and seen.states >= bounds.states:
            return f"the bound of {bounds.states} states is reached"
        if bounds.seconds is not None and seconds >= bounds.seconds:
            return f"the bound of {bounds.seconds:g} s is reached"
        if bounds.megabytes is not None and _megabytes() >= bounds.megabytes:
            return f"the bound of {bounds.megabytes} MB is reached"
        return None

    def _show(self, seen: SearchProgress, seconds: float) -> None:
        every = 0.25 if self._console.is_terminal else LINE_EVERY_S
        now = time.monotonic()
        if self._quiet or now - self._shown < every:
            return
        self._shown = now
        bound = self._bounds.seconds
        left = "" if bound is None else f", at most {in_time(max(bound - seconds, 0))} left"
        open_ = f", {seen.frontier:,} open" if seen.frontier else ""
        text = f"{seen.states:,} states in {seen.depth} steps{left}{open_}, {_megabytes()} MB"
        is_terminal = self._console.is_terminal
        text = f"{text[:COLUMNS]:<{COLUMNS}}" if is_terminal else text[:COLUMNS]
        self._console.print(text, end="\r" if is_terminal else "\n", soft_wrap=True, markup=False)

    def end(self) -> None:
        if not self._quiet and self._console.is_terminal:
            self._console.print()
