"""Texts of which each part was written once: what replies show of them decides their order, without a search.

A reply shows the whole text. If writes on the key can compose it in one way only, it names the operations
since the last `put`, and their order. All replies that begin with the same `put` are one *branch*: a chain of
writes, and after each write the replies that show what it made. In every order of all operations,

- a write follows the same write in each text that shows it, and is followed by the same write;
- the operations of a branch follow each other in that order, so none of them was answered before one that
  precedes it began;
- no other write comes between two operations of a branch, so all of a branch comes before all of another, or
  after it; the same is true of a write that certainly happened, and that no such reply shows. What begins
  with the text that was there at first comes before all others.

The last rule is that of Gibbons and Korach for registers of distinct values ("Testing shared memories", SIAM
J. Comput. 26, 1997). A branch that was answered before its last invocation lasts from the one to the other:
such branches do not overlap, and no branch that can be one moment has all its moments within one of these.
Each rule is necessary: what breaks one has no order. If all texts can be composed in one way and nothing
breaks a rule, `ordered` puts the branches in order. That order is looked through before it counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from checkers.linearizability.answer import NEVER
from checkers.linearizability.by_rule.texts import MOST_LENGTHS
from checkers.linearizability.part import Part
from checkers.models.model import ANYTHING, Effect, ScalarAction

AT_FIRST, NOWHERE = -1, -1
"""The place of no write: the text that was there at first; and the length before a whole text."""


class Write(NamedTuple):
    """An operation that puts a text, or appends one."""

    text: str
    puts: bool
    invoked: int
    completed: int
    """`NEVER` where its outcome is unknown."""
    place: int
    """Its place in the part."""


class Shown(NamedTuple):
    """A text that an operation with a reply shows."""

    text: str
    invoked: int
    completed: int
    place: int


class Contradiction(NamedTuple):
    """An operation whose reply contradicts others, and why."""

    place: int
    because: str
    others: tuple[int, ...]
    """The numbers of the operations that it contradicts."""


_Known: TypeAlias = Sequence[tuple[Shown, tuple[int, ...]]]
"""Operations whose texts can be composed in one way, each with the writes that compose it."""


class Texts(NamedTuple):
    """The operations on one key, whose state is a text."""

    initial: str
    writes: Sequence[Write]
    shown: Sequence[Shown]


def texts_of(part: Part, effects: Sequence[Effect] | Mapping[int, Effect], initial: Any) -> Texts | None:
    """The operations of a part, given what calls do, by kind; None if some values are no texts."""
    writes, shown = [], []
    rows = zip(part.kinds.tolist(), part.invoked.tolist(), part.completed.tolist(), strict=True)
    for place, (kind, invoked, completed) in enumerate(rows):
        action, argument, expected, _ = effects[kind]
        if action is not ScalarAction.KEEP:
            if type(argument) is not str:
                return None
            writes.append(Write(argument, action is ScalarAction.PUT, invoked, completed, place))
        if expected is not ANYTHING and completed < NEVER:
            if type(expected) is not str:
                return None
            shown.append(Shown(expected, invoked, completed, place))
    return Texts(initial, writes, shown)


@dataclass
class _Branch:
    """Operations between which no other write comes."""

    last: Shown | None
    """Of the operations that show it the one that was answered last; None for a write that no reply shows."""
    ended: tuple[int, int]
    """The first answer, and the invocation of that operation."""
    begun: int
    """The last invocation."""
    chain: dict[int, list[Shown]] = field(default_factory=dict)
    """By write, in their order, the operations that show what it made."""

    @property
    def lasts(self) -> bool:
        """Whether it was answered before its last invocation, so that it cannot be one moment."""
        return self.ended[0] < self.begun


def contradictions(texts: Texts, in_words: Callable[[str], str]) -> Iterator[Contradiction]:
    """The replies that show what no order of the writes gives."""
    known = _known(texts)
    wrong = _forked(known)
    if wrong is not None:
        one, write, other = wrong
        text = in_words(texts.writes[write].text)
        yield Contradiction(
            one.place,
            f"shows {text}, which was written once, where operation {other.invoked} shows something else",
            (other.invoked,),
        )
        return
    branches = _branches(texts.writes, known)
    for branch in branches:
        if branch.last is not None:
            yield from _out_of_order(branch, texts.writes, in_words)
    yield from _amid_others(branches)


def _forked(known: _Known) -> tuple[Shown, int, Shown] | None:
    """A reply that shows a write after another one than an earlier reply did, or another write after one:
    the reply, the write, and the earlier reply."""
    before: dict[int, tuple[int, Shown]] = {}
    after: dict[int, tuple[int, Shown]] = {}
    for one, own in sorted(known, key=lambda each: each[0].completed):
        for write, earlier in zip(own[1:], own, strict=False):
            for follows, of, is_ in ((before, write, earlier), (after, earlier, write)):
                first, other = follows.setdefault(of, (is_, one))
                if first != is_:
                    return one, write, other
    return None


def ordered(texts: Texts) -> list[int] | None:
    """The places of the operations in an order that explains all replies; None if that was not found."""
    known = _known(texts)
    if _forked(known) is not None:
        return None
    branches = _branches(texts.writes, known)
    order: list[int] = []
    for branch in sorted(branches, key=lambda one: min(one.ended[0], one.begun)):
        for write, shown in branch.chain.items():
            order += [texts.writes[write].place] if write != AT_FIRST else []
            order += [one.place for one in sorted(shown, key=lambda one: one.invoked)]
    return order


def _known(texts: Texts) -> _Known:
    """The operations whose texts can be composed in one way, each with the writes that compose it."""
    composed = _Composed(texts.initial, texts.writes)
    ways = {text: composed.of(text) for text in {one.text for one in texts.shown}}
    return [(one, own) for one in texts.shown if (own := ways[one.text])]


def _branches(writes: Sequence[Write], known: _Known) -> list[_Branch]:
    """What replies show, by the write with which their texts begin; then each other write by itself."""
    longest: dict[int, tuple[int, ...]] = {}
    for _, own in known:
        longest[own[0]] = max(own, longest.get(own[0], ()), key=len)
    found: dict[int, _Branch] = {}
    for first, own in longest.items():
        chain: dict[int, list[Shown]] = {write: [] for write in own}
        made = [writes[write] for write in own if write != AT_FIRST]
        ends = [(write.completed, write.invoked) for write in made]
        ends += [(-1, -1)] if first == AT_FIRST else []
        begun = max((write.invoked for write in made), default=-1)
        found[first] = _Branch(None, min(ends), begun, chain)
    for one, own in known:
        branch = found[own[0]]
        branch.chain[own[-1]].append(one)
        branch.ended = min(branch.ended, (one.completed, one.invoked))
        branch.begun = max(branch.begun, one.invoked)
        branch.last = one if branch.last is None else max(branch.last, one, key=lambda each: each.completed)
    named = {write for own in longest.values() for write in own}
    alone = [
        _Branch(None, (write.completed, write.invoked), write.invoked, {place: []})
        for place, write in enumerate(writes)
        if place not in named
    ]
    return [*found.values(), *alone]


def _out_of_order(
    branch: _Branch, writes: Sequence[Write], in_words: Callable[[str], str]
) -> Iterator[Contradiction]:
    """The first reply of a branch that was given before something began that the branch has before it. That
    a reply shows a write that had not begun is not looked for: its text could not be composed in time."""
    begun = -1
    """The last invocation so far."""
    less: Shown | None = None
    """The operation that began last, of those that showed less; None before there is one."""
    for made, (write, shown) in enumerate(branch.chain.items()):
        if write != AT_FIRST:
            own = writes[write]
            if own.completed < begun:
                before = less if less is not None and less.invoked == begun else None
                yield _written_too_early(own, begun, before, _first_from(branch, made), in_words)
                return
            begun = max(begun, own.invoked)
        for one in shown:
            if less is not None and one.completed < less.invoked:
                because = f"shows less than operation {one.invoked}, which had ended before"
                yield Contradiction(less.place, because, (one.invoked,))
                return
        less = max([one for one in (less, *shown) if one is not None], key=_invoked, default=None)
        begun = begun if less is None else max(begun, less.invoked)


def _invoked(one: Shown) -> int:
    return one.invoked


def _first_from(branch: _Branch, made: int) -> Shown:
    """The first of the replies that show what the n-th write of a branch made, or more."""
    chain = list(branch.chain.values())
    return min((one for shown in chain[made:] for one in shown), key=lambda one: one.completed)


def _written_too_early(
    write: Write, begun: int, less: Shown | None, more: Shown, in_words: Callable[[str], str]
) -> Contradiction:
    """A write that had ended before operation `begun` began, which the reply `more` has before it.

    Args:
        less: operation `begun` if that is a reply, and not a write.
    """
    text = in_words(write.text)
    if less is None or less.completed < more.completed:
        did = "wrote" if less is None else "showed"
        because = (
            f"shows {text} after what operation {begun} {did}, but operation {write.invoked} wrote it, which "
            f"had ended before operation {begun} began"
        )
        return Contradiction(more.place, because, (begun, write.invoked))
    because = (
        f"does not show {text}, but operation {write.invoked} wrote it, which had ended before, and "
        f"operation {more.invoked} shows it after what is shown here"
    )
    return Contradiction(less.place, because, (write.invoked, more.invoked))


def _amid_others(branches: Sequence[_Branch]) -> Iterator[Contradiction]:
    """The branches that other writes come between."""
    lasting = sorted((one for one in branches if one.lasts), key=lambda one: one.ended)
    for one, other in pairwise(lasting):
        if other.ended[0] < one.begun:
            yield _between(one, other)
            return  # from here on they do not follow each other
    ends = [one.ended[0] for one in lasting]
    for other in branches:
        place = bisect_left(ends, other.begun) - 1
        if not other.lasts and place >= 0 and other.ended[0] < lasting[place].begun:
            yield _between(lasting[place], other)


def _between(one: _Branch, other: _Branch) -> Contradiction:
    """Two branches of which each has an operation that ended before one of the other began."""
    replies = [branch.last for branch in (one, other) if branch.last is not None]
    last = max(replies, key=lambda reply: reply.completed)  # a write alone does not last
    others = {one.begun, other.begun, one.ended[1], *((other.ended[1],) if other.last is not None else ())}
    since = "before" if one.ended[1] < 0 else f"between the end of operation {one.ended[1]} and"
    begun = "its own beginning" if one.begun == last.invoked else f"the beginning of operation {one.begun}"
    also = "" if other.last is None else f" or operation {other.ended[1]}, which belong together,"
    return Contradiction(
        last.place,
        f"shows that no other write came {since} {begun}, but operation {other.begun}{also} did",
        tuple(number for number in sorted(others) if number not in (-1, last.invoked)),
    )


class _Composed:
    """How texts are composed of what was written to one key."""

    def __init__(self, initial: str, writes: Sequence[Write]) -> None:
        self._begins: dict[str, list[int]] = {initial: [AT_FIRST]}
        self._ends: dict[str, list[int]] = {}
        for place, write in enumerate(writes):
            of = self._begins if write.puts else self._ends
            of.setdefault(write.text, []).append(place)
        self._begin_lengths = sorted({len(text) for text in self._begins})
        self._end_lengths = sorted({len(text) for text in self._ends})

    def of(self, text: str) -> tuple[int, ...] | None:
        """The writes that give this text, in order, where these alone can; else None."""
        if max(len(self._begin_lengths), len(self._end_lengths)) > MOST_LENGTHS:
            return None
        ways = [0] * (len(text) + 1)
        """By length of a beginning of the text in how many ways it is made; 2 stands for more, too."""
        last = [(AT_FIRST, NOWHERE)] * (len(text) + 1)
        """By length the write that comes last, and the length before it."""
        for lengths, makers_of, places in (
            (self._begin_lengths, self._begins, range(1)),
            (self._end_lengths, self._ends, range(len(text))),
        ):
            for place in places:
                for length in lengths if makers_of is self._begins or ways[place] else ():
                    end = place + length
                    makers = makers_of.get(text[place:end]) if end <= len(text) else None
                    if makers:
                        before = ways[place] if makers_of is self._ends else 1
                        ways[end] = min(2, ways[end] + before * len(makers))
                        last[end] = makers[0], place if makers_of is self._ends else NOWHERE
        if ways[-1] != 1:
            return None
        own: list[int] = []
        length = len(text)
        while length != NOWHERE:
            write, length = last[length]
            own.append(write)
        return tuple(reversed(own))
