"""The compiled reader of our own JSON lines gives what the plain one gives, or leaves the file to it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest

from history import History, HistoryError, Operation
from history.history import TYPES, Columns
from history.kernels import Form
from history.stored import lines, pieces, store
from history.stored.store import _read_json_lines, _read_line_by_line

VALUES: tuple[Any, ...] = (
    None, 0, -7, 10**17, 10**18, 2.5, 1e30, True, "a", "r1", 'with "quotes"', "\u00e9\n", "", [], [0, None],
    [["w", "x", 1], ["r", "y", None]], {"b": 1, "a": [2]}, "\ue000:k", [1, [2, [3]]], "1e5",
    12345678901234567890,
)  # fmt: skip


@pytest.fixture(autouse=True, params=["whole", "in pieces"])
def compiled_from_the_first_byte(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(lines, "fitting", lambda work: Form.COMPILED)
    monkeypatch.setattr(pieces, "fitting", lambda work: Form.COMPILED)
    if request.param == "in pieces":
        monkeypatch.setattr(store, "MOST_BYTES_AT_ONCE", -1)
        monkeypatch.setattr(pieces, "PIECE_BYTES", 500)


def recorded(draw: Random) -> list[Operation]:
    """Operations of some clients, one after the other, and one fault."""
    found: list[Operation] = []
    for number in range(draw.randint(0, 12)):
        process = draw.choice([number, -1])
        key = draw.choice([None, "k", "k\u00e9", 'k"'])
        f = draw.choice(["read", "write"])
        ended = "info" if process == -1 else draw.choice(TYPES[1:])
        error = None if ended == "ok" else draw.choice([None, "timeout", "r1"])
        for type_, why in (("invoke", None), (ended, error)):
            found.append(
                Operation(
                    index=len(found),
                    time=7 * len(found),
                    process=process,
                    type=type_,
                    f=f,
                    key=key,
                    value=draw.choice(VALUES),
                    error=why,
                    node=draw.choice([None, "n1"]),
                    raft_index=draw.choice([None, 5]),
                )
            )
    return found


def outcome(read: Any, path: Path) -> tuple[Any, ...] | str:
    """The columns that a reader gives, or its refusal."""
    try:
        columns = read(path).columns
    except HistoryError as refusal:
        return str(refusal)
    return as_plain(columns)


def as_plain(columns: Columns) -> tuple[Any, ...]:
    values = (getattr(columns, field.name) for field in fields(columns))
    return tuple(value.tolist() if isinstance(value, np.ndarray) else value for value in values)


def written(operations: list[Operation], path: Path) -> bytes:
    content = b"".join(msgspec.json.encode(operation) + b"\n" for operation in operations)
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("seed", range(60))
def test_both_readers_give_the_same_columns(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    written(recorded(Random(seed)), path)
    assert outcome(_read_json_lines, path) == outcome(_read_line_by_line, path)


def test_what_the_recorder_writes_needs_no_plain_reader(tmp_path: Path) -> None:
    for seed in range(60):
        content = written(recorded(Random(seed)), tmp_path / "history.jsonl")
        assert not content or lines.columns_of(content) is not None, seed


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_is_read_or_refused_alike(seed: int, tmp_path: Path) -> None:
    draw = Random(seed)
    path = tmp_path / "history.jsonl"
    whole = written(recorded(draw), path) or b"\n"
    for _ in range(25):
        at, upto = sorted(draw.choices(range(len(whole)), k=2)) if draw.random() < 0.3 else (0, 0)
        at = at or draw.randrange(len(whole))
        upto = max(upto, at + draw.randint(0, 2))
        new = draw.choice(
            [b"", b" ", b'"', b"\\", b"0", b"-", b"e", b"{", b"]", b",", b"\n", b"\xff", b"null"]
        )
        path.write_bytes(whole[:at] + new + whole[upto:])
        assert outcome(_read_json_lines, path) == outcome(_read_line_by_line, path), path.read_bytes()


def test_a_file_that_nests_too_deeply_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for depth in (98, 99, 100, 101):
        value = b"[" * depth + b"]" * depth
        path.write_bytes(b'{"index":0,"time":0,"process":0,"type":"invoke","f":"w","value":' + value + b"}\n")
        assert outcome(_read_json_lines, path) == outcome(_read_line_by_line, path)
    assert "nested deeper" in str(outcome(_read_json_lines, path))


def test_one_operation_is_made_without_the_others(tmp_path: Path) -> None:
    operations = recorded(Random(3))
    whole = History(operations)
    columns = History.from_columns(whole.columns)
    assert [columns[place] for place in range(-len(operations), len(operations))] == operations * 2
    with pytest.raises(IndexError):
        columns[len(operations)]


PIECES = (
    "0",
    "1",
    "7",
    "-",
    "a",
    "n",
    '"',
    ",",
    "[",
    "]",
    "E",
    ".",
    "123456789",
    "12345678901234567",
    "{",
    " ",
)
UNUSUAL = re.compile(r"[^-0-9\[\]\",a-z\n]|-0|[0-9][a-z]|[0-9]{19}")
"""Where this is not found, each value is written in the only way that a history writes it."""


@pytest.mark.parametrize("form", list(Form))
def test_usual_values_are_those_that_have_one_form(form: Form) -> None:
    draw = Random(23)
    usual = 0
    for _ in range(3000):
        values = ["".join(draw.choices(PIECES, k=draw.randint(1, 4))) for _ in range(draw.randint(1, 3))]
        text = "".join(value + "\n" for value in values)
        raw = np.frombuffer(text.encode(), dtype=np.uint8)
        found = form.of(lines.is_usual)(raw if form is Form.COMPILED else raw.tolist())
        assert found == (UNUSUAL.search(text) is None), values
        usual += found
    assert 300 < usual < 2700


def test_null_among_usual_values_is_no_value(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    values = ("3", "null", '"a"', "3", "null", "[1,2]")
    path.write_text(
        "".join(
            f'{{"index":{2 * n + half},"time":{n},"process":{n},"type":"{type_}","f":"write",'
            f'"value":{value}}}\n'
            for n, value in enumerate(values)
            for half, type_ in enumerate(("invoke", "ok"))
        )
    )
    read = _read_json_lines(path).columns
    assert as_plain(read) == as_plain(_read_line_by_line(path).columns)
    assert [read.decoded(code) for code in read.value.tolist()[::2]] == [3, None, "a", 3, None, [1, 2]]


def test_fields_in_another_order_on_each_line_are_read(tmp_path: Path) -> None:
    draw = Random(5)
    path = tmp_path / "history.jsonl"
    made = []
    for index in range(40):
        named = {"index": index, "time": index, "process": index // 2, "type": ("invoke", "ok")[index % 2]}
        named |= {"f": "read", "key": f"k{index // 2 % 3}", "value": draw.randint(0, 3), "node": "n1"}
        names = list(named)
        draw.shuffle(names)
        made.append(msgspec.json.encode({name: named[name] for name in names}) + b"\n")
    path.write_bytes(b"".join(made))
    columns = lines.columns_of(path.read_bytes())
    assert columns is not None
    assert as_plain(columns) == as_plain(_read_line_by_line(path).columns)
