"""Replies that name what nothing ever brought: found before any search, in O(n log n) for n operations.

A search that looks for such a value tries every order of everything else first. What is looked for here needs
no order. In every order of a key's operations, an operation that was answered comes before its answer, and
each other one after its beginning. So by the time that a reply was given,

- what the reply shows must have been there at the beginning, or have been brought by an operation that had
  begun by then (and which could itself have happened by then: four rounds of this are made);
- what was taken away k times must have been brought k times, counting the operations that had begun;
- a number must lie between the sums that the additions allow: all that were answered before the read began
  count, and any that began before it was answered may;
- a text must consist of texts that were put or appended by operations that had begun, and must not contradict
  what other replies show of their order (`text_order`).

Each condition is necessary, so what breaks one has no order. What breaks none is left to the search.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.limits import MOST_VALUES
from checkers.linearizability.answer import NEVER
from checkers.linearizability.by_rule.text_order import contradictions, texts_of
from checkers.linearizability.by_rule.texts import Pieces
from checkers.linearizability.kernels import transitions
from checkers.linearizability.packing.entries import PUT, TEST, Entries
from checkers.linearizability.packing.packed import Packing
from checkers.linearizability.part import HistoryParts, Integers
from checkers.linearizability.search.coding import CodedCalls, coded_effects
from checkers.linearizability.words import value_in_words
from checkers.models.model import ANYTHING, Effect, Flow, Model, ScalarAction, is_scalar, is_sourced
from checkers.words import plural

ROUNDS = 4
"""How often the times at which operations can have happened are made later by what they need."""

Mask = npt.NDArray[np.bool_]


class NeverWritten(NamedTuple):
    """A reply that contradicts everything that could have come before it."""

    place: int
    """The place of the operation in its part."""
    because: str
    """What it shows, and why that cannot be, as a sentence that goes on from `operation 7 (read -> 3)`."""
    others: tuple[int, ...] = ()
    """The numbers of other operations that the sentence names."""


def never_written(
    found: HistoryParts,
    model: Model,
    packing: Packing | None = None,
    coded: CodedCalls | None = None,
    *,
    is_one_enough: bool = False,
) -> Mapping[int, NeverWritten]:
    """By place of a part, its first reply that names what was never there. Parts without one are left out.

    With `packing`, calls that it has a form for are not looked at one by one; nor are those of `coded`, if
    the search has coded these calls.

    Args:
        is_one_enough: whether any one such reply is all that is wanted.
    """
    if not len(found.invoked):
        return {}
    bad = _all_bad(found, model, packing.entries(found.calls) if packing else None, coded)
    return _first(found, islice(bad, 1) if is_one_enough else bad)


def _all_bad(
    found: HistoryParts, model: Model, entries: Entries | None, coded: CodedCalls | None
) -> Iterator[_Bad]:
    """All replies that name what was never there, in no order."""
    if entries is not None:
        return _without_source(_entries_named(found, entries))
    if coded is not None:
        return _without_source(_states_named(found, coded))
    found = found.with_few_calls()
    if is_scalar(model):
        effects = [model.effect(call) for call in found.calls]
        actions = {effect.action for effect in effects}
        if ScalarAction.APPEND in actions:
            return _unmade_texts(found, effects, model.initial)
        if ScalarAction.ADD in actions:
            return _sums_out_of_range(found, effects, model.initial)
        return _without_source(_states_named(found, coded_effects(effects, model.initial)))
    if is_sourced(model):
        flows = [model.flow(call) for call in found.calls]
        return _without_source(_things_named(found, flows, model.there))
    return iter(())


class _Bad(NamedTuple):
    """An operation with an impossible reply: its place in the arrays of all parts, and the reason."""

    row: int
    because: str
    others: tuple[int, ...] = ()


def _first(found: HistoryParts, bad: Iterable[_Bad]) -> dict[int, NeverWritten]:
    """By part the reply that was given first."""
    first: dict[int, _Bad] = {}
    for one in bad:
        part = int(np.searchsorted(found.starts, one.row, side="right")) - 1
        if part not in first or found.completed[one.row] < found.completed[first[part].row]:
            first[part] = one
    return {
        part: NeverWritten(one.row - int(found.starts[part]), one.because, one.others)
        for part, one in first.items()
    }


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{ending}"


class _Named(NamedTuple):
    """Which operations name what: entry i says that operation `row[i]` names thing `thing[i]`."""

    row: Integers
    thing: Integers
    """A number of a thing within a part: the same thing in another part has another number."""


class _Things:
    """All that the calls of a history name, numbered."""

    def __init__(
        self,
        found: HistoryParts,
        entries: Entries | None = None,
        *,
        states: Sequence[Hashable] = (),
        initial: int = -1,
    ) -> None:
        self.found = found
        self._part_of = np.repeat(np.arange(len(found), dtype=np.int64), np.diff(found.starts))
        self._number: dict[Hashable, int] = {}
        self._entries = entries
        """Where things have numbers already, what these are."""
        self._states = states
        """The same for states. The number that follows them is "something other than the initial one"."""
        self._initial = initial

    def number(self, thing: Hashable) -> int:
        """The number of a thing, in every part."""
        return self._number.setdefault(thing, len(self._number))

    def by_row(self, calls: list[int] | Integers, numbers: list[int] | Integers) -> _Named:
        """By operation what its call names. `calls` are in ascending order; `numbers` is what each names."""
        kinds, count = self.found.kinds, len(self.found.calls)
        named = np.array(numbers, dtype=np.int64)
        each = np.bincount(np.array(calls, dtype=np.int64), minlength=count)
        starts = np.cumsum(each) - each
        counts = each[kinds]
        if len(numbers) == 0 or each.max() == 1:
            row = np.flatnonzero(counts)
            return _Named(row, self.of_part(row, named[starts[kinds[row]]]))
        row = np.repeat(np.arange(len(kinds), dtype=np.int64), counts)
        within = np.arange(len(row), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
        return _Named(row, self.of_part(row, named[np.repeat(starts[kinds], counts) + within]))

    def of_part(self, row: Integers, number: Integers) -> Integers:
        """The number of a thing within the part of an operation."""
        return self._part_of[row] * self.count + number

    @property
    def count(self) -> int:
        """How many different things there are; 1 if there are none."""
        if self._states:
            return len(self._states) + 1
        return max(1, len(self._number) if self._entries is None else self._entries.things)

    def is_among(self, some: Integers, numbers: Integers) -> Mask:
        """Which numbers within parts are of one of some things."""
        wanted = np.zeros(self.count, dtype=bool)
        wanted[some] = True
        return wanted[numbers % self.count]

    def in_words(self, number: int) -> str:
        """The thing behind a number within a part, in words."""
        if self._entries is not None:
            return value_in_words(self._entries.name(number % self.count))
        if self._states:
            state = number % self.count
            if state == len(self._states):
                return f"something other than {value_in_words(self._states[self._initial])}"
            return value_in_words(self._states[state])
        return value_in_words(list(self._number)[number % self.count])


class _AllNamed(NamedTuple):
    """What the operations of a history make, need (what they take included) and take."""

    things: _Things
    makes: _Named
    needs: _Named
    takes: _Named
    initial: Integers
    """The numbers of what is there at the beginning."""


def _things_named(found: HistoryParts, flows: list[Flow], there: Iterable[Hashable]) -> _AllNamed:
    """What operations name, from the flow of each call."""
    things = _Things(found)
    makes: tuple[list[int], list[int]] = ([], [])
    needs: tuple[list[int], list[int]] = ([], [])
    takes: tuple[list[int], list[int]] = ([], [])

    def add(to: tuple[list[int], list[int]], call: int, named: Iterable[Hashable]) -> None:
        for thing in named:
            to[0].append(call)
            to[1].append(things.number(thing))

    for call, flow in enumerate(flows):
        # A value that a call needs is there before it, so that the call is not what brings it first.
        add(
            makes,
            call,
            [thing for thing in flow.makes if thing not in flow.needs] if flow.needs else flow.makes,
        )
        add(needs, call, flow.needs)
        add(needs, call, flow.takes)
        add(takes, call, flow.takes)
    initial = np.array([things.number(thing) for thing in there], dtype=np.int64)
    return _AllNamed(things, things.by_row(*makes), things.by_row(*needs), things.by_row(*takes), initial)


def _entries_named(found: HistoryParts, entries: Entries) -> _AllNamed:
    """What operations name, from what their calls test and put."""
    things = _Things(found, entries)
    call = np.repeat(np.arange(len(entries.whole), dtype=np.int64), np.diff(entries.starts))
    makes = (entries.what == PUT) & ~entries.at_first
    needs = (entries.what == TEST) & ~entries.at_first
    takes = needs & np.isin(call, call[(entries.what == PUT) & entries.at_first]) & (not entries.held)

    def named(which: Mask) -> _Named:
        return things.by_row(call[which], entries.thing[which])

    nothing = np.zeros(0, dtype=np.int64)
    return _AllNamed(things, named(makes), named(needs), named(takes), nothing)


def _states_named(found: HistoryParts, coded: CodedCalls) -> _AllNamed:
    """What operations name, from the effect of each scalar call, whose state is one value.

    Writing another value takes away the one that was there. A call that excludes the initial state needs
    something else: only where there is such a call is it noted which calls bring something else.
    """
    things = _Things(found, states=coded.states, initial=coded.initial)
    test, tested, action, argument = coded.effects[:, :4].T
    expects = test == transitions.IS
    another = (test == transitions.IS_NOT) & (tested == coded.initial)
    puts = (action == transitions.PUT) & ~(expects & (tested == argument))
    other = np.full(len(test), len(coded.states), dtype=np.int64)
    brings_other = puts & ~another & (argument != coded.initial) & another.any()

    nothing = np.zeros(0, dtype=np.int64)

    def named(*some: tuple[Mask, Integers]) -> _Named:
        some = tuple((which, numbers) for which, numbers in some if which.any())
        if len(some) == 1:
            which, numbers = some[0]
            return things.by_row(np.flatnonzero(which), numbers[which])
        calls = np.concatenate([nothing, *(np.flatnonzero(which) for which, _ in some)])
        named_ones = np.concatenate([nothing, *(numbers[which] for which, numbers in some)])
        order = np.argsort(calls, kind="stable")
        return things.by_row(calls[order], named_ones[order])

    makes, needs = named((puts, argument), (brings_other, other)), named((expects, tested), (another, other))
    takes = named((puts & expects, tested))
    return _AllNamed(things, makes, needs, takes, np.array([coded.initial], dtype=np.int64))


def _without_source(named: _AllNamed) -> Iterator[_Bad]:
    """The operations that show what was not there, and those that took away more than there was."""
    yield from _shown_too_early(named)
    yield from _taken_too_often(named)


def _shown_too_early(named: _AllNamed) -> Iterator[_Bad]:
    things, makes, needs, _, initial = named
    found = things.found
    if not len(needs.row):
        return
    (made, needed), names = _dense(makes.thing, needs.thing)
    at_first = things.is_among(initial, names)
    happened = found.invoked
    since = np.where(at_first, -1, NEVER)
    np.minimum.at(since, made, happened[makes.row])
    asks = np.zeros(len(found.invoked), dtype=bool)
    asks[needs.row] = True
    for _ in range(ROUNDS if asks[makes.row].any() else 0):
        later = found.invoked.copy()
        np.maximum.at(later, needs.row, since[needed])
        if np.array_equal(later[makes.row], happened[makes.row]):
            break
        happened = later
        since = np.where(at_first, -1, NEVER)
        np.minimum.at(since, made, happened[makes.row])
    completed = found.completed[needs.row]
    for entry in np.flatnonzero((since[needed] > completed) & (completed < NEVER)).tolist():
        name = things.in_words(int(needs.thing[entry]))
        begun = int(since[needed[entry]])
        when = (
            "no operation brought it"
            if begun == NEVER
            else f"no operation that could have happened before operation {begun} brought it"
        )
        yield _Bad(int(needs.row[entry]), f"shows {name}, which was not there at the beginning, and {when}")


def _taken_too_often(named: _AllNamed) -> Iterator[_Bad]:
    things, makes, _, takes, initial = named
    found = things.found
    answered = found.completed[takes.row] < NEVER
    took, thing = takes.row[answered], takes.thing[answered]
    if not len(took):
        return
    (taken, brought), names = _dense(thing, makes.thing)
    ever = np.zeros(len(names), dtype=bool)
    ever[taken] = True
    brings = ever[brought]
    numbers = np.concatenate([taken, brought[brings]])
    times = np.concatenate([found.completed[took], found.invoked[makes.row[brings]]])
    step = np.where(np.arange(len(numbers)) < len(taken), -1, 1)
    order = np.lexsort((times, numbers))
    numbers, step = numbers[order], step[order]
    total = np.cumsum(step)
    first = np.flatnonzero(np.diff(numbers, prepend=-1))
    before = np.repeat(total[first] - step[first], np.diff(first, append=len(numbers)))
    at_first = things.is_among(initial, names)
    left = total - before + at_first[numbers]
    for entry in np.flatnonzero((left < 0) & (step < 0)).tolist():
        row = int(took[order[entry]])
        own = np.arange(len(step)) <= entry
        own &= numbers == numbers[entry]
        was_there = bool(at_first[numbers[entry]])
        name = things.in_words(int(names[numbers[entry]]))
        earlier = took[order[np.flatnonzero(own & (step < 0))]]
        others = tuple(int(found.invoked[other]) for other in earlier.tolist() if other != row)[-MOST_VALUES:]
        begun = plural(int((own & (step > 0)).sum()), "time")
        yield _Bad(
            row,
            f"is the {_ordinal(len(earlier))} answered one that found and took away {name}, "
            f"{_after(others)}but {'it was there once at the beginning, and ' if was_there else ''}"
            f"operations that may have brought it had begun only {begun} by then",
            others,
        )


def _after(others: Sequence[int]) -> str:
    """The operations that were answered before one, in words."""
    if not others:
        return ""
    *rest, last = map(str, others)
    return f"after operations {', '.join(rest)} and {last}, " if rest else f"after operation {last}, "


def _dense(one: Integers, other: Integers) -> tuple[tuple[Integers, Integers], Integers]:
    """Numbers of two arrays as numbers from 0 on without gaps, and what each of those was."""
    names, number = np.unique(np.concatenate([one, other]), return_inverse=True)
    return (number[: len(one)], number[len(one) :]), names


def _sums_out_of_range(found: HistoryParts, effects: list[Effect], initial: Any) -> Iterator[_Bad]:
    """The replies that no choice of the additions explains."""
    plain = all(effect.action in (ScalarAction.KEEP, ScalarAction.ADD) for effect in effects)
    numbers = [effect.argument for effect in effects if effect.action is ScalarAction.ADD]
    numbers += [initial, *(effect.expected for effect in effects if effect.expected is not ANYTHING)]
    if not plain or not all(type(number) is int for number in numbers):
        return
    if max(map(abs, numbers)) * (len(found.invoked) + 1) >= 1 << 62:
        return
    added = np.array([effect.argument or 0 for effect in effects], dtype=np.int64)[found.kinds]
    asks = np.array([effect.expected is not ANYTHING for effect in effects])[found.kinds]
    expected = np.array(
        [0 if effect.expected is ANYTHING else effect.expected for effect in effects], dtype=np.int64
    )[found.kinds]
    reads = np.flatnonzero(asks & (found.completed < NEVER))
    begun, ended = _Sums(found, found.invoked), _Sums(found, found.completed)
    up, down = np.maximum(added, 0), np.minimum(added, 0)
    by_answer, by_beginning = found.completed[reads], found.invoked[reads]
    most = initial + begun.until(up, reads, by_answer) + ended.until(down, reads, by_beginning)
    least = initial + begun.until(down, reads, by_answer) + ended.until(up, reads, by_beginning)
    for entry in np.flatnonzero((expected[reads] < least) | (expected[reads] > most)).tolist():
        row = int(reads[entry])
        yield _Bad(
            row,
            f"shows {int(expected[row])}, but what was added by then makes at least {int(least[entry])} and "
            f"at most {int(most[entry])}",
        )


class _Sums:
    """Sums over the operations of a part whose moments came before some moment."""

    def __init__(self, found: HistoryParts, moments: Integers) -> None:
        self._part_of = np.repeat(np.arange(len(found), dtype=np.int64), np.diff(found.starts))
        known = np.flatnonzero(moments < NEVER)
        self._width = int(max(found.invoked.max(), moments[known].max(initial=0))) + 2
        at = self._part_of[known] * self._width + moments[known]
        order = np.argsort(at)
        self._rows, self._at = known[order], at[order]

    def until(self, amounts: Integers, rows: Integers, moments: Integers) -> Integers:
        """For each of `rows` the sum of the amounts of its part's operations before its moment."""
        total = np.concatenate([[0], np.cumsum(amounts[self._rows])])
        begin = self._part_of[rows] * self._width
        upto = np.searchsorted(self._at, begin + np.minimum(moments, self._width - 1))
        return np.asarray(total[upto] - total[np.searchsorted(self._at, begin)], dtype=np.int64)


def _unmade_texts(found: HistoryParts, effects: list[Effect], initial: Any) -> Iterator[_Bad]:
    """The replies that do not consist of texts that were put and appended in time, or not in that order."""
    if not all(
        type(text) is str
        for effect in effects
        for text in (effect.argument, effect.expected)
        if text is not None and text is not ANYTHING
    ):
        return
    for part in range(len(found)):
        texts: dict[str, list[tuple[int, int]]] = {}
        pieces = Pieces(initial)
        for row in range(int(found.starts[part]), int(found.starts[part + 1])):
            effect = effects[int(found.kinds[row])]
            begun, ended = int(found.invoked[row]), int(found.completed[row])
            if effect.action is ScalarAction.PUT:
                pieces.put(effect.argument, begun)
            elif effect.action is ScalarAction.APPEND:
                pieces.append(effect.argument, begun)
            if effect.expected is not ANYTHING and ended < NEVER:
                texts.setdefault(str(effect.expected), []).append((ended, row))
        since = pieces.since(texts)
        for text, asked in texts.items():
            ended, row = min(asked)
            if since.get(text, -1) > ended:
                yield _Bad(
                    row,
                    f"shows {value_in_words(text)}, which does not consist of texts that were put "
                    "or appended by then",
                )
        own = texts_of(found[part], effects, initial)
        for place, because, others in contradictions(own, value_in_words) if own else ():
            yield _Bad(int(found.starts[part]) + place, because, others)
