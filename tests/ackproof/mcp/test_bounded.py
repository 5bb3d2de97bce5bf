"""Answers to agents are small, and say what was left out."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from ackproof.mcp.bounded import MOST_CHARACTERS, bounded


def test_what_is_small_stays_as_it_is() -> None:
    value = {"a": [1, 2], "b": {"c": "x"}}
    assert bounded(value) == value


def test_long_lists_and_texts_say_how_much_is_left_out() -> None:
    found = bounded({"rows": [{"text": "x" * 9000}] * 500, "validity": "invalid"})
    assert found["cut"] is True
    assert found["validity"] == "invalid"
    assert found["rows"][-1].endswith("more)")
    assert "more characters" in found["rows"][0]["text"]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_larger_than_the_bound(seed: int) -> None:
    value = {f"key-{number}": drawn(Random(seed * 100 + number), 3) for number in range(seed + 1)}
    for most in (MOST_CHARACTERS, 2000):
        assert len(msgspec.json.encode(bounded(value, most))) <= most


def drawn(random: Random, depth: int) -> Any:
    """A value of lists, mappings and long texts."""
    match random.randrange(4 if depth else 2):
        case 0:
            return "é\n" * random.randrange(3000)
        case 1:
            return random.randrange(10**12)
        case 2:
            return [drawn(random, depth - 1) for _ in range(random.randrange(15))]
    return {str(number): drawn(random, depth - 1) for number in range(random.randrange(15))}
