"""First-in first-out queues whose enqueued values are all different: decided in O(n log n), without a search.

After Henzinger, Sezgin & Vafeiadis, "Aspect-oriented linearizability proofs" (CONCUR 2013), whose four
kinds of violation are complete for histories without unknown outcomes, and in the time of Abdulla et al.,
"Efficient linearizability monitoring" (PLDI 2025) and Lee & Mathur (OOPSLA 2025). What follows covers
operations of unknown outcome too. Below, e(v) and d(v) are the enqueue of v and the dequeue that replied v;
`.begin` and `.end` are positions, and an end is infinite where the outcome is unknown.

1. No d(v) without e(v), or that ended before e(v) began; no two.
2. No a, b with e(a).end < e(b).begin and d(b).end < d(a).begin. As e(v) precedes d(v) in any order, e(v)
   may be taken to end when d(v) does at the latest, and d(v) to begin when e(v) does at the earliest; that
   changes none of the conditions here, but is meant below.
   (Among those that remain the two relations "enqueued before" and "dequeued before" have no cycle together:
   both are interval orders, so a shortest cycle has two values. An order of the values that extends
   both, each operation as early as it allows, keeps every end: an operation that missed its own would have
   waited for one that it must precede.)
3. An enqueue of unknown outcome whose value no reply names may be left out. An acknowledged one, of a value u
   that no reply names, stays in the queue unless a dequeue of unknown outcome took it. Let D(u) be the first
   end of a dequeue of a value enqueued after e(u) ended; u must be taken by a dequeue that began before D(u).
   D grows with e(u).end, so the i-th such value, by that end, takes the i-th such dequeue, by its beginning.
4. "Nothing" is replied at a moment within the dequeue at which the queue can be empty: no v has
   e(v).end <= moment < d(v).begin, and at least as many dequeues of unknown outcome have begun as unnamed
   values have been enqueued by then. Every value is wholly before the moment or wholly after, and putting
   it there (which shortens its operations) breaks none of the above, nor moves where the queue cannot be
   empty; so each such reply can be judged by itself. (For step 3 a moment makes the values enqueued before
   it urgent; they are the first by e(u).end, as those with a D are, so that one pairing serves both.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER
from checkers.linearizability.distinct_values.rows import NOTHING, UNTOLD, HistoryRows, numbered, pairs_of
from checkers.linearizability.part import Integers

FUNCTIONS = ("enqueue", "dequeue")
ENQUEUE, DEQUEUE = range(2)
Mask = npt.NDArray[np.bool_]


def prepared(rows: HistoryRows) -> HistoryRows:
    """With, as the value, what each operation enqueues or was given."""
    codes = np.where(rows.f == ENQUEUE, rows.argument, rows.result)
    return replace(rows, value=numbered(rows.history.columns, codes))


def ambiguous(rows: HistoryRows) -> Mask:
    """By key, whether two enqueues are of one value, so that replies do not distinguish them, or one is of
    None."""
    enqueue = rows.f == ENQUEUE
    dense, key_of = pairs_of(rows.key[enqueue], rows.value[enqueue])
    left = np.zeros(len(rows.keys), dtype=bool)
    left[key_of[np.bincount(dense, minlength=len(key_of)) > 1]] = True
    left[rows.key[enqueue & (rows.value == NOTHING)]] = True
    return left


def takers(rows: HistoryRows) -> Mask:
    """Dequeues of unknown outcome, which may have taken any value."""
    return np.asarray((rows.f == DEQUEUE) & (rows.completed == NEVER))


def unnamed(rows: HistoryRows) -> Mask:
    """Enqueues of one key whose values no reply names."""
    answered = rows.value[(rows.f == DEQUEUE) & (rows.completed < NEVER)]
    return np.asarray((rows.f == ENQUEUE) & ~np.isin(rows.value, answered))


def impossible(rows: HistoryRows) -> Mask:
    """By key, whether no order explains its operations; of keys that are not `ambiguous`."""
    bad = np.zeros(len(rows.keys), dtype=bool)
    taking = takers(rows)
    values = np.where(taking, UNTOLD, rows.value)
    begin, end, last = _positions(rows)
    none = int(last[-1]) + 1  # later than all
    enqueue, answered = rows.f == ENQUEUE, (rows.f == DEQUEUE) & (values >= 0)
    dense, key_of = pairs_of(rows.key, values)
    put, got = dense[enqueue], dense[answered]
    e_begin, e_end = np.full(len(key_of), -1), np.full(len(key_of), none)
    d_begin, d_end = np.full(len(key_of), none), np.full(len(key_of), none)
    e_begin[put], e_end[put] = begin[enqueue], end[enqueue]
    d_begin[got], d_end[got] = begin[answered], end[answered]
    times = np.bincount(got, minlength=len(key_of))
    bad[key_of[(times > 1) | ((times > 0) & ((e_begin < 0) | (d_end < e_begin)))]] = True

    both = np.flatnonzero((times > 0) & (e_begin >= 0))
    bad[key_of[both[_overtaken(e_begin[both], e_end[both], d_begin[both], d_end[both])]]] = True

    staying = np.flatnonzero((times == 0) & (e_begin >= 0) & (e_end < none))
    staying = staying[np.argsort(e_end[staying])]
    by_begin = both[np.argsort(e_begin[both])]
    first_end = np.append(np.minimum.accumulate(d_end[by_begin][::-1])[::-1], none)
    due = first_end[np.searchsorted(e_begin[by_begin], e_end[staying], "right")]
    urgent = due <= last[key_of[staying]]  # else it is of another key
    late = _untaken(key_of[staying], due, rows.key[taking], begin[taking])
    bad[key_of[staying[urgent & late]]] = True

    empty = (rows.f == DEQUEUE) & (values == NOTHING)
    if empty.any():
        never = np.zeros(none + 1, dtype=np.int64)
        surely = both[e_end[both] < d_begin[both]]
        np.add.at(never, e_end[surely], 1)
        np.add.at(never, d_begin[surely], -1)
        waiting = np.zeros(none + 1, dtype=np.int64)
        np.add.at(waiting, e_end[staying], 1)
        np.add.at(waiting, begin[taking], -1)
        waiting = np.cumsum(waiting)
        first = np.append(0, last[:-1] + 1)
        # Each key counts from its own beginning.
        waiting[:none] -= np.repeat(np.append(0, waiting)[first], last + 1 - first)
        can_be = np.append(0, np.cumsum((np.cumsum(never) == 0) & (waiting <= 0)))
        bad[rows.key[empty][can_be[end[empty]] == can_be[begin[empty]]]] = True
    return bad


def _positions(rows: HistoryRows) -> tuple[Integers, Integers, Integers]:
    """Beginnings and ends of operations, numbered one key after the other, and the last number of each key.

    An end that is not known comes after all others.
    """
    ended = np.flatnonzero(rows.completed < NEVER)
    span = len(rows.history) + 1
    moments = np.concatenate([rows.invoked, rows.completed[ended]]) + span * np.concatenate(
        [rows.key, rows.key[ended]]
    )
    number = np.empty(len(moments), dtype=np.int64)
    number[np.argsort(moments)] = np.arange(len(moments))
    end = np.full(len(rows), len(moments), dtype=np.int64)
    end[ended] = number[len(rows) :]
    counts = np.bincount(rows.key, minlength=len(rows.keys))
    counts = counts + np.bincount(rows.key[ended], minlength=len(rows.keys))
    return number[: len(rows)], end, np.cumsum(counts) - 1


def _overtaken(e_begin: Integers, e_end: Integers, d_begin: Integers, d_end: Integers) -> Mask:
    """Which values were out before another one, that was in before, can have been."""
    order = np.argsort(e_end)
    latest = np.append(-1, np.maximum.accumulate(d_begin[order]))
    return np.asarray(latest[np.searchsorted(e_end[order], e_begin)] > d_end)


def _untaken(key: Integers, due: Integers, taker_key: Integers, taker: Integers) -> Mask:
    """Which values find no taker that began before they are due; the i-th of a key has its i-th taker."""
    place = np.arange(len(key)) - np.searchsorted(key, key) + np.searchsorted(taker_key, key)
    there = place < np.searchsorted(taker_key, key, "right")
    began = np.append(taker, -1)[np.where(there, place, -1)]
    return np.asarray(~there | (began > due))
