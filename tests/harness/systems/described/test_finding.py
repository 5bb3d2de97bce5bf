"""Where a value stands in an answer, as a description says it."""

from __future__ import annotations

import pytest

from harness.systems.described.description import Found
from harness.systems.described.finding import MISSING, found_in, is_so


@pytest.mark.parametrize(
    ("answer", "where", "value"),
    [
        (b'"r7"', Found(json=""), "r7"),
        (b"null", Found(json=""), None),
        (b'{"a": [{"b": 3}]}', Found(json="a.0.b"), 3),
        (b'{"a": [{"b": 3}]}', Found(json="a.1.b"), MISSING),
        (b'{"a": [{"b": 3}]}', Found(json="a.b"), MISSING),
        (b"Mode: leader\nZxid: 0x200", Found(regex=r"^Zxid: (\S+)$"), "0x200"),
        (b"Mode: leader\n", Found(regex="Mode"), "Mode"),
        (b"Mode: leader\n", Found(regex="Zxid"), MISSING),
        (b"all of it", Found(), "all of it"),
        (b"eA==", Found(base64=True), "x"),
    ],
)
def test_a_value_is_found(answer: bytes, where: Found, value: object) -> None:
    found = found_in(answer, where)
    assert found is value or found == value


@pytest.mark.parametrize(
    ("answer", "where", "yes"),
    [
        (b'{"role": "leader"}', Found(json="role", equals="leader"), True),
        (b'{"role": "follower"}', Found(json="role", equals="leader"), False),
        (b"{}", Found(json="role", equals="leader"), False),
        (b'{"done": true}', Found(json="done"), True),
        (b'{"done": false}', Found(json="done"), False),
        (b"{}", Found(json="done"), False),
        (b'{"a": 1, "b": 1}', Found(json="a", equals_json="b"), True),
        (b'{"a": 1, "b": 2}', Found(json="a", equals_json="b"), False),
        (b'{"b": 2}', Found(json="a", equals_json="c"), False),
        (b"role:master\r\n", Found(regex="role:(master)"), True),
    ],
)
def test_a_yes_or_no_is_found(answer: bytes, where: Found, yes: bool) -> None:
    assert is_so(answer, where) is yes


@pytest.mark.parametrize(
    ("answer", "where"),
    [(b"<html>", Found(json="a")), (b"{" * 100_000, Found(json="a")), (b"?", Found(base64=True))],
)
def test_an_answer_that_is_not_what_it_should_be_is_refused(answer: bytes, where: Found) -> None:
    with pytest.raises(ValueError, match="not"):
        found_in(answer, where)
