"""One element of a set, when it is known at which moment each read of the whole set happens.

The operations on the element are carried out in every order that matters, all orders at once: a
*configuration* is which of them were carried out, and whether the element is there. Operations are carried
out only when something asks for it: a read, or the end of an operation, which must have been carried out by
then. Two shortcuts lose no order:

- what changes nothing (a question; an addition that replies that the element was there) is carried out as
  soon as the element is as it requires;
- of operations that do the same, the one that must end first goes first. Those of unknown outcome never end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

from checkers.linearizability.answer import NEVER

MOST_CONFIGURATIONS = 3_000
"""With more configurations than this at one moment, nothing is said."""


class TooMany(Exception):
    """An element has too many configurations."""


class Does(NamedTuple):
    """What an operation does to its element: whether it is there afterwards; None where it is impossible."""

    if_missing: bool | None
    if_there: bool | None

    @property
    def changes(self) -> bool:
        """Whether it may change anything."""
        return self.if_missing is True or self.if_there is False


class At(NamedTuple):
    """A read of the whole set at a moment."""

    moment: int
    read: int
    """Its place in the part."""
    shows: bool
    """Whether it shows this element."""


class Stopped(NamedTuple):
    """The moment at which no configuration is left, and the reads without which there were more."""

    moment: int
    reads: tuple[At, ...]


class _Operation(NamedTuple):
    number: int
    place: int
    completed: int
    does: Does


@dataclass
class Element:
    """The operations on one element, by invocation."""

    name: Hashable
    is_there: bool
    """Whether the set holds it at first."""
    operations: list[_Operation] = field(default_factory=list)
    _events: list[tuple[int, _Operation, bool]] = field(default_factory=list)

    def add(self, place: int, invoked: int, completed: int, does: Does) -> None:
        """Add an operation: its place in the part, its times, and what it does."""
        operation = _Operation(len(self.operations), place, completed, does)
        self.operations.append(operation)
        self._events.append((invoked, operation, False))
        if completed < NEVER:
            self._events.append((completed, operation, True))

    @property
    def begins(self) -> set[int]:
        """When its operations begin."""
        return {moment for moment, _, is_end in self._events if not is_end}

    @property
    def ends(self) -> set[int]:
        """When its operations end, of those that do."""
        return {moment for moment, _, is_end in self._events if is_end}

    @property
    def moments(self) -> list[int]:
        """When its operations begin and end, in ascending order."""
        return sorted(moment for moment, _, _ in self._events)

    def stops(self, reads: Sequence[At]) -> Stopped | None:
        """When no configuration is left, given reads in the order of their moments; None if one always is.

        What comes before the first read, and what comes after the last one once the configurations are those
        that there are without reads, is not gone through again.

        Raises:
            TooMany: there are too many configurations.
        """
        runs = self._without_reads
        if not runs[-1].configurations:
            return Stopped(self._in_time[len(runs) - 2][0], ())
        if not reads:
            return None
        events, place = self._in_time, bisect_left(self._in_time, reads[0].moment, key=itemgetter(0))
        run = runs[place].copy()
        asked: list[At] = []
        """The reads that some configuration contradicts."""
        for number, read in enumerate(reads):
            if run.show(read.shows):
                asked.append(read)
            if not run.configurations:
                return Stopped(read.moment, tuple(asked))
            until = reads[number + 1].moment if number + 1 < len(reads) else NEVER
            while place < len(events) and events[place][0] < until:
                moment, operation, is_end = events[place]
                run.go_on(operation, is_end)
                place += 1
                if not run.configurations:
                    return Stopped(moment, tuple(asked))
                if until == NEVER and run.configurations == runs[place].configurations:
                    return None
        return None

    @cached_property
    def _in_time(self) -> list[tuple[int, _Operation, bool]]:
        return sorted(self._events, key=itemgetter(0))

    @cached_property
    def _without_reads(self) -> list[_Run]:
        """The configurations without reads before the first event, and after each one while some are left."""
        run = _Run(self.is_there)
        runs = [run]
        for _, operation, is_end in self._in_time:
            run = run.copy()
            run.go_on(operation, is_end)
            runs.append(run)
            if not run.configurations:
                break
        return runs

    def order(self, reads: Sequence[At]) -> list[tuple[int, int]]:
        """With reads that leave a configuration: the moment of each operation that is carried out, and its
        place in the part, in their order."""
        run = _Run(self.is_there)
        layers: list[tuple[int, _Came, int]] = []
        for moment, what, is_end in self._in_turn(reads):
            if isinstance(what, At):
                run.show(what.shows)
                layers.append((moment, run.came, 0))
            else:
                run.go_on(what, is_end)
                if is_end:
                    layers.append((moment, run.came, 1 << what.number + 1))
        found: list[tuple[int, int]] = []
        at = next(iter(run.configurations))
        for moment, came, ended in reversed(layers):
            at |= ended
            steps: list[tuple[int, int]] = []
            while (last := came[at]) is not None:
                before, numbers = last
                steps = [(moment, self.operations[number].place) for number in numbers] + steps
                at = before
            found = steps + found
        return found

    def _in_turn(self, reads: Sequence[At]) -> Iterator[tuple[int, _Operation | At, bool]]:
        events: list[tuple[int, int, _Operation | At, bool]]
        events = [(moment, 0, operation, is_end) for moment, operation, is_end in self._events]
        both = sorted(
            [*events, *((read.moment, number, read, False) for number, read in enumerate(reads))],
            key=lambda one: one[:2],
        )
        for moment, _, what, is_end in both:
            yield moment, what, is_end


_Came = dict[int, "tuple[int, tuple[int, ...]] | None"]
"""By configuration the one that it came from, and the operations that were carried out in between."""


class _Run:
    """All configurations of an element, from event to event.

    A configuration is a number: its lowest bit says whether the element is there, the others which operations
    that did not yet end were carried out.
    """

    def __init__(self, is_there: bool) -> None:
        self.configurations: set[int] = {int(is_there)}
        self.came: _Came = {}
        """How the latest configurations came about, before those that contradict the latest event went."""
        self._looks = [0, 0]
        """The operations that require the element to be missing or there, and change nothing."""
        self._changes: dict[tuple[Does, bool], list[_Operation]] = {}
        """Open operations that do the same, apart from those of unknown outcome; the first end first."""

    def copy(self) -> _Run:
        """The same, which goes on by itself."""
        other = _Run(False)
        other.configurations = self.configurations
        other._looks = self._looks.copy()
        other._changes = {key: alike.copy() for key, alike in self._changes.items() if alike}
        return other

    def go_on(self, operation: _Operation, is_end: bool) -> None:
        """An operation begins, or ends."""
        if is_end:
            self._end(operation)
        else:
            self._begin(operation)

    def _begin(self, operation: _Operation) -> None:
        does = operation.does
        if does.changes:
            alike = self._changes.setdefault((does, operation.completed == NEVER), [])
            alike.append(operation)
            alike.sort(key=lambda one: (one.completed, one.number))
        else:
            for is_there, after in enumerate(does):
                self._looks[is_there] |= (after is not None) << operation.number + 1

    def _end(self, operation: _Operation) -> None:
        """It was carried out."""
        bit = 1 << operation.number + 1
        self._carry_out()
        self.configurations = {one ^ bit for one in self.configurations if one & bit}
        if operation.does.changes:
            self._changes[operation.does, False].remove(operation)
        self._looks = [looks & ~bit for looks in self._looks]

    def show(self, is_there: bool) -> bool:
        """A read happens; whether that contradicts some configuration."""
        self._carry_out()
        before = len(self.configurations)
        self.configurations = {one for one in self.configurations if one & 1 == is_there}
        return len(self.configurations) < before

    def _carry_out(self) -> None:
        """Carry out open operations in every order that matters, or none of them."""
        came: _Came = dict.fromkeys(self.configurations)
        left = list(self.configurations)
        self.configurations = set()
        while left:
            one = left.pop()
            looks = self._looks[one & 1] & ~one
            if looks:
                after = one | looks
                if after in came:
                    continue
                came[after] = one, tuple(_bits(looks >> 1))
                one = after
            if one in self.configurations:
                continue
            self.configurations.add(one)
            if len(came) > MOST_CONFIGURATIONS:
                raise TooMany
            for (does, is_unknown), alike in self._changes.items():
                then = does[one & 1]
                if then is None or (is_unknown and then == one & 1):
                    continue
                operation = next((each for each in alike if not one >> each.number + 1 & 1), None)
                if operation is not None:
                    after = one & ~1 | then | 1 << operation.number + 1
                    if after not in came:
                        came[after] = one, (operation.number,)
                        left.append(after)
        self.came = came


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
