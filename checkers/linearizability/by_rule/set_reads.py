"""Sets that are read whole, by the moments of their reads.

A read shows all elements at one moment, and nothing else ties elements together: once it is fixed at which
moment each read happens, a key has an order exactly if each element has one that agrees with it. (The proof
is that of Herlihy & Wing 1990, theorem 1. It needs that two operations on different elements, with a read
between them, overlap or follow each other in that order; they do, as the read is a moment.)

So moments are chosen, and each element is asked (`element`). One without an order names the few reads that it
contradicts, and how far these may move without any difference to it; no later choice has them so again. Where
no choice is left, the elements that were asked have no order together. Such learning from contradictions is
that of solvers (Marques-Silva & Sakallah 1999); choices are taken back as far as they matter (Prosser 1993).

**Moments.** Only those between a beginning and an end of operations count: to move a read beyond a beginning,
or before an end, contradicts nothing, as long as it lies within its own beginning and end. At each there is
room for several reads, one after the other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise, product
from typing import NamedTuple

from checkers.linearizability.answer import NEVER
from checkers.linearizability.by_rule.set_element import At, Does, Element, Stopped, TooMany
from checkers.linearizability.part import Part
from checkers.models.model import IMPOSSIBLE, MAYBE
from checkers.models.set import Set

MOST_CHOICES = 200_000
"""Beyond as many moments tried, nothing is said."""
MOST_ASKED = 2_000_000
"""Beyond as many operations and reads of elements that were asked, nothing is said."""
MOST_PAIRS = 400
"""Of two reads that contradict each other with an element, as many pairs of moments are looked at."""


class GaveUp(Exception):
    """Neither an order was found, nor that there is none."""


class _Read(NamedTuple):
    place: int
    invoked: int
    completed: int
    shown: frozenset[Hashable]


class _Rule(NamedTuple):
    """Reads that are never all within these moments, in this order; each as its number, first and last."""

    reads: tuple[tuple[int, int, int], ...]

    def forbids(self, moments: Sequence[int]) -> bool:
        """Whether these moments, by read, are such."""
        last = -1
        for read, first, final in self.reads:
            moment = moments[read]
            if not first <= moment <= final or moment <= last:
                return False
            last = moment
        return True


class _Key(NamedTuple):
    """The operations on one key. Times are multiplied by `room`, so that reads have moments between them."""

    elements: Sequence[Element]
    reads: Sequence[_Read]
    room: int


def _key_of(model: Set, part: Part) -> _Key:
    calls = [part.calls[kind] for kind in part.kinds.tolist()]
    times = list(zip(part.invoked.tolist(), part.completed.tolist(), strict=True))
    answered = [
        place
        for place, call in enumerate(calls)
        if call.f == "read" and call.result is not MAYBE and times[place][1] < NEVER
    ]
    room = 1 + _most_at_once([times[place] for place in answered])
    elements: dict[Hashable, Element] = {}
    reads: list[_Read] = []

    def element_of(name: Hashable) -> Element:
        return elements.setdefault(name, Element(name, name in model.initial))

    for name in model.initial:
        element_of(name)
    for place in answered:
        model.step(model.initial, calls[place])  # refuses what is no list
        begun, ended = times[place]
        reads.append(_Read(place, room * begun, room * ended, frozenset(calls[place].result)))
        for name in reads[-1].shown:
            element_of(name)
    for place, (call, (begun, ended)) in enumerate(zip(calls, times, strict=True)):
        if call.f == "read" or (call.f in model.reads and (ended == NEVER or call.result is MAYBE)):
            continue
        states = frozenset[Hashable](), frozenset({call.argument})
        after = [model.step(state, call) for state in states]
        does = Does(*(None if state is IMPOSSIBLE else bool(state) for state in after))
        element_of(call.argument).add(place, room * begun, min(room * ended, NEVER), does)
    return _Key(list(elements.values()), reads, room)


def _most_at_once(times: Sequence[tuple[int, int]]) -> int:
    """The most of these operations that were open at once."""
    changes = sorted([(begun, 1) for begun, _ in times] + [(ended, -1) for _, ended in times])
    return max(accumulate(change for _, change in changes), default=0)


class Moments:
    """Looks for moments of the reads of one key, with which each of its elements has an order."""

    def __init__(self, key: _Key, may_go_on: Callable[[], bool]) -> None:
        self._elements, self._reads = key.elements, key.reads
        self._may_go_on = may_go_on
        self._left = MOST_ASKED
        self._choices = MOST_CHOICES
        self._bounds = [element.moments for element in key.elements]
        """By element the moments between which it makes no difference where a read is."""
        self._domains = _moments_of(key)
        self._moments = [domain[len(domain) // 2] for domain in self._domains]
        self._rules: list[list[_Rule]] = [[] for _ in key.reads]
        """By the last of their reads, what is not to be chosen."""
        self.contradicted: set[Hashable] = set()
        """The elements that contradicted reads."""

    def found(self) -> list[At] | None:
        """The reads in the order of their moments, `shows` left open; None if there are no such moments.

        Raises:
            GaveUp: that takes too long.
        """
        agreed: list[tuple[tuple[int, int], ...] | None] = [None] * len(self._elements)
        while self._choose():
            order = sorted(range(len(self._reads)), key=self._moments.__getitem__)
            is_right = True
            for number, element in enumerate(self._elements):
                bounds = self._bounds[number]
                asked = tuple((bisect_left(bounds, self._moments[read]), read) for read in order)
                if agreed[number] == asked:
                    continue
                stopped = self._stops(element, order, self._moments)
                if stopped is None:
                    agreed[number] = asked
                    continue
                is_right = False
                if not self._learn(number, stopped):
                    return None
            if is_right:
                return [At(self._moments[read], self._reads[read].place, True) for read in order]
        return None

    def _stops(self, element: Element, order: Iterable[int], moments: Sequence[int]) -> Stopped | None:
        """When no configuration of an element is left, with these reads at these moments."""
        at = [At(moments[read], read, element.name in self._reads[read].shown) for read in order]
        self._left -= len(at) + 2 * len(element.operations)
        if self._left < 0 or not self._may_go_on():
            raise GaveUp
        try:
            return element.stops(at)
        except TooMany:
            raise GaveUp from None

    def _learn(self, number: int, stopped: Stopped) -> bool:
        """Learn from an element that contradicts reads; whether that leaves any moments to choose."""
        element = self._elements[number]
        self.contradicted.add(element.name)
        asked = [at.read for at in stopped.reads]
        few: list[int] = []
        while len(few) < len(asked):  # the last reads contradict it most often
            few = asked[-max(1, 2 * len(few)) :]
            if self._stops(element, few, self._moments) is not None:
                break
        for read in few.copy() if len(few) > 1 else ():
            fewer = [other for other in few if other != read]
            if self._stops(element, fewer, self._moments) is not None:
                few = fewer
        if not few:
            return False
        if len(few) == 1:
            return self._leave_out(number, few[0])
        last = max(few)
        rules = list(self._pairs(number, few)) if len(few) == 2 else [self._rule(number, few, self._moments)]
        self._rules[last] += rules
        return True

    def _leave_out(self, number: int, read: int) -> bool:
        """Leave out the moments at which a read contradicts an element; whether some are left."""
        kept: list[int] = []
        fits: dict[int, bool] = {}
        moments = self._moments.copy()
        for moment in self._domains[read]:
            stretch = bisect_left(self._bounds[number], moment)
            if stretch not in fits:
                moments[read] = moment
                fits[stretch] = self._stops(self._elements[number], [read], moments) is None
            if fits[stretch]:
                kept.append(moment)
        self._domains[read] = kept
        return bool(kept)

    def _pairs(self, number: int, few: Sequence[int]) -> Iterator[_Rule]:
        """All moments of two reads at which they contradict an element; that of now is one of them."""
        bounds = self._bounds[number]
        stretches = [{bisect_left(bounds, moment): moment for moment in self._domains[read]} for read in few]
        if len(stretches[0]) * len(stretches[1]) > MOST_PAIRS:
            yield self._rule(number, few, self._moments)
            return
        moments = self._moments.copy()
        for (one, first), (other, second) in product(*(each.items() for each in stretches)):
            for order in (few, few[::-1]):
                if one == other:
                    begin = bounds[one - 1] if one else 0
                    moments[order[0]], moments[order[1]] = begin + 1, begin + 2
                elif (order is few) != (one < other):
                    continue
                else:
                    moments[few[0]], moments[few[1]] = first, second
                if self._stops(self._elements[number], order, moments) is not None:
                    yield self._rule(number, order, moments)

    def _rule(self, number: int, order: Sequence[int], moments: Sequence[int]) -> _Rule:
        """That these reads, at these moments, contradict an element."""
        bounds = self._bounds[number]
        reads = []
        for read in order:
            stretch = bisect_left(bounds, moments[read])
            first = bounds[stretch - 1] if stretch else -1
            reads.append((read, first, bounds[stretch] if stretch < len(bounds) else NEVER))
        return _Rule(tuple(reads))

    def _choose(self) -> bool:
        """Choose moments that no rule forbids, near the latest ones; whether there are some."""
        reads = range(len(self._reads))
        near = [
            sorted(domain, key=lambda moment: abs(moment - now))
            for domain, now in zip(self._domains, self._moments, strict=True)
        ]
        at = [0] * len(reads)
        because: list[set[int]] = [set() for _ in reads]
        """By read the ones before it that forbid what was tried."""
        read = 0
        while read < len(reads):
            while at[read] < len(near[read]):
                self._moments[read] = near[read][at[read]]
                at[read] += 1
                self._choices -= 1
                if self._choices < 0:
                    raise GaveUp
                forbidding = self._forbidding(read)
                if forbidding is None:
                    break
                because[read] |= forbidding
            else:
                if not because[read]:
                    return False
                back = max(because[read])
                because[back] |= because[read] - {back}
                for later in range(back + 1, read + 1):
                    at[later], because[later] = 0, set()
                read = back
                continue
            read += 1
        return True

    def _forbidding(self, read: int) -> set[int] | None:
        """The reads before this one that forbid its moment; None if none does."""
        moment = self._moments[read]
        for other in range(read - 1, -1, -1):
            if self._moments[other] == moment and self._reads[other].shown != self._reads[read].shown:
                return {other}
        for rule in self._rules[read]:
            if rule.forbids(self._moments):
                return {other for other, _, _ in rule.reads} - {read}
        return None


def _moments_of(key: _Key) -> list[list[int]]:
    """By read the moments at which it may happen."""
    begins = {read.invoked for read in key.reads}
    ends = {read.completed for read in key.reads}
    for element in key.elements:
        begins |= element.begins
        ends |= element.ends
    events = sorted([(begin, True) for begin in begins] + [(end, False) for end in ends])
    after = [one for (one, begins), (_, goes_on) in pairwise(events) if begins and not goes_on]
    return [
        [
            begin + slot
            for begin in after[bisect_left(after, read.invoked) : bisect_left(after, read.completed)]
            for slot in range(1, key.room)
        ]
        for read in key.reads
    ]


class Found(NamedTuple):
    """What was found of a key."""

    order: list[int] | None
    """The places of its operations in an order that explains all replies; None if there is none."""
    elements: frozenset[Hashable]
    """Without an order, the elements that were asked: together they have none."""


def decided(model: Set, part: Part, may_go_on: Callable[[], bool]) -> Found | None:
    """Whether a key has an order; None if that was not found.

    Raises:
        IllegalCall: the model does not know one of its calls.
    """
    key = _key_of(model, part)
    moments = Moments(key, may_go_on)
    try:
        reads = moments.found()
    except GaveUp:
        return None
    if reads is None:
        return Found(None, frozenset(moments.contradicted))
    return Found(_order(key, reads), frozenset())


def _order(key: _Key, reads: Sequence[At]) -> list[int]:
    """The places of all operations in an order, given the moments of the reads."""
    shown = {read.place: read.shown for read in key.reads}
    placed = [(at.moment, 1, 0, 0, at.read) for at in reads]
    for number, element in enumerate(key.elements):
        own = [at._replace(shows=element.name in shown[at.read]) for at in reads]
        placed += [
            (moment, 0, number, step, place) for step, (moment, place) in enumerate(element.order(own))
        ]
    return [one[-1] for one in sorted(placed)]
