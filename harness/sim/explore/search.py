"""Breadth-first search of a space: a violation that it finds takes as few steps as any.

The invariants are checked once in every distinct state, and in every step that leads to it. The search keeps
a key for each state that it has seen, and of the states themselves only those that it has still to continue
from. It ends when no state is left (`verified`), at the first violation, or when its caller says so
(`unknown`: all sequences of up to `depth` steps were tried, and some that are longer).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from harness.sim.explore.node.steps import Event
from harness.sim.explore.space import Move, Space, State

LOOK_EVERY = 2000
"""The number of states between two calls of `go_on`."""


class SearchProgress(msgspec.Struct, frozen=True):
    """How far a search has come."""

    states: int
    """The number of distinct states, after symmetry; of random walks, that of different outlines."""
    steps: int
    """The number of steps from one of them to another that were tried."""
    depth: int
    """All sequences of up to this number of steps were tried; of random walks, the steps of the longest."""
    frontier: int
    """The number of states from which it has still to continue."""


class PathStep(msgspec.Struct, frozen=True):
    """One step on the path to a violation."""

    event: Event
    again: bool = False
    """The message that is taken also stays in transit."""


class SearchResult(msgspec.Struct, frozen=True):
    """The result of a search."""

    outcome: Literal["verified", "violation", "unknown"]
    seen: SearchProgress
    core_steps: int
    """How often the core was run; the outcome of every other step was known already."""
    elected: int
    """The most leaders in one sequence of steps."""
    committed: int
    """The most entries committed in one sequence of steps."""
    why: str | None = None
    """The invariant that was broken, and how; or why the outcome is unknown."""
    path: tuple[PathStep, ...] = msgspec.field(default=(), name="way")
    """The steps to the violation."""
    walks: int = 0
    """How many random walks were taken (`walks.py`); 0: every state was looked at."""


def search(space: Space, go_on: Callable[[SearchProgress], str | None]) -> SearchResult:
    """Look at every state of a space.

    Args:
        go_on: is called every `LOOK_EVERY` states; returns None, or the reason to end the search.

    Raises:
        NotDead: the space drops replies that this core reacts to.
    """
    return _Search(space, go_on).run()


class _Search:
    def __init__(self, space: Space, go_on: Callable[[SearchProgress], str | None]) -> None:
        self._space = space
        self._go_on = go_on
        self._keys: set[bytes] = set()
        self._parents = array("L")
        """By the order in which states were found: the number of the state before; `_moves` has the move from
        it."""
        self._moves = array("L")
        self._steps = 0
        self._depth = 0
        self._elected = self._committed = 0

    def run(self) -> SearchResult:
        space = self._space
        wrong = space.wrong_in(space.first)
        if wrong is not None:
            return self._found("violation", 0, wrong)
        self._keys.add(space.key(space.first))
        past = space.past_of(space.first)
        self._elected, self._committed = len(past.led), len(past.committed)
        self._parents.append(0)
        self._moves.append(0)
        level = [(0, space.first)]
        while level:
            following: list[tuple[int, State]] = []
            for place, (number, state) in enumerate(level):
                if number % LOOK_EVERY == 0:
                    left = len(level) - place + len(following)
                    enough = self._go_on(self._seen(left))
                    if enough is not None:
                        return self._found("unknown", left, enough)
                broken = self._expand(number, state, following)
                if broken is not None:
                    return self._found("violation", len(level) - place + len(following), *broken)
            level = following
            self._depth += bool(following)
        space.check_dead_replies()
        why = self._proves_nothing()
        return self._found("unknown" if why else "verified", 0, why)

    def _expand(
        self, number: int, state: State, following: list[tuple[int, State]]
    ) -> tuple[str, int, Move] | None:
        """Find every state after this one; returns what is wrong with one of them, if anything."""
        space, keys = self._space, self._keys
        for move, left in space.moves(state):
            self._steps += 1
            after = space.after(state, move, left)
            if isinstance(after, str):
                return after, number, move
            key = space.key(after)
            if key in keys:
                continue
            wrong = space.wrong_in(after)
            if wrong is not None:
                return wrong, number, move
            if after.past != state.past:
                past = space.past_of(after)
                self._elected = max(self._elected, len(past.led))
                self._committed = max(self._committed, len(past.committed))
            following.append((len(keys), after))
            keys.add(key)
            self._parents.append(number)
            self._moves.append(2 * move.event + move.again)
        return None

    def _proves_nothing(self) -> str | None:
        if not self._elected:
            return "no leader was ever elected in this scope, so it proves nothing"
        if not self._committed:
            return "nothing was ever committed in this scope, so it proves nothing"
        if self._space.scope.lease_ticks and not self._space.is_read_under_lease:
            return "no read came while a lease held; give reads, and heartbeats that renew a lease"
        return None

    def _seen(self, frontier: int) -> SearchProgress:
        return SearchProgress(len(self._keys), self._steps, self._depth, frontier)

    def _found(
        self,
        outcome: Literal["verified", "violation", "unknown"],
        frontier: int,
        why: str | None,
        last: int | None = None,
        move: Move | None = None,
    ) -> SearchResult:
        path = self._path(last, move) if last is not None and move is not None else ()
        return SearchResult(
            outcome,
            self._seen(frontier),
            self._space.core_steps,
            self._elected,
            self._committed,
            why,
            path,
        )

    def _path(self, last: int, move: Move) -> tuple[PathStep, ...]:
        path = [PathStep(self._space.events[move.event], move.again)]
        while last:
            event, again = divmod(self._moves[last], 2)
            path.append(PathStep(self._space.events[event], bool(again)))
            last = self._parents[last]
        return with_opening(self._space, reversed(path))


def with_opening(space: Space, path: Iterable[PathStep]) -> tuple[PathStep, ...]:
    """The steps that lead to the first state of a space, and those that follow."""
    return (*map(PathStep, space.opening), *path)
