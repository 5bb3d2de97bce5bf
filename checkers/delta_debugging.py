"""Delta debugging: makes a failing input small by leaving out ever smaller groups of its pieces.

After Zeller & Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (IEEE TSE 28(2), 2002).
The input is known to fail. First one half of it is left out, then the other, then quarters, and so on
down to single pieces; a piece that the failure does not need goes. The last round, of single pieces, is
repeated until no single piece can be left out. That takes some 2n trials where every piece is needed,
and O(log n) rounds where few are.

`smallest_failing` is for a plain sequence. `shrink_by_pieces` is for an input whose pieces depend on what
is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Whole = TypeVar("Whole")
Piece = TypeVar("Piece")


def _always() -> bool:
    return True


def smallest_failing(
    items: Sequence[Item],
    still_fails: Callable[[tuple[Item, ...]], bool],
    *,
    may_go_on: Callable[[], bool] = _always,
) -> tuple[Item, ...]:
    """A part of `items`, in their order, that still fails and of which no single item can be left out.

    Args:
        items: what is known to fail.
        still_fails: whether a part fails. It may also raise, which ends the whole.
        may_go_on: asked before each trial; once it returns False, the smallest part so far is the result.
    """
    if not items:
        return ()
    if may_go_on() and still_fails(()):
        return ()
    places = shrink_by_pieces(
        tuple(range(len(items))),
        pieces_of=lambda kept: kept,
        without=_without_places,
        still_fails=lambda kept: bool(kept) and still_fails(tuple(items[place] for place in kept)),
        may_go_on=may_go_on,
    )
    return tuple(items[place] for place in places)


def _without_places(places: tuple[int, ...], left_out: Sequence[int]) -> tuple[int, ...]:
    gone = set(left_out)
    return tuple(place for place in places if place not in gone)


def shrink_by_pieces(
    whole: Whole,
    *,
    pieces_of: Callable[[Whole], Sequence[Piece]],
    without: Callable[[Whole, Sequence[Piece]], Whole | None],
    still_fails: Callable[[Whole], bool],
    may_go_on: Callable[[], bool] = _always,
) -> Whole:
    """The smallest input found that still fails, made from `whole`, which is known to fail.

    Args:
        pieces_of: the pieces of an input that may be left out, in the order in which to try them.
        without: an input without a group of its pieces. It may leave out fewer than asked, where some
            cannot go, and returns None where none of them can.
        still_fails: whether an input fails.
        may_go_on: asked before each trial; once it returns False, the smallest input so far is the result.
    """
    size = max(1, len(pieces_of(whole)) // 2)
    while size:
        pieces = pieces_of(whole)
        start, shrunk = 0, False
        while start < len(pieces):
            if not may_go_on():
                return whole
            smaller = without(whole, pieces[start : start + size])
            if smaller is not None and still_fails(smaller):
                whole, shrunk = smaller, True
                pieces = pieces_of(whole)
            else:
                start += size
        if not (size == 1 and shrunk):
            size //= 2
    return whole
