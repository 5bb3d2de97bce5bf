"""How values are written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import text

JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("ns", "shown"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (850_000, "850 µs"),
        (3_200_000, "3.2 ms"),
        (100_000_000, "100 ms"),
        (2_010_000_000, "2.01 s"),
        (30_000_000_000, "30 s"),
        (250_000_000_000, "4 min 10 s"),
    ],
)
def test_durations_take_a_fitting_unit(ns: int, shown: str) -> None:
    assert text.duration(ns) == shown


@given(st.text(st.characters()))
def test_cleaned_text_can_be_encoded_and_holds_no_control(raw: str) -> None:
    cleaned = text.clean(raw)
    cleaned.encode("utf-8")
    assert not any(ord(c) < 32 and c not in "\t\n" for c in cleaned)
    assert text.clean(cleaned) == cleaned


@given(JSON_LIKE, st.integers(1, 80))
def test_any_value_has_a_short_form_of_one_clean_line(value: Any, length: int) -> None:
    shown = text.short(value, length)
    assert len(shown) <= length
    assert "\n" not in shown


@given(st.dictionaries(st.text(), JSON_LIKE))
def test_any_measures_become_rows_of_text(measures: dict[str, Any]) -> None:
    for name, value in text.leaves(measures):
        assert isinstance(name, str)
        assert isinstance(value, str)


def test_nested_measures_are_named_by_their_path() -> None:
    rows = dict(
        text.leaves({"a": {"b": 12_345, "c": [1, 2]}, "d": [{"e": None}], "f": {}, "g": list(range(99))})
    )
    assert rows["a · b"] == "12,345"
    assert rows["a · c"] == "1, 2"
    assert rows["d[0] · e"] == "none"
    assert rows["f"] == "{}"
    assert rows["g"].endswith("39, … (99 in all)")
    assert list(text.leaves({})) == []


def test_labels_of_values_read_as_words() -> None:
    assert text.short({"id": "r17", "weight": 1.0}) == "id r17, weight 1"
    assert text.short(["a", {"b": None}]) == "[2] a, {b null}"
    assert text.short("x" * 99, 10) == "xxxxxxxxx…"
