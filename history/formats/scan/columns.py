"""Events of a large EDN file or log: from the kernel, and from the plain reader where an event is unusual."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from history.formats.builder import ABSENT, Builder, Events, Vocabulary
from history.formats.scan import kernel
from history.history import Codes, HistoryError

WORTH_COMPILED_CODE_BYTES = 1_500_000
"""Smaller files are read before numba would have been loaded."""
LEAST_BYTES_OF_AN_EVENT = 16
"""Of shorter ones, as of empty lines, there may be more than memory holds; the plain reader reads them."""
Plain = Callable[[Builder, int, str], int | None]
"""Reads one stretch, which begins on that line, into a builder; the index of the event, if it names one."""


def scanned_edn(text: str, source: str, plain: Plain) -> Events | None:
    """The events of an EDN file; None if the plain reader must read the whole file."""
    content = np.frombuffer(text.encode(), dtype=np.uint8)
    room = min(int((content == kernel.OPEN_MAP).sum()), len(content) // LEAST_BYTES_OF_AN_EVENT)
    return _scanned(content, room, source, plain, lambda *rest: kernel.scan.compiled(content, *rest))


def scanned_log(text: str, logger: str, source: str, plain: Plain) -> Events | None:
    """The events of a log; None if the plain reader must read the whole file."""
    content = np.frombuffer(text.encode(), dtype=np.uint8)
    room = min(int((content == 10).sum()) + 1, len(content) // LEAST_BYTES_OF_AN_EVENT)
    name = np.frombuffer(logger.encode(), dtype=np.uint8)
    return _scanned(
        content, room, source, plain, lambda *rest: kernel.lines_of_log.compiled(content, name, *rest)
    )


def _scanned(
    content: kernel.Bytes, room: int, source: str, plain: Plain, scan: Callable[..., int]
) -> Events | None:
    found = kernel.Found(*(np.empty(room, dtype=np.int64) for _ in range(len(kernel.Found._fields))))
    most_texts = 2 * room + 1_000
    texts = kernel.Texts(
        np.empty(4 * len(content) + 1_000, dtype=np.uint8),
        np.zeros(1 << (2 * most_texts).bit_length(), dtype=np.int64),
        np.empty(most_texts, dtype=np.int64),
        np.empty(most_texts, dtype=np.int64),
        np.zeros(3, dtype=np.int64),
    )
    scratch = np.zeros(kernel.DEEPEST + 8, dtype=np.int64)
    count = scan(found, texts, scratch, scratch.copy())
    if count <= 1 or texts.counts[2]:  # one event alone, as large as this, is a map that holds a history
        return None
    found = kernel.Found(*(column[:count] for column in found))
    newlines = np.flatnonzero(content == 10)
    lines = np.searchsorted(newlines, found.begin) + 1
    try:
        return _events(content, found, texts, lines, source, plain)
    except HistoryError:  # the plain reader names the rule and the line
        return None


def _events(
    content: kernel.Bytes,
    found: kernel.Found,
    texts: kernel.Texts,
    lines: Codes,
    source: str,
    plain: Plain,
) -> Events:
    known = int(texts.counts[0])
    raw = texts.out[: int(texts.counts[1])].tobytes()
    begins, ends = texts.begins[:known], texts.ends[:known]
    kinds = texts.out[begins]
    builder = Builder(source)
    of_kind = {
        kernel.F: builder.f_names,
        kernel.KEY: builder.keys,
        kernel.VALUE: builder.values,
        kernel.ERROR: builder.errors,
        kernel.RAW_ERROR: builder.errors,
    }
    dense = np.full(known + 1, ABSENT, dtype=np.int64)
    for kind, vocabulary in of_kind.items():
        own = np.flatnonzero(kinds == kind)
        named: list[str | None] = [
            raw[b:e].decode() for b, e in zip((begins[own] + 1).tolist(), ends[own].tolist(), strict=True)
        ]
        if kind == kernel.RAW_ERROR:
            named = [None if text is None else _error(text, source) for text in named]
        dense[own] = _codes(vocabulary, named)
    columns = {
        "time": found.time,
        "process": found.process.copy(),
        "type": found.type.astype(np.int8),
        **{name: dense[getattr(found, name)] for name in ("f", "key", "value", "error")},
    }
    index = found.number
    slow = np.flatnonzero(found.slow)
    kept = np.ones(len(lines), dtype=bool)
    rows = []
    for place in slow.tolist():
        before = len(builder.rows)
        stretch = content[int(found.begin[place]) : int(found.end[place])].tobytes().decode()
        own_index = plain(builder, int(lines[place]), stretch)
        index[place] = kernel.NO_INDEX if own_index is None else own_index
        if len(builder.rows) == before:
            kept[place] = False
        elif len(builder.rows) > before + 1:
            raise HistoryError(int(lines[place]), "several events in one", source)
        else:
            rows.append(builder.rows[-1])
    if rows:
        table = np.array(rows, dtype=np.int64).T
        places = slow[kept[slow]]
        for name, column in zip(
            ("time", "process", "type", "f", "key", "value", "error"), table[1:], strict=True
        ):
            columns[name][places] = column
    own_indices = index[index != kernel.NO_INDEX]
    if (np.diff(own_indices) <= 0).any():
        raise HistoryError(1, "an index against the order of the file", source)
    events = Events(
        lines, columns["time"], columns["process"], builder.process_names.texts, columns["type"],
        columns["f"], builder.f_names.texts, columns["key"], builder.keys.texts, columns["value"],
        builder.values.texts, columns["error"], builder.errors.texts,
    )  # fmt: skip
    return events if kept.all() else events.only(kept)


def _codes(vocabulary: Vocabulary, named: list[str | None]) -> Codes:
    """The codes of texts, most of which are new."""
    known = vocabulary.known
    if not known and None not in named and "null" not in named:
        known.update(zip(named, range(len(named)), strict=True))  # type: ignore[arg-type]
        return np.arange(len(named), dtype=np.int64)
    return np.array([vocabulary.code(None if text == "null" else text) for text in named], dtype=np.int64)


def _error(text: str, source: str) -> str | None:
    from history.formats.edn import forms
    from history.formats.events import error_text

    return error_text(next(value for _, value, _ in forms(text, source)))
