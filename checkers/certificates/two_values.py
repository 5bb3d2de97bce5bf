"""Finds two values of a register that each came before the other.

Values that are each put by one operation happen in blocks: all operations that show one value, with no other
value between. Block A comes before block B if an operation of A was answered before one of B began. If
there is no order, two blocks each come before the other (Gibbons and Korach 1997, theorem 4.2).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from checkers.linearizability.part import Part
from checkers.models.model import ANYTHING, Model, Scalar, ScalarAction
from checkers.verification.certificate import Circle


class _Shown(NamedTuple):
    """An operation and the value that it shows."""

    begun: int
    ended: int
    value: Hashable
    puts: bool


class _Block(NamedTuple):
    """The operations of a value: which of them was answered first, and which began last."""

    first_answered: _Shown
    last_begun: _Shown


def circle(model: Model, part: Part) -> Circle | None:
    """Values of a register that each came before the other; None if there are none, or it is no register."""
    if not isinstance(model, Scalar):
        return None
    shown = _shown(model, part)
    if shown is None:
        return None
    puts: dict[Hashable, int] = {model.initial: 1}
    for one in shown:
        puts[one.value] = puts.get(one.value, 0) + one.puts
    blocks: dict[Hashable, _Block] = {}
    for one in shown:
        if puts[one.value] != 1:
            continue
        if one.puts and one.value in blocks and blocks[one.value].first_answered.ended < one.begun:
            return Circle(part.key, ((blocks[one.value].first_answered.begun, one.begun),))
        block = blocks.get(one.value, _Block(one, one))
        first = min(block.first_answered, one, key=lambda of: of.ended)
        blocks[one.value] = _Block(first, max(block.last_begun, one, key=lambda of: of.begun))
    initial = blocks.pop(model.initial, None)
    if initial is not None and blocks:
        early = min(blocks.values(), key=lambda block: block.first_answered.ended)
        if early.first_answered.ended < initial.last_begun.begun:
            return Circle(part.key, ((early.first_answered.begun, initial.last_begun.begun),))
    return _two_blocks(part.key, list(blocks.values()))


def _shown(model: Scalar, part: Part) -> list[_Shown] | None:
    """The operations that show a value, by beginning; None if a value may grow out of another one."""
    shown = []
    for place in range(len(part)):
        effect = model.effect(part.call(place))
        if effect.action in (ScalarAction.ADD, ScalarAction.APPEND):
            return None
        puts = effect.action is ScalarAction.PUT
        value = effect.argument if puts else effect.expected
        if value is not ANYTHING:
            shown.append(_Shown(int(part.invoked[place]), int(part.completed[place]), value, puts))
    return shown


def _two_blocks(key: str | None, blocks: Iterable[_Block]) -> Circle | None:
    """Two blocks of which each has an operation that was answered before one of the other began.

    By `first_answered`, with the two blocks of the latest `last_begun` among those before: one of these
    two is another block than the one that is looked at.
    """
    ordered = sorted(blocks, key=lambda block: block.first_answered.ended)
    latest: list[tuple[int, ...]] = []
    """By place, the places of the two blocks up to there that have the latest beginnings."""
    best: tuple[int, ...] = ()
    for place in range(len(ordered)):
        best = tuple(sorted((*best, place), key=lambda at: -ordered[at].last_begun.begun)[:2])
        latest.append(best)
    ends = [block.first_answered.ended for block in ordered]
    for place, block in enumerate(ordered):
        low, high = 0, len(ordered)  # blocks whose first answer came before this block's last beginning
        while low < high:
            middle = (low + high) // 2
            if ends[middle] < block.last_begun.begun:
                low = middle + 1
            else:
                high = middle
        for other in latest[low - 1] if low else ():
            if other != place and block.first_answered.ended < ordered[other].last_begun.begun:
                return Circle(
                    key,
                    (
                        (block.first_answered.begun, ordered[other].last_begun.begun),
                        (ordered[other].first_answered.begun, block.last_begun.begun),
                    ),
                )
    return None
