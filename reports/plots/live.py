"""The data of the charts that a reader can zoom and filter, as JSON within the page.

The same facts as in the static pictures: without a script these stay. Its size is bounded: operations are
the thinned choice that the latency chart draws, and a grid counts all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from markupsafe import Markup

from history.history import FAIL, INFO, OK, Codes
from history.units import MICROSECOND_NS, SECOND_NS
from reports.moment.lines import NodeLines
from reports.plots.frame import Frame
from reports.plots.lines import LineChart, differences
from reports.plots.measured.completed import BUCKETS, Completed, CompletedOperations
from reports.plots.measured.latency import QUANTILES, quantiles, thin
from reports.plots.measured.throughput import rates
from reports.roles import RoleLanes, coarsened
from reports.spans import OUTCOMES, Spans
from reports.svg import Floats
from reports.text import clean, short, shorten

COLUMNS = 240
ROWS_A_DECADE = 10
MOST_SEGMENTS = 300
LONGEST_NAME = 80
LONGEST_VALUE = 16


def chart_data(
    spans: Spans,
    frame: Frame,
    lanes: RoleLanes,
    charts: Sequence[LineChart],
    violation: int | None,
    lines: NodeLines | None = None,
) -> Markup:
    """All of it as the content of a script element of type `application/json`."""
    data = {
        "end": frame.end / SECOND_NS,
        "violation": None if violation is None else violation / SECOND_NS,
        "faults": [
            [
                bar.period.begin / SECOND_NS,
                bar.period.end / SECOND_NS,
                clean(bar.period.label),
                bar.period.hue,
            ]
            for bar in frame.bars
        ],
        "operations": _operations(spans, frame.end),
        "charts": [_throughput(spans, frame), *(chart.data() for chart in charts)],
        "roles": _roles(lanes, frame.end),
        "lines": None if lines is None else lines.data(),
    }
    encoded = msgspec.json.encode(data).decode("utf-8", "replace")
    # `<` can then end no element; JSON allows the escape within texts, and elsewhere there is none.
    return Markup(encoded.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704 - just escaped


def _operations(spans: Spans, end: int) -> dict[str, Any] | None:
    """The completed operations of clients: a choice of them one by one, all of them as a grid."""
    parts = CompletedOperations(spans, end)
    if not any(True for _ in parts):
        return None
    thinned = thin(parts, end)
    points = thinned.chosen
    begun = spans.index[points.place]
    columns = spans.columns
    completions = spans.history.pairs[begun]
    node = np.where(columns.node[completions] >= 0, columns.node[completions], columns.node[begun])
    used, values = quantiles(parts, end)
    slice_s = end / BUCKETS / SECOND_NS
    return {
        "total": thinned.total,
        "t": np.diff(points.begin // MICROSECOND_NS, prepend=0).tolist(),
        "d": (points.latency // MICROSECOND_NS).tolist(),
        "o": "".join(OUTCOMES[code][0] for code in points.type.tolist()),
        "i": np.diff(begun, prepend=0).tolist(),
        "p": columns.process[begun].tolist(),
        "f": _coded(points.f, columns.f_names),
        "n": _coded(node, columns.nodes),
        "k": _coded(columns.key[begun], columns.keys),
        "v": _values(spans, begun),
        "grid": _grid(parts, end),
        "quantiles": {
            "t": np.round((np.arange(BUCKETS) + 0.5) * slice_s, 3).tolist(),
            "names": [f"p{q}" for q in QUANTILES],
            "v": [_in_slices(used, values[q]) if len(used) else [] for q in QUANTILES],
        },
    }


def _in_slices(used: Codes, values: Floats) -> list[float | None]:
    """A quantile in each slice of time, in microseconds; None where no operation ended ok."""
    found: list[float | None] = [None] * BUCKETS
    for slice_, value in zip(used.tolist(), values.tolist(), strict=True):
        found[min(slice_, BUCKETS - 1)] = round(value / MICROSECOND_NS, 1)
    return found


def _coded(codes: Codes, names: Sequence[str]) -> dict[str, Any]:
    """A column of names: those that occur, and for each row the place of its name; -1 for none."""
    found, places = np.unique(codes, return_inverse=True)
    shift = int(len(found) > 0 and found[0] < 0)
    listed = [shorten(clean(names[code]), LONGEST_NAME) for code in found[shift:].tolist()]
    return {"names": listed, "v": (places - shift).tolist()}


def _values(spans: Spans, begun: Codes) -> list[str]:
    """What each operation was asked to write, else what it was answered, in a few characters."""
    columns = spans.columns
    asked = columns.value[begun]
    codes = np.where(asked >= 0, asked, columns.value[spans.history.pairs[begun]])
    return [
        shorten(clean(short(columns.decoded(code), LONGEST_VALUE)), LONGEST_VALUE) for code in codes.tolist()
    ]


def _grid(parts: Iterable[Completed], end: int) -> dict[str, Any]:
    """How many operations of each outcome are in each cell of time and (logarithm of) latency."""
    tallies = {code: np.zeros(0, dtype=np.int64) for code in (OK, FAIL, INFO)}
    for part in parts:
        column = np.minimum(part.begin * COLUMNS // max(end, 1), COLUMNS - 1)
        row = np.floor(np.log10(np.maximum(part.latency / MICROSECOND_NS, 1)) * ROWS_A_DECADE)
        cell = row.astype(np.int64) * COLUMNS + column
        for code, before in tallies.items():
            counted = np.bincount(cell[part.type == code], minlength=len(before))
            counted[: len(before)] += before
            tallies[code] = counted
    found = {}
    for code, name in ((OK, "ok"), (FAIL, "fail"), (INFO, "info")):
        cells = np.flatnonzero(tallies[code])
        found[name] = [np.diff(cells, prepend=0).tolist(), tallies[code][cells].tolist()]
    return {"columns": COLUMNS, "rows": ROWS_A_DECADE, "cells": found}


def _throughput(spans: Spans, frame: Frame) -> dict[str, Any]:
    """Completions per second by outcome."""
    slice_s, found = rates(spans, frame.end)
    return {
        "id": "throughput",
        "title": "Completions per second",
        "step": slice_s,
        "lines": [
            {
                "name": OUTCOMES[code],
                "v": differences(found[code].tolist()),
                "outcome": OUTCOMES[code],
            }
            for code in (OK, INFO, FAIL)
        ],
    }


def _roles(lanes: RoleLanes, end: int) -> list[dict[str, Any]]:
    """Each node's states: [state, term or null, from, to] in seconds."""
    found = []
    for node, segments in lanes.lanes.items():
        few = segments if len(segments) <= MOST_SEGMENTS else coarsened(segments, end, MOST_SEGMENTS)
        states = [*few, *lanes.pauses.get(node, ())]
        found.append(
            {
                "node": shorten(clean(node), 16),
                "states": [
                    [one.state, one.term, round(one.begin / SECOND_NS, 4), round(one.end / SECOND_NS, 4)]
                    for one in states
                ],
            }
        )
    return found if any(one["states"] for one in found) else []
