"""Runs are chosen by what they have; what is not asked for does not matter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from checkers.verdict import Validity
from harness.store.choice import Choice, moment
from harness.store.entry import RunEntry

RUN = RunEntry(
    folder="2026-11-28T100000-register-7",
    state="judged",
    validity=Validity.INVALID,
    began_at="2026-11-28T10:00:00Z",
    system="my.py:Mine",
    workload="register",
    nemesis=("kill:leader", "partition"),
    seed=7,
    commit="3f2a91" + "0" * 34,
    failed=("durability",),
    why="r7 was lost",
)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "is_taken"),
    [
        ({}, True),
        ({"system": "my.py:*"}, True),
        ({"system": "etcd"}, False),
        ({"workload": "register"}, True),
        ({"fault": "kill"}, True),
        ({"fault": "kill:leader"}, True),
        ({"fault": "kill:n1"}, False),
        ({"verdicts": ("valid", "invalid")}, True),
        ({"verdicts": ("damaged",)}, False),
        ({"since": "2026-11-28T10:00:00Z", "until": "2026-11-28T10:00:00Z"}, True),
        ({"since": "2026-11-28T10:00:01Z"}, False),
        ({"until": "2026-11-28T09:59:59Z"}, False),
        ({"commit": "3F2A91"}, True),
        ({"commit": "aa"}, False),
        ({"text": "LOST"}, True),
        ({"text": "seed 7"}, True),
        ({"text": "resurrected"}, False),
        ({"system": "my.py:Mine", "workload": "cas"}, False),
    ],
)
def test_a_run_is_taken_if_it_has_all_that_is_asked_for(asked: dict[str, Any], is_taken: bool) -> None:
    assert Choice(**asked).takes(RUN) is is_taken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", "2026-11-27T12:00:00Z"),
        ("2w", "2026-11-14T12:00:00Z"),
        ("2026-11-28T13:42+02:00", "2026-11-28T11:42:00Z"),
    ],
)
def test_a_time_is_a_date_or_how_long_ago(text: str, expected: str) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "7 d", "999999w", "2026-13-01", "d" * 3000])
def test_what_is_no_time_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: give a date") as refusal:
        moment(text, NOW)
    assert len(str(refusal.value)) < 300
