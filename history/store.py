"""Histories on disk: JSON lines while a run lasts, Parquet once it is over.

**Why a crash leaves it readable.** Each operation is one `write(2)` of one whole line to a file
opened for appending, so after `kill -9` the kernel holds every line whose write returned, and at
most the last line is torn. An invocation's line is written before its request's first byte leaves
(the interpreter's driver sees to that), so no effect in the cluster lacks its cause here. A reader
drops a torn last line; damage anywhere else is refused. Power loss is not covered while the run
lasts: the harness would have to fsync each line. The file is fsynced when it is closed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from history.history import TYPES, Codes, Columns, History, HistoryError
from history.operation import Operation

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
    lines = path.read_bytes().split(b"\n")
    torn = lines.pop()
    operations = operations_of_lines(lines, str(path))
    if torn:
        # A crash cut this line, as the module's docstring allows; it is whole if only the newline is missing.
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            operations.append(msgspec.json.decode(torn, type=Operation))
    return History(operations, source=str(path))


def operations_of_lines(lines: Iterable[bytes | str], source: str) -> list[Operation]:
    """One operation a line.

    Raises:
        HistoryError: a line is no operation; with its number.
    """
    decode = msgspec.json.Decoder(Operation).decode
    operations: list[Operation] = []
    for number, line in enumerate(lines, start=1):
        try:
            operations.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as damage:
            raise HistoryError(number, f"not an operation: {damage}", source) from damage
    return operations


def _dictionary(codes: Codes, names: tuple[str, ...]) -> pa.DictionaryArray:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(names, type=pa.string())
    )


def write_parquet(history: History, path: Path) -> None:
    """Write a history as one Parquet file: texts dictionary-encoded, values as JSON text.

    The file appears whole or not at all: it is written under another name and then renamed.
    """
    # Imported here, not above: it takes a tenth of a second, and most histories are read as lines.
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = history.columns
    table = pa.table(
        {
            "time": columns.time,
            "process": columns.process,
            "type": _dictionary(columns.type.astype(np.int64), TYPES),
            "f": _dictionary(columns.f, columns.f_names),
            "key": _dictionary(columns.key, columns.keys),
            "value": _dictionary(columns.value, columns.values),
            "error": _dictionary(columns.error, columns.errors),
            "node": _dictionary(columns.node, columns.nodes),
            "raft_index": pa.array(columns.raft_index, mask=columns.raft_index < 0),
        }
    )
    unfinished = path.with_name(path.name + ".unfinished")
    pq.write_table(table, unfinished, compression="zstd")
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def _read_parquet(path: Path) -> History:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(
            path, read_dictionary=["type", "f", "key", "value", "error", "node"]
        ).combine_chunks()
    except pa.ArrowInvalid as damage:
        raise HistoryError(1, f"not a Parquet file: {damage}", str(path)) from damage

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
        raise HistoryError(1, f"unknown type {unknown[0]!r}", str(path))
    own = np.array([TYPES.index(name) for name in type_names], dtype=np.int8)
    f, f_names = texts("f")
    key, keys = texts("key")
    value, values = texts("value")
    error, errors = texts("error")
    node, nodes = texts("node")
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
    return History.from_columns(columns, source=str(path))
