"""Histories on disk: JSON lines while a run lasts, Parquet once it is over.

**Why a crash leaves it readable.** Each operation is one `write(2)` of one whole line to a file
opened for appending, so after `kill -9` the kernel holds every line whose write returned, and at
most the last line is torn. An invocation's line is written before its request's first byte leaves
(the interpreter's driver sees to that), so no effect in the cluster lacks its cause here. A reader
drops a torn last line; damage anywhere else is refused. Power loss is not covered while the run
lasts: the harness would have to fsync each line. The file is fsynced when it is closed.

**Who may have written it.** Anybody: numbers, depth and the length of lines are bounded (history/limits.py),
and only regular files are read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from history.files import UNREADABLE, RefusedFile, brief, is_too_deep, open_regular, replacing
from history.history import TYPES, Codes, Columns, History, HistoryError, wide
from history.limits import LONGEST_LINE_BYTES, MOST_DEPTH
from history.operation import Operation
from history.stored.columns import GrowingColumns
from history.stored.lines import columns_of
from history.stored.pieces import columns_in_pieces

MOST_BYTES_AT_ONCE = 1 << 29
"""Larger files of JSON lines are read in pieces, so that they need little memory besides their columns."""

if TYPE_CHECKING:
    import pyarrow as pa


class HistoryWriter:
    """Appends operations to a JSON-lines file, each line in the kernel before `append` returns.

    Raises:
        OSError: the disk is full or the folder not writable; nothing half written stays:
            a short write is cut off again.
    """

    def __init__(self, path: Path) -> None:
        self._encoder = msgspec.json.Encoder()
        self._size = 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def append(self, operation: Operation) -> None:
        """Write one operation as one line."""
        line = self._encoder.encode(operation) + b"\n"
        written = os.write(self._file, line)
        if written != len(line):
            os.ftruncate(self._file, self._size)
            raise OSError(28, "No space left on device for the history")
        self._size += written

    def close(self) -> None:
        """Fsync and close; closing twice is harmless."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> HistoryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_history(path: Path) -> History:
    """Read `history.parquet` or `history.jsonl` (by suffix), or whichever a folder holds.

    Parquet is preferred in a folder. A torn last line of JSON is dropped.

    Raises:
        HistoryError: a line cannot be read, or breaks a history's rules; with its number.
        FileNotFoundError: there is no history at `path`.
    """
    if path.is_dir():
        found = [path / name for name in ("history.parquet", "history.jsonl") if (path / name).exists()]
        if not found:
            raise FileNotFoundError(f"{path} holds neither history.parquet nor history.jsonl")
        path = found[0]
    if path.suffix == ".parquet":
        return _read_parquet(path)
    return _read_json_lines(path)


def _read_json_lines(path: Path) -> History:
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            is_small = size <= MOST_BYTES_AT_ONCE
            # Asked for more, Python first takes room for all of that, which costs as much as reading 10 KB.
            columns = columns_of(file.read(size + 1)) if is_small else columns_in_pieces(file, size)
    except RefusedFile as refusal:
        raise HistoryError(1, refusal.rule, str(path)) from refusal
    return _read_line_by_line(path) if columns is None else History.from_columns(columns, source=str(path))


def _read_line_by_line(path: Path) -> History:
    source = str(path)
    grown, part, number = GrowingColumns(source), [], 0
    torn = b""
    try:
        with open_regular(path) as file:
            while line := file.readline(LONGEST_LINE_BYTES + 1):
                if len(line) > LONGEST_LINE_BYTES:
                    raise HistoryError(number + 1, f"longer than {LONGEST_LINE_BYTES:,} bytes", source)
                if not line.endswith(b"\n"):
                    torn = line
                    break
                number += 1
                part.append(_operation_of(line, number, source))
                if len(part) == LINES_A_PART:
                    grown.add(part)
                    part = []
    except RefusedFile as refusal:
        raise HistoryError(1, refusal.rule, source) from refusal
    if torn and not is_too_deep(torn):
        # A crash cut this line, as the module's docstring allows; it is whole if only the newline is missing.
        with contextlib.suppress(*UNREADABLE):
            part.append(_decode(torn))
    grown.add(part)
    return History.from_columns(grown.columns(), source=source)


LINES_A_PART = 10_000
"""Lines that are held as objects at once."""
_decode = msgspec.json.Decoder(Operation).decode


def _operation_of(line: bytes | str, number: int, source: str) -> Operation:
    data = line.encode(errors="surrogatepass") if isinstance(line, str) else line
    if is_too_deep(data):
        raise HistoryError(number, f"not an operation: nested deeper than {MOST_DEPTH}", source)
    try:
        return _decode(data)
    except UNREADABLE as damage:
        raise HistoryError(number, f"not an operation: {brief(damage)}", source) from damage


def operations_of_lines(lines: Iterable[bytes | str], source: str) -> list[Operation]:
    """One operation a line.

    Raises:
        HistoryError: a line is no operation; with its number.
    """
    return [_operation_of(line, number, source) for number, line in enumerate(lines, start=1)]


ROWS_A_GROUP = 1 << 20
"""Rows of a Parquet file that are made and written at once, so that a long history is not there twice."""


def write_parquet(history: History, path: Path) -> None:
    """Write a history as one Parquet file: texts dictionary-encoded, values as JSON text.

    The file appears whole or not at all: it is written under another name and then renamed.
    """
    # Imported here, not above: it takes a tenth of a second, and most histories are read as lines.
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = history.columns
    names = {
        "type": TYPES,
        "f": columns.f_names,
        "key": columns.keys,
        "value": columns.values,
        "error": columns.errors,
        "node": columns.nodes,
    }
    schema = _rows(columns, slice(0, 0), names).schema
    with (
        replacing(path, root=path.parent, is_synced=True) as file,
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for begin in range(0, max(len(history), 1), ROWS_A_GROUP):
            writer.write_table(_rows(columns, slice(begin, begin + ROWS_A_GROUP), names))
    pa.default_memory_pool().release_unused()


def _rows(columns: Columns, rows: slice, names: Mapping[str, Sequence[str]]) -> pa.Table:
    """Some rows of a history as a table; with those texts alone that these rows have."""
    import pyarrow as pa

    def texts(name: str) -> pa.DictionaryArray:
        codes: Codes = getattr(columns, name)[rows]
        used = np.zeros(len(names[name]) + 1, dtype=bool)
        used[codes] = True
        used[-1] = False  # None
        place = np.cumsum(used, dtype=np.int32) - 1
        few = [names[name][code] for code in np.flatnonzero(used).tolist()]
        return pa.DictionaryArray.from_arrays(
            pa.array(place[codes], mask=codes < 0), pa.array(few, type=pa.string())
        )

    raft_index = columns.raft_index[rows]
    return pa.table(
        {
            "time": columns.time[rows],
            "process": wide(columns.process[rows]),
            "type": texts("type"),
            "f": texts("f"),
            "key": texts("key"),
            "value": texts("value"),
            "error": texts("error"),
            "node": texts("node"),
            "raft_index": pa.array(raft_index, mask=raft_index < 0),
        }
    )


def same_operations(one: History, other: History) -> bool:
    """Whether two histories hold the same operations in the same order."""
    ours, theirs = one.columns, other.columns
    if len(one) != len(other):
        return False
    plain = (
        (ours.time, theirs.time),
        (ours.process, theirs.process),
        (ours.type, theirs.type),
        (ours.raft_index, theirs.raft_index),
    )
    named = (
        ((ours.f, ours.f_names), (theirs.f, theirs.f_names)),
        ((ours.key, ours.keys), (theirs.key, theirs.keys)),
        ((ours.value, ours.values), (theirs.value, theirs.values)),
        ((ours.error, ours.errors), (theirs.error, theirs.errors)),
        ((ours.node, ours.nodes), (theirs.node, theirs.nodes)),
    )
    return all(np.array_equal(a, b) for a, b in plain) and all(_same_texts(*a, *b) for a, b in named)


def _same_texts(ours: Codes, our_names: tuple[str, ...], theirs: Codes, their_names: tuple[str, ...]) -> bool:
    """Whether two columns hold the same texts, by codes that both share: a history has millions of texts."""
    code_of: dict[str, int] = {}
    shared = [
        np.array([*(code_of.setdefault(name, len(code_of)) for name in names), -1], dtype=np.int64)
        for names in (our_names, their_names)
    ]
    return np.array_equal(shared[0][ours], shared[1][theirs])


PARQUET_COLUMNS = ("time", "process", "type", "f", "key", "value", "error", "node", "raft_index")
MOST_ROWS_OF_A_BYTE = 64
"""A Parquet file of n bytes has this many times n operations at most: each has a time of its own."""


def _read_parquet(path: Path) -> History:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            rows = pq.ParquetFile(file).metadata.num_rows
            if rows > MOST_ROWS_OF_A_BYTE * size:
                raise HistoryError(1, f"claims {rows:,} operations in {size:,} bytes", str(path))
            file.seek(0)
            table = pq.read_table(
                file,
                columns=list(PARQUET_COLUMNS),
                read_dictionary=["type", "f", "key", "value", "error", "node"],
            ).combine_chunks()
        return _history_of_table(table, str(path))
    except RefusedFile as refusal:
        raise HistoryError(1, refusal.rule, str(path)) from refusal
    except (pa.ArrowException, OSError, KeyError, TypeError, AttributeError, OverflowError) as damage:
        raise HistoryError(1, f"not a Parquet file of a history: {brief(damage)}", str(path)) from damage


def _history_of_table(table: Any, source: str) -> History:
    import pyarrow as pa

    def texts(name: str) -> tuple[Codes, tuple[str, ...]]:
        column = table.column(name)
        array: Any = (
            column.chunk(0) if column.num_chunks else pa.array([], pa.dictionary(pa.int32(), pa.string()))
        )
        codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return codes, tuple(array.dictionary.to_pylist())

    def numbers(name: str) -> Codes:
        column = table.column(name).fill_null(-1)
        return np.asarray(column.to_numpy(), dtype=np.int64)

    type_codes, type_names = texts("type")
    unknown = [name for name in type_names if name not in TYPES]
    if unknown:
        raise HistoryError(1, f"unknown type {unknown[0][:80]!r}", source)
    own = np.array([TYPES.index(name) for name in type_names], dtype=np.int8)
    f, f_names = texts("f")
    key, keys = texts("key")
    value, values = texts("value")
    error, errors = texts("error")
    node, nodes = texts("node")
    _check_values(values, source)
    columns = Columns(
        time=numbers("time"),
        process=np.asarray(table.column("process").to_numpy(), dtype=np.int64),
        type=own[type_codes] if len(type_codes) else np.array([], dtype=np.int8),
        f=f,
        f_names=f_names,
        key=key,
        keys=keys,
        value=value,
        values=values,
        error=error,
        errors=errors,
        node=node,
        nodes=nodes,
        raft_index=numbers("raft_index"),
    )
    return History.from_columns(columns, source=source)


def _check_values(values: tuple[str, ...], source: str) -> None:
    """Refuse values that are no JSON, or too deep, as they are decoded only when they are needed."""
    texts = [value.encode(errors="surrogatepass") for value in values]
    deep = next((text for text in texts if is_too_deep(text)), None)
    if deep is not None:
        raise HistoryError(1, f"a value is nested deeper than {MOST_DEPTH}", source)
    try:
        found = msgspec.json.decode(b"[" + b",".join(texts) + b"]", type=list[msgspec.Raw])
    except UNREADABLE as damage:
        raise HistoryError(1, f"a value is no JSON: {brief(damage)}", source) from damage
    if len(found) != len(values):
        raise HistoryError(1, "a value is no JSON", source)
