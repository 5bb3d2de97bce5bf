"""The excerpt of a history around a violation: the operations that evidence names, and some around them.

A violation may span half a minute and twenty thousand operations, of which five matter. The excerpt keeps
all that the evidence names; those on the same keys, nearest in time first; a few concurrent others where
there is room; and the nemesis' operations at that time. It counts what it leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checkers.words import count, plural
from history.history import INFO, Codes
from reports.spans import PENDING, Mask, Span, Spans

MAX_NAMED = 40
MAX_SAME_KEY = 6
ENOUGH = 8
"""From this number of operations on, no unrelated ones are added."""
MAX_NEMESIS = 12


@dataclass(frozen=True)
class Excerpt:
    """The operations to show, and which of them the evidence names."""

    spans: tuple[Span, ...]
    named: frozenset[int]
    """Indices of the invocations of the named ones."""
    names: dict[int, int]
    """For each number that the evidence names, the index of that operation's invocation."""
    keys: frozenset[str]
    """The keys of the named operations."""
    notes: tuple[str, ...]


def excerpt(spans: Spans, operations: Sequence[int]) -> Excerpt:
    """What to show for evidence that names these operations; empty if the history has none of them."""
    notes: list[str] = []
    positions = {operation: spans.position(operation) for operation in operations}
    absent = [str(operation) for operation, position in positions.items() if position is None]
    if absent:
        listed = ", ".join(absent[:10])
        notes.append(f"The evidence names operations that this history does not have: operation {listed}.")
    known = dict.fromkeys(position for position in positions.values() if position is not None)
    named = np.array(sorted(known), dtype=np.int64)
    if not len(named):
        return Excerpt((), frozenset(), {}, frozenset(), tuple(notes))
    if len(named) > MAX_NAMED:
        notes.append(f"The evidence names {count(len(named))} operations; the first {MAX_NAMED} are shown.")
        named = named[:MAX_NAMED]

    shown = np.union1d(named, _around(spans, named, notes))
    found = tuple(spans.span(position) for position in shown.tolist())
    named_index = frozenset(spans.index[named].tolist())
    names = {
        operation: int(spans.index[position])
        for operation, position in positions.items()
        if position is not None and int(spans.index[position]) in named_index
    }
    return Excerpt(
        spans=found,
        named=named_index,
        names=names,
        keys=frozenset(span.key for span in found if span.index in named_index and span.key is not None),
        notes=tuple(notes),
    )


def _around(spans: Spans, named: Codes, notes: list[str]) -> Codes:
    """Positions of what to show next to the named ones; a note counts what is left out."""
    # A client's info or pending operation may take effect at any later time, so it reaches to the end.
    last = int(spans.history.columns.time[-1]) + 1
    open_ended = (spans.end < 0) | (spans.client & (spans.type == INFO)) | (spans.type == PENDING)
    reach = np.where(open_ended, last, spans.end)
    low = int(spans.begin[named].min())
    high = int(np.maximum(spans.begin[named], spans.end[named]).max())
    moments = np.unique(np.concatenate([spans.begin[named], spans.end[named][spans.end[named] >= 0]]))
    during = (spans.begin <= high) & (reach >= low)
    during[named] = False

    keys = np.unique(spans.key[named])
    same_key = during & spans.client & np.isin(spans.key, keys[keys >= 0])
    chosen = _nearest(spans, np.flatnonzero(same_key), moments, MAX_SAME_KEY)
    left_out = int(same_key.sum()) - len(chosen)
    if left_out:
        more = plural(
            left_out,
            "more operation on the same keys at the same time is",
            "more operations on the same keys at the same time are",
        )
        notes.append(f"{more} not drawn.")

    room = max(ENOUGH - len(named) - len(chosen), 0)
    others = during & spans.client & ~same_key & np.isin(spans.process, spans.process[named], invert=True)
    others &= _overlaps_any(spans.begin, reach, spans.begin[named], reach[named])
    around = _nearest(spans, np.flatnonzero(others), moments, room)

    nemesis = np.flatnonzero(during & ~spans.client)
    faults = _nearest(spans, nemesis, moments, MAX_NEMESIS)
    if len(nemesis) > len(faults):
        left_out = len(nemesis) - len(faults)
        more = plural(left_out, "more operation of the nemesis is", "more operations of the nemesis are")
        notes.append(f"{more} not drawn.")
    return np.concatenate([chosen, around, faults])


def _nearest(spans: Spans, candidates: Codes, moments: Codes, wanted: int) -> Codes:
    """The `wanted` candidates whose invocation or completion lies nearest to a moment that matters."""
    if len(candidates) <= wanted:
        return candidates
    distance = np.minimum(
        _distance(spans.begin[candidates], moments),
        np.where(
            spans.end[candidates] < 0, np.iinfo(np.int64).max, _distance(spans.end[candidates], moments)
        ),
    )
    return candidates[np.argsort(distance, kind="stable")[:wanted]]


def _distance(times: Codes, moments: Codes) -> Codes:
    """From each time to the nearest of the moments, which are sorted."""
    at = np.searchsorted(moments, times)
    before = np.abs(times - moments[np.maximum(at - 1, 0)])
    after = np.abs(moments[np.minimum(at, len(moments) - 1)] - times)
    nearest: Codes = np.minimum(before, after)
    return nearest


def _overlaps_any(begin: Codes, end: Codes, others_begin: Codes, others_end: Codes) -> Mask:
    found = np.zeros(len(begin), dtype=bool)
    for low, high in zip(others_begin.tolist(), others_end.tolist(), strict=True):
        found |= (begin <= high) & (end >= low)
    return found
