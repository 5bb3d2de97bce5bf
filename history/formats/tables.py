"""Tables of other tools, one row an event or one row an operation: CSV, JSON objects and Parquet.

`columns` says which column holds which field, as {"process": "worker", "f": "op"}; a column that has a
field's own name needs no mention. The fields:

| field | what it holds |
|---|---|
| `process` | who did it: a number, or a name |
| `type` | `invoke`, `ok`, `fail` or `info` |
| `f`, `key` | what was done, and to what |
| `value` | the argument, or, of a completion, the reply: JSON if it is JSON, else a text |
| `time` | a number; the order of the rows counts |
| `error` | why it failed |
| `start`, `end` | of a row that is a whole operation: when it began and ended, in one unit; no end: unknown |
| `result` | of a row that is a whole operation: its reply |

A row that is a whole operation may have a `type` of how it ended; without one it is `ok`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from history.formats.builder import Builder, Events
from history.formats.events import error_text, key_text, shortened
from history.formats.json_events import canonical, numbered, refuse_if_hollow
from history.history import HistoryError
from history.limits import LONGEST_LINE_BYTES
from history.values import MARK, encoded, in_words

FIELDS = ("process", "type", "f", "key", "value", "time", "error", "start", "end", "result")
OWN_PARQUET = frozenset({"time", "process", "type", "f", "key", "value", "error", "node", "raft_index"})
csv.field_size_limit(LONGEST_LINE_BYTES)


@dataclass(frozen=True)
class Row:
    """The fields of one row, as JSON texts; a field without a value is missing."""

    line: int
    cells: Mapping[str, str]


def is_csv(start: str) -> bool:
    """Whether a text begins with a line of column names that are those of events."""
    header = next(csv.reader([start.split("\n", 1)[0]]), [])
    return {"process", "f"} <= {name.strip() for name in header}


def read_csv(text: str, source: str, columns: Mapping[str, str]) -> Events:
    """Read a table whose first line names the columns.

    Raises:
        HistoryError: a row cannot be read; with its line.
    """
    _refuse_long_line(text, source)
    sample = text.split("\n", 1)[0]
    separator = max(",;\t", key=sample.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)

    def rows() -> Iterator[Row]:
        begun = 1
        try:
            header = [name.strip() for name in next(reader, [])]
            known = _columns(header, columns, source)
            begun = reader.line_num + 1
            for cells in reader:
                if cells:
                    if len(cells) != len(header):
                        rule = f"{len(cells)} cells, where the first line names {len(header)} columns"
                        raise HistoryError(begun, rule, source)
                    found = {field: _of_text(cells[place]) for field, place in known.items() if cells[place]}
                    yield Row(begun, found)
                begun = reader.line_num + 1
        except csv.Error as damage:
            raise HistoryError(begun, f"not CSV: {damage}", source) from None
        except HistoryError:
            raise
        except ValueError as damage:
            raise HistoryError(begun, shortened(str(damage)), source) from None

    return _events(rows(), source)


def _refuse_long_line(text: str, source: str) -> None:
    """Refuse a line whose cells might take many times its size."""
    start = 0
    while len(text) - start > LONGEST_LINE_BYTES:
        end = text.rfind("\n", start, start + LONGEST_LINE_BYTES + 1)
        if end < 0:
            rule = f"a line of more than {LONGEST_LINE_BYTES:,} characters"
            raise HistoryError(text.count("\n", 0, start) + 1, rule, source)
        start = end + 1


def read_json_rows(text: str, source: str, columns: Mapping[str, str]) -> Events:
    """Read JSON objects, in an array or one a line, whose fields have other names.

    Raises:
        HistoryError: a row cannot be read; with its line.
    """
    decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def rows() -> Iterator[Row]:
        lines: Iterable[tuple[int, Any]] = numbered(text)
        refuse_if_hollow(text, source)
        try:
            if text.lstrip().startswith("["):
                whole = msgspec.json.decode(text, type=list[dict[str, msgspec.Raw]])
                lines = ((1, row) for row in whole)
        except (msgspec.DecodeError, RecursionError) as damage:
            raise HistoryError(1, f"no array of objects: {shortened(str(damage))}", source) from None
        for number, line in lines:
            if isinstance(line, str) and not line.strip():
                continue
            try:
                row = decode(line) if isinstance(line, str) else line
                known = {field: columns.get(field, field) for field in FIELDS}
                missing = [
                    columns[field]
                    for field in ("process", "f", "type", "start")
                    if field in columns and columns[field] not in row
                ]
                if missing:
                    raise ValueError(f"no field {missing[0]!r}; it has {', '.join(row)}")
                cells = {field: canonical(bytes(row[name])) for field, name in known.items() if name in row}
            except (msgspec.DecodeError, RecursionError, ValueError) as damage:
                raise HistoryError(number, shortened(str(damage)), source) from None
            yield Row(number, {field: cell for field, cell in cells.items() if cell != "null"})

    return _events(rows(), source)


def is_own_parquet(path: Path) -> bool:
    """Whether a Parquet file has the columns that this harness writes.

    Raises:
        HistoryError: it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return frozenset(pq.read_schema(path).names) >= OWN_PARQUET
    except (pa.ArrowException, OSError) as damage:
        raise HistoryError(1, f"not a Parquet file: {shortened(str(damage))}", str(path)) from None


def read_parquet(path: Path, columns: Mapping[str, str]) -> Events:
    """Read a Parquet file of events or of operations; a row's number stands for its line.

    Raises:
        HistoryError: a row cannot be read; with its number.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = str(path)
    try:
        names = pq.read_schema(path).names
        known = _columns(names, columns, source)
        table = pq.read_table(path, columns=[names[place] for place in known.values()])
    except (pa.ArrowException, OSError) as damage:
        raise HistoryError(1, f"not a Parquet file: {shortened(str(damage))}", source) from None
    cells = [table.column(names[place]).to_pylist() for place in known.values()]

    def rows() -> Iterator[Row]:
        for number, row in enumerate(zip(*cells, strict=True), start=1):
            try:
                found = {
                    field: _of_text(cell) if isinstance(cell, str) and cell else canonical(_json(cell))
                    for field, cell in zip(known, row, strict=True)
                    if cell is not None
                }
            except (ValueError, TypeError) as damage:
                raise HistoryError(number, shortened(str(damage)), source) from None
            yield Row(number, found)

    return _events(rows(), source)


def _json(cell: Any) -> bytes:
    return msgspec.json.encode(cell)


def _columns(header: list[str], columns: Mapping[str, str], source: str) -> dict[str, int]:
    """By field, the place of its column.

    Raises:
        HistoryError: a column that was named is not there, or none holds what every event needs.
    """
    for field, name in columns.items():
        if name not in header:
            rule = f"no column {name!r} for {field}; the columns are {', '.join(header)}"
            raise HistoryError(1, shortened(rule), source)
    known = {field: columns.get(field, field) for field in FIELDS}
    found = {field: header.index(name) for field, name in known.items() if name in header}
    if "start" in columns or ("type" not in found and "start" in found):
        found.pop("time", None)
    else:
        found = {field: place for field, place in found.items() if field not in ("start", "end", "result")}
        if "type" not in found:
            rule = "no column for type, nor for start; name them, as in --columns type=event,process=worker"
            raise HistoryError(1, rule, source)
    return found


NUMBER = re.compile(r"-?(0|[1-9]\d*)\Z")


def _of_text(cell: str) -> str:
    """A cell as a JSON text: JSON if it is JSON, else a text."""
    if NUMBER.match(cell):
        return canonical(cell.encode())
    if cell[0] in '[{"-0123456789' or cell in ("null", "true", "false"):
        try:
            json.loads(cell, parse_constant=_refuse)
        except (ValueError, RecursionError):
            pass
        else:
            return canonical(cell.encode())
    return encoded(MARK + cell if cell.startswith(MARK) else cell)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


@dataclass
class _Operation:
    row: Row
    process: int | str
    start: float
    end: float | None
    outcome: str


def _events(rows: Iterable[Row], source: str) -> Events:
    builder = Builder(source)
    operations: list[_Operation] = []
    for row in rows:
        if "start" in row.cells:
            operations.append(_operation(builder, row))
            continue
        if "type" not in row.cells:
            raise builder.refusal(row.line, "no type, nor a start")
        time = row.cells.get("time")
        moment = None if time is None else _number(builder, row, "time")
        _add(builder, row, _name(builder, row, "type") or "", "value", moment)
    _add_operations(builder, operations)
    return builder.events()


def _add(builder: Builder, row: Row, type_: str, value: str, time: float | None) -> None:
    key, error = row.cells.get("key"), row.cells.get("error")
    builder.add(
        row.line,
        _process(builder, row),
        type_,
        _name(builder, row, "f"),
        None if key is None else key_text(msgspec.json.decode(key)),
        row.cells.get(value),
        time=None if time is None else int(time),
        error=None if error is None else error_text(msgspec.json.decode(error)),
    )


def _name(builder: Builder, row: Row, field: str) -> str | None:
    cell = row.cells.get(field)
    if cell is None:
        return None
    name = msgspec.json.decode(cell)
    if not isinstance(name, str):
        raise builder.refusal(row.line, f"{field} is {shortened(in_words(name))}, not a name")
    return name


def _process(builder: Builder, row: Row) -> int | str | None:
    cell = row.cells.get("process")
    process = None if cell is None else msgspec.json.decode(cell)
    if process is None or type(process) is int or isinstance(process, str):
        return process
    raise builder.refusal(row.line, f"process is {shortened(in_words(process))}, no number and no name")


def _number(builder: Builder, row: Row, field: str) -> float:
    number = msgspec.json.decode(row.cells[field])
    if type(number) not in (int, float):
        raise builder.refusal(row.line, f"{field} is {shortened(in_words(number))}, not a number")
    return float(number) if type(number) is float else number


def _operation(builder: Builder, row: Row) -> _Operation:
    process = _process(builder, row)
    if process is None:
        raise builder.refusal(row.line, "no process")
    start = _number(builder, row, "start")
    end = _number(builder, row, "end") if "end" in row.cells else None
    if end is not None and end < start:
        raise builder.refusal(row.line, f"the operation ends at {end}, before it starts at {start}")
    outcome = _name(builder, row, "type") or ("info" if end is None else "ok")
    if outcome not in ("ok", "fail", "info"):
        raise builder.refusal(row.line, f"the type is {outcome!r}, not one of ok, fail, info")
    if outcome != "info" and end is None:
        raise builder.refusal(row.line, f"the operation is {outcome} and has no end")
    return _Operation(row, process, start, end, outcome)


def _add_operations(builder: Builder, operations: list[_Operation]) -> None:
    """Add the two events of each operation in the order of time.

    At one moment, operations begin before others end: what touches may have overlapped. Only an operation
    that begins where the one before it of its process ends comes after that end.
    """
    has_results = any("result" in one.row.cells for one in operations)
    starts = Counter((one.process, one.start) for one in operations)
    ends = Counter((one.process, one.end) for one in operations)
    order: list[tuple[float, int, str, int, int]] = []
    for number, one in enumerate(operations):
        at_once = one.end == one.start
        follows = ends[one.process, one.start] > at_once
        order.append((one.start, 1 if follows else 0, str(one.process) if follows else "", 1, number))
        if one.end is not None:
            leads = starts[one.process, one.end] > at_once and not (follows and at_once)
            order.append((one.end, 1 if leads else 2, str(one.process) if leads else "", 0, number))
    begun: set[int] = set()
    for *_, number in sorted(order):
        one = operations[number]
        if number not in begun:
            begun.add(number)
            _add(builder, one.row, "invoke", "value", None)
        else:
            _add(builder, one.row, one.outcome, "result" if has_results else "value", None)
