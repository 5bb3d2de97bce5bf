"""Elements of sets, each judged by itself, and all of them at once.

To one element, the operations on other elements do nothing, and a read is a question whether this one is
there. So an order of all operations contains an order of those on each element together with the reads: a key
has no order if one of its elements has none. Without reads the converse holds, too (Herlihy & Wing 1990,
theorem 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from checkers.linearizability.answer import NEVER, Budget
from checkers.linearizability.distinct_values.rows import HistoryRows, pairs_of
from checkers.linearizability.distinct_values.sets import ADD, CONTAINS, READ, REMOVE, Mask, elements_of
from checkers.linearizability.engine import Engine
from checkers.linearizability.part import HistoryParts, Integers
from checkers.models.model import ANYTHING, MAYBE, Call, Effect, ScalarAction, ScalarModel, unknown
from history.values import frozen


@dataclass(frozen=True)
class Member(ScalarModel):
    """One element of a set: whether it is there. Initially it is not.

    The argument of a change is whether the element is there afterwards; its result, if it is known, is
    whether it was there before. The result of a question is whether it is there, or neither.
    """

    initial: bool = False
    name = "member"
    functions = frozenset({"change", "question"})
    reads = frozenset({"question"})

    def effect(self, call: Call) -> Effect:
        expected = ANYTHING if call.result is MAYBE else call.result
        match call.f:
            case "change":
                return Effect(ScalarAction.PUT, call.argument, expected=expected)
            case "question":
                return Effect(ScalarAction.KEEP, expected=expected)
        raise unknown(call)


CALLS = (
    Call("change", True, MAYBE),
    Call("change", True, False),
    Call("change", True, True),
    Call("change", False, MAYBE),
    Call("change", False, False),
    Call("change", False, True),
    Call("question", None, False),
    Call("question", None, True),
    Call("question", None, "neither"),
)
"""All calls; below, kinds are places in it."""
ADDS, REMOVES, QUESTIONS = 0, 3, 6
UNKNOWN_BEFORE, MISSING_BEFORE, THERE_BEFORE = range(3)
MISSING, THERE, NEITHER = range(3)


def kinds_of(rows: HistoryRows) -> Integers:
    """By operation on one element its kind; of a question without a reply, -1."""
    yes, no = rows.result == rows.yes, rows.result == rows.no
    adds = ADDS + np.where(yes, MISSING_BEFORE, np.where(no, THERE_BEFORE, UNKNOWN_BEFORE))
    removes = REMOVES + np.where(yes, THERE_BEFORE, np.where(no, MISSING_BEFORE, UNKNOWN_BEFORE))
    questions = QUESTIONS + np.where(yes, THERE, np.where(no, MISSING, NEITHER))
    odd = np.flatnonzero((rows.f == CONTAINS) & ~yes & ~no & (rows.completed < NEVER))
    for place in odd.tolist():  # as the data type compares: a number may equal a truth value
        reply = frozen(rows.history.columns.decoded(int(rows.result[place])))
        questions[place] = QUESTIONS + {True: THERE, False: MISSING}.get(reply, NEITHER)
    questions[rows.completed == NEVER] = -1
    return np.where(rows.f == ADD, adds, np.where(rows.f == REMOVE, removes, questions))


def judged(rows: HistoryRows, budget: Budget, *, is_one_enough: bool = False) -> tuple[Mask, Mask]:
    """By operation of sets, whether those of its element (and all reads of the key) have no order, and
    whether that is not known. Reads themselves are marked neither way.

    Args:
        is_one_enough: whether one such element of all is enough.
    """
    own = np.flatnonzero(rows.f != READ)
    kinds = kinds_of(rows.only(own))
    dense, key_of = pairs_of(rows.key[own], rows.value[own])
    place, part, kind = [own], [dense], [kinds]
    answered = np.flatnonzero((rows.f == READ) & (rows.completed < NEVER))
    if len(answered):
        for more in _questions_of_reads(rows, own, dense, key_of, answered):
            for arrays, array in zip((place, part, kind), more, strict=True):
                arrays.append(array)
    places, of_part, of_kind = map(np.concatenate, (place, part, kind))
    known = of_kind >= 0
    places, of_part, of_kind = places[known], of_part[known], of_kind[known]
    order = np.lexsort((rows.invoked[places], of_part))
    places, of_kind = places[order], of_kind[order]
    lengths = np.bincount(of_part, minlength=len(key_of))
    found = HistoryParts(
        tuple(map(str, range(len(key_of)))),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        rows.invoked[places],
        rows.completed[places],
        of_kind.astype(np.int64),
        CALLS,
        int(lengths.max(initial=0)),
    )
    results = Engine(Member()).decide_all(found, budget, is_one_enough=is_one_enough)
    bad, unsure = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    refuted, given_up = results.refuted(), results.given_up_or_left()
    bad[own] = np.isin(dense, refuted)
    unsure[own] = np.isin(dense, given_up)
    return bad, unsure


def _questions_of_reads(
    rows: HistoryRows, own: Integers, dense: Integers, key_of: Integers, answered: Integers
) -> Iterator[tuple[Integers, Integers, Integers]]:
    """Each answered read as questions about all elements of its key: its place, the elements, the kinds."""
    columns = rows.history.columns
    value_of = np.zeros(len(key_of), dtype=np.int64)
    value_of[dense] = rows.value[own]
    example = np.zeros(len(columns.values) + 1, dtype=np.int64)
    example[rows.value[own]] = rows.argument[own]
    code_of = {frozen(columns.decoded(int(example[value]))): value for value in np.unique(value_of).tolist()}
    shown = {
        code: np.array(
            [code_of[one] for one in elements_of(columns.decoded(code)) if one in code_of], np.int64
        )
        for code in np.unique(rows.result[answered]).tolist()
    }
    first = np.searchsorted(key_of, np.arange(len(rows.keys) + 1))
    for place in answered.tolist():
        key = int(rows.key[place])
        elements = np.arange(first[key], first[key + 1], dtype=np.int64)
        there = np.isin(value_of[elements], shown[int(rows.result[place])])
        yield np.full(len(elements), place), elements, QUESTIONS + np.where(there, THERE, MISSING)
