"""Turns a refutation into steps that a person, or a program, can follow.

A *forced* step is an order (or the choice of the write that a read saw) which must hold, because each other
one of a rule's alternatives closes a circle of certain orders and of those forced before. The last step is a
rule none of whose alternatives is left, or a circle of orders that must all hold. Orders that follow from
others along a path are no steps of their own: the path stands in the circles in their place.

Where the search had to try orders and learned from that, what it learned has no such reason. Then `complete`
is False: the proof shows what was forced before and after, and the answer rests on the search.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from checkers.transactions.solver.decide import Answer
from checkers.transactions.solver.problem import MOMENT, Problem
from checkers.transactions.solver.state import (
    CHOICE_CLAUSE,
    CLASH,
    LEARNED_CLAUSE,
    LEVEL,
    PATH_CLAUSE,
    READ_CLAUSE,
    TRAIL,
    WRITES_CLAUSE,
    Search,
)

FORCED = MOMENT + 1
"""The kind of a link that is forced; the kinds below it are those of certain orders."""


class Link(NamedTuple):
    """One point comes before another."""

    before: int
    after: int
    kind: int
    """A kind of certain orders, or `FORCED`."""
    step: int = -1
    """Of a forced link, the place of its step in the proof, which comes before the step that names it."""


@dataclass(frozen=True)
class Rule:
    """What the history asks for, by the numbers of a problem: one of some alternatives must hold.

    `read`: the read, or -1 for the rule that one of two writers ends before the other begins. `author`: the
    slot of the write that the read saw, -1 for the initial version. `other`: the slot of the other writer. A
    read whose write is to be chosen has `candidates` and no other writer.
    """

    read: int
    author: int
    other: int
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True)
class Alternative:
    """One way to keep a rule, and the circle that it would close."""

    before: int
    after: int
    """The points that it puts in order; -1 if it refutes a choice that an earlier step made."""
    circle: tuple[Link, ...]
    """From `after` back to `before`."""
    step: int = -1
    """Where there is no circle: the step that this alternative contradicts."""


@dataclass(frozen=True)
class Step:
    """An order that must hold, or (with a candidate) the write that a read saw."""

    before: int
    after: int
    rule: Rule | None
    """None: the search learned it."""
    refuted: tuple[Alternative, ...]


@dataclass(frozen=True)
class Proof:
    """Why there is no order."""

    steps: tuple[Step, ...]
    last_rule: Rule | None
    """The rule none of whose alternatives is left; None if the last circle is of orders that must hold."""
    last: tuple[Alternative, ...]
    complete: bool


class _Orders:
    """The certain orders, and those that the search let hold without any decision, each at a moment of its
    own."""

    def __init__(self, task: Problem, search: Search) -> None:
        self._task = task
        self._search = search
        logic, counters = search.logic, search.counters
        self.end = int(logic.level_at[1] if counters[LEVEL] > 0 else counters[TRAIL])
        """How many literals hold without any decision."""
        self.moment: dict[int, int] = {}
        """By literal when it came to hold."""
        self._assumed: dict[int, list[tuple[int, int, int]]] = {}
        for at in range(self.end):
            literal = int(logic.trail[at])
            self.moment[literal] = at
            before, after = points_of(search, literal)
            # What closed a circle the other way round follows from other orders.
            if before >= 0 and int(logic.origin[int(logic.reason[literal >> 1])]) != PATH_CLAUSE:
                self._assumed.setdefault(before, []).append((after, at, literal))

    def way(self, begin: int, goal: int, until: int) -> list[tuple[int, int, int]] | None:
        """A short path from a point to another, of orders that held before some moment.

        Its links are (point, next point, literal), the literal -1 for a certain order; None if there is no
        path.
        """
        if begin == goal:
            return []
        out_at, out_to = self._search.points.out_at, self._search.points.out_to
        first_moment = len(self._task.member) * self._task.width
        came: dict[int, tuple[int, int]] = {begin: (-1, -1)}
        waiting = deque([begin])
        while waiting:
            point = waiting.popleft()
            certain = ((int(out_to[at]), -1) for at in range(int(out_at[point]), int(out_at[point + 1])))
            assumed = ((to, literal) for to, at, literal in self._assumed.get(point, ()) if at < until)
            for other, literal in (*certain, *assumed):
                if other in came:
                    continue
                came[other] = (point, literal)
                if other == goal:
                    return self._back(came, goal)
                if point >= first_moment:
                    waiting.appendleft(other)
                else:
                    waiting.append(other)
        return None

    @staticmethod
    def _back(came: dict[int, tuple[int, int]], goal: int) -> list[tuple[int, int, int]]:
        links = []
        while came[goal][0] >= 0:
            point, literal = came[goal]
            links.append((point, goal, literal))
            goal = point
        return links[::-1]

    def kind(self, before: int, after: int) -> int:
        """Why a certain order is certain."""
        certain = self._task.certain
        found = np.flatnonzero((certain.source == before) & (certain.target == after))
        return int(certain.kind[found].min())


def points_of(search: Search, literal: int) -> tuple[int, int]:
    """The points that a literal puts in order, or twice -1."""
    logic = search.logic
    first, second = int(logic.first[literal >> 1]), int(logic.second[literal >> 1])
    if literal & 1 == 0:
        return first, second
    return (-1, -1) if logic.is_choice[literal >> 1] else (second, first)


def proof_of(answer: Answer) -> Proof | None:
    """Why a refuted problem has no order; None if the certain orders alone go in a circle."""
    if answer.search is None:
        return None
    return _Replay(answer.search, _Orders(answer.task, answer.search)).proof()


class _Replay:
    """Explains the contradiction, and before that each thing that it rests on."""

    def __init__(self, search: Search, orders: _Orders) -> None:
        self._search = search
        self._orders = orders
        self._steps: list[Step] = []
        self._step_of: dict[int, int] = {}
        """By literal that holds, the step that shows it."""
        self._complete = True

    def proof(self) -> Proof:
        """The proof of the contradiction with which the search ended."""
        logic, clash = self._search.logic, int(self._search.counters[CLASH])
        end = self._orders.end
        if int(logic.origin[clash]) == PATH_CLAUSE:
            literal = int(logic.subject[clash])
            before, after = points_of(self._search, literal)
            moment = self._orders.moment.get(literal, end)
            own = self._circle(before, after, moment) or self._links([(before, after, literal)])
            last: tuple[Alternative, ...] = (Alternative(-1, -1, own + self._way(after, before, end)),)
            return Proof(tuple(self._steps), None, last, self._complete)
        last = self._refuted(clash, -1, end)
        return Proof(tuple(self._steps), self._rule(clash), last, self._complete)

    def _circle(self, before: int, after: int, until: int) -> tuple[Link, ...]:
        """The path that implies an order, if one does."""
        way = self._orders.way(before, after, until)
        return () if way is None else self._links(way)

    def _way(self, begin: int, goal: int, until: int) -> tuple[Link, ...]:
        way = self._orders.way(begin, goal, until)
        if way is None:
            self._complete = False
            return ()
        return self._links(way)

    def _links(self, way: list[tuple[int, int, int]]) -> tuple[Link, ...]:
        """A path as links, each forced one explained by a step of its own before."""
        return tuple(
            Link(before, after, FORCED, self._step(literal))
            if literal >= 0
            else Link(before, after, self._orders.kind(before, after))
            for before, after, literal in way
        )

    def _step(self, literal: int) -> int:
        """The step that shows that a literal holds; it is made if it is new."""
        if literal in self._step_of:
            return self._step_of[literal]
        logic = self._search.logic
        clause = int(logic.reason[literal >> 1])
        before, after = points_of(self._search, literal)
        origin = int(logic.origin[clause])
        if origin == LEARNED_CLAUSE:
            self._complete = False
            step = Step(before, after, None, ())
        else:
            refuted = self._refuted(clause, literal, self._orders.moment[literal])
            step = Step(before, after, self._rule(clause), refuted)
        self._step_of[literal] = len(self._steps)
        self._steps.append(step)
        return self._step_of[literal]

    def _refuted(self, clause: int, but: int, until: int) -> tuple[Alternative, ...]:
        """Why no literal of a clause but one can hold."""
        logic = self._search.logic
        if int(logic.origin[clause]) == PATH_CLAUSE:  # a choice that would close a circle
            before, after = points_of(self._search, but ^ 1)
            return (Alternative(before, after, self._way(after, before, until)),)
        found = []
        for at in range(int(logic.clause_at[clause]), int(logic.clause_at[clause + 1])):
            literal = int(logic.literals[at])
            if literal == but:
                continue
            before, after = points_of(self._search, literal)
            way = self._orders.way(after, before, until) if before >= 0 else None
            if way is not None:
                found.append(Alternative(before, after, self._links(way)))
            else:
                known = literal ^ 1 in self._orders.moment
                self._complete &= known
                found.append(Alternative(before, after, (), self._step(literal ^ 1) if known else -1))
        return tuple(found)

    def _rule(self, clause: int) -> Rule | None:
        logic, keys = self._search.logic, self._search.keys
        subject, other = int(logic.subject[clause]), int(logic.other[clause])
        match int(logic.origin[clause]):
            case origin if origin == WRITES_CLAUSE:
                return Rule(-1, subject, other)
            case origin if origin in (READ_CLAUSE, CHOICE_CLAUSE):
                low, high = int(keys.candidates_at[subject]), int(keys.candidates_at[subject + 1])
                candidates = tuple(int(keys.candidate[at]) for at in range(low, high))
                if origin == CHOICE_CLAUSE:
                    return Rule(subject, -1, -1, candidates)
                return Rule(subject, self._author(clause, low, high), other)
            case _:
                return None

    def _author(self, clause: int, low: int, high: int) -> int:
        """The slot of the write that a clause of a read takes for what was seen."""
        logic, keys = self._search.logic, self._search.keys
        if high - low == 1:
            return int(keys.candidate[low])
        literals = {
            int(logic.literals[at])
            for at in range(int(logic.clause_at[clause]), int(logic.clause_at[clause + 1]))
        }
        return next(
            int(keys.candidate[at]) for at in range(low, high) if 2 * int(keys.selector[at]) + 1 in literals
        )
