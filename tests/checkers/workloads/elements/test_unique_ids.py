"""Unique ids: invalid exactly where two replies gave one id."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Any

import msgspec
import pytest

from checkers.verdict import IllegalOperation, Unjudged, Validity
from checkers.workloads.elements.unique_ids import UniqueIds
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.sequential import replies, side_by_side


def generated(random: Random, steps: int = 60) -> HistoryBuilder:
    """A generator of ids under clients."""
    ids = count()
    return side_by_side(random, steps, lambda: ("generate", None, None), lambda *_: next(ids))


def test_ids_that_all_differ_are_valid_and_one_given_twice_is_not() -> None:
    for seed in range(300):
        random = Random(seed)
        built = generated(random)
        verdict = UniqueIds().check(recording(built))
        assert verdict.validity is Validity.VALID, verdict.summary
        assert verdict.measures["acknowledged"] == len(replies(built, "generate"))
        first, second = sorted(random.sample(replies(built, "generate"), 2))
        given = built.operations[first].value
        built.operations[second] = msgspec.structs.replace(built.operations[second], value=given)
        verdict = UniqueIds().check(recording(built))
        assert verdict.validity is Validity.INVALID
        assert set(map(built.history().number, (first, second))) <= set(verdict.evidence[0].operations)
        assert verdict.measures["duplicated"] == 1


def with_ids(*ids: Any, key: str | None = None) -> HistoryBuilder:
    built = HistoryBuilder()
    for one in ids:
        built.do("generate", key, None, one)
    return built


def test_ids_are_compared_as_json() -> None:
    different = with_ids(1, "1", 1.0, [1], [1, 2], [1, "2"])
    assert UniqueIds().check(recording(different)).validity is Validity.VALID
    assert UniqueIds().check(recording(with_ids([7, "a"], [7, "a"]))).validity is Validity.INVALID


def test_one_id_of_two_keys_is_two_ids() -> None:
    built = with_ids(5, key="x")
    built.do("generate", "y", None, 5)
    assert UniqueIds().check(recording(built)).mark is Unjudged.NOT_EXERCISED
    built.do("generate", "y", None, 6)
    assert UniqueIds().check(recording(built)).validity is Validity.VALID


def test_a_lost_reply_gave_an_id_to_nobody_and_one_id_shows_nothing() -> None:
    built = with_ids(1)
    built.do("generate", None, None, 1, "info")
    built.do("generate", None, None, None, "fail")
    verdict = UniqueIds().check(recording(built))
    assert verdict.validity is Validity.UNKNOWN
    assert (verdict.measures["attempted"], verdict.measures["acknowledged"]) == (3, 1)


@pytest.mark.parametrize("no_id", [None, True, {"a": 1}, [], [None]])
def test_a_reply_that_is_no_id_is_refused_with_the_operation(no_id: Any) -> None:
    with pytest.raises(IllegalOperation, match="operation 3: an id is"):
        UniqueIds().judge(recording(with_ids(1, no_id)))


def test_another_operation_is_refused() -> None:
    built = with_ids(1)
    built.do("read", None, None, 1)
    with pytest.raises(IllegalOperation, match="operation 2: unknown f 'read'; unique-ids knows generate"):
        UniqueIds().judge(recording(built))
    assert UniqueIds().check(recording(built)).validity is Validity.UNKNOWN
