"""Requests that anybody may have written: what is accepted is kept exactly, what is not names its field."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.recording.journal import Journal
from harness.recording.protocol import (
    LARGEST_PROCESS,
    MOST_REQUEST_BYTES,
    PROTOCOL,
    Refusal,
    Refused,
    read_complete,
    read_invoke,
    read_line,
    value_in_history,
)
from history import read_history
from tests.harness.recording.clients import completion

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def refused(read: Any, request: object) -> Refusal:
    with pytest.raises(Refusal) as found:
        read(request if isinstance(request, bytes) else json.dumps(request).encode())
    text = str(found.value)
    assert text == text.strip() != ""
    assert "\n" not in text
    assert len(text) < 400
    return found.value


GOOD = {"process": 0, "f": "read"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"process": None}, "process"),
        ({"process": -1}, "process"),
        ({"process": True}, "process"),
        ({"process": 1.5}, "process"),
        ({"process": "0"}, "process"),
        ({"process": LARGEST_PROCESS + 1}, "process"),
        ({"f": ""}, "f"),
        ({"f": 3}, "f"),
        ({"f": "x" * 300}, "f"),
        ({"key": ["a"]}, "key"),
        ({"key": True}, "key"),
        ({"key": "x" * 20_000}, "key"),
        ({"node": 4}, "node"),
        ({"proces": 0}, "proces"),
        ({"time": 5}, "time"),
        ({"value": [[0] * 3] * 2, "type": "invoke"}, "type"),
    ],
)
def test_a_wrong_field_of_an_invocation_is_named(change: dict[str, Any], field: str) -> None:
    found = refused(read_invoke, {**GOOD, **change})
    assert (found.status, found.field) == (400, field)


def test_a_missing_field_is_named_with_what_it_must_be() -> None:
    assert "invoke needs 'f'" in str(refused(read_invoke, {"process": 0}))
    assert "complete needs 'type'" in str(refused(read_complete, {"process": 0}))


def test_an_unknown_field_is_answered_with_the_nearest() -> None:
    assert "did you mean 'process'?" in str(refused(read_invoke, {**GOOD, "proces": 0}))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"type": "okay", "process": 0}, "type"),
        ({"type": "ok", "value": 1}, "operation"),
        ({"type": "ok", "value": 1, "process": 0, "operation": 0}, "operation"),
        ({"type": "ok", "process": 0}, "value"),
        ({"type": "fail", "operation": -1}, "operation"),
        ({"type": "info", "process": 0, "error": 3}, "error"),
    ],
)
def test_a_wrong_field_of_a_completion_is_named(request_: dict[str, Any], field: str) -> None:
    assert refused(read_complete, request_).field == field


@pytest.mark.parametrize(
    "garbage",
    [
        b"", b"  ", b"null", b"[]", b"3", b'"x"', b"{", b'{"process":}', b"\xff\xfe", b"\x00" * 50,
        b"GET / HTTP/1.1", b'{"a":1}{"b":2}', b'{"f":"\\ud800","process":0}', b"[" * 5000,
        b'{"value":' * 5000,
    ],
)  # fmt: skip
def test_garbage_is_refused_in_one_line(garbage: bytes) -> None:
    for read in (read_invoke, read_complete, read_line):
        assert refused(read, garbage).status == 400


def test_a_request_that_is_too_large_is_refused_by_its_size() -> None:
    large = b'{"process":0,"f":"read","value":"' + b"x" * MOST_REQUEST_BYTES + b'"}'
    assert refused(read_invoke, large).status == 413


@pytest.mark.parametrize(
    "raw", [b"1e400", b"9" * 5000, b'"\xff"', b'"\xed\xa0\x80"', b"[" * 150 + b"]" * 150]
)
def test_a_value_that_cannot_be_kept_exactly_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal) as found:
        value_in_history(read_invoke(b'{"process":0,"f":"write","value":' + raw + b"}").value)
    assert found.value.field == "value"


@pytest.mark.parametrize("line", [b"{}", b'{"begin":{}}', b'{"invoke":{},"complete":{}}', b'{"Invoke":{}}'])
def test_a_line_has_one_of_the_known_names(line: bytes) -> None:
    assert "one name of invoke, complete, end, status" in str(refused(read_line, line))


def test_the_version_of_the_protocol_is_the_one_that_the_page_describes() -> None:
    assert PROTOCOL == 1


def test_a_refusal_is_encoded_as_an_answer_that_is_not_ok() -> None:
    answer = msgspec.json.decode(msgspec.json.encode(Refused("why", "field", "f")))
    assert answer == {"error": "why", "code": "field", "field": "f", "operation": None, "ok": False}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    values=st.lists(JSON, min_size=1, max_size=4), key=st.none() | st.integers(-9, 9) | st.text(max_size=20)
)
def test_whatever_is_accepted_is_read_back_as_equal(tmp_path: Path, values: list[Any], key: Any) -> None:
    (tmp_path / "history.jsonl").unlink(missing_ok=True)
    journal = Journal(tmp_path, 0, clock_ns=lambda: 0)
    kept: list[Any] = []
    for process, value in enumerate(values):
        request = json.dumps({"process": process, "f": "write", "key": key, "value": value}).encode()
        journal.invoke(read_invoke(request))
        kept.append(value)
        journal.complete(completion("ok", value, process=process))
    journal.end()
    history = read_history(tmp_path)
    assert [op.value for op in history if op.type == "ok"] == [
        op.value for op in history if op.type == "invoke"
    ]
    shown = [json.loads(json.dumps(op.value).replace("\\ue000\\ue000", "\\ue000")) for op in history]
    assert shown[::2] == kept or any("\ue000" in json.dumps(v, ensure_ascii=False) for v in kept)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode), cut=st.integers(0, 90))
def test_no_bytes_do_more_than_get_a_refusal_or_a_readable_history(
    tmp_path: Path, data: bytes, cut: int
) -> None:
    (tmp_path / "history.jsonl").unlink(missing_ok=True)
    journal = Journal(tmp_path, 0, clock_ns=lambda: 0)
    whole = b'{"process": 0, "f": "write", "key": "k", "value": [1, {"a": "b"}], "node": "n1"}'
    for request in (data, whole[:cut] + data + whole[cut:], whole[:cut] + data):
        with suppress(Refusal):
            journal.invoke(read_invoke(request))
    journal.end()
    read_history(tmp_path)  # which refuses what it cannot read
