"""Compact sets and rows hold what plain ones do."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.raft.facts.compact import MessageIds, NumberRows

IDS = st.one_of(
    st.builds(
        "{}:{}:{}".format,
        st.sampled_from(["n1", "n2", "a:b"]),
        st.integers(1, 2),
        st.integers(0, 40) | st.sampled_from([10**7, 10**12, "007", "-1", "x", "²", ""]),
    ),
    st.text(max_size=6),
)


@given(few=st.integers(0, 8), ids=st.lists(IDS, max_size=40), others=st.lists(IDS, max_size=40))
def test_message_ids_are_in_as_often_as_they_were_put_in(few: int, ids: list[str], others: list[str]) -> None:
    compact, plain = MessageIds(few), Counter(ids)
    for message_id in ids:
        compact.add(message_id)
    assert None not in compact
    for message_id in (*ids, *others):
        assert (message_id in compact) == (plain[message_id] > 0)
        assert compact.take(message_id) == (plain[message_id] == 1)
        plain[message_id] = max(0, plain[message_id] - 1)


@given(few=st.integers(0, 8), ids=st.lists(IDS, max_size=40), others=st.lists(IDS, max_size=40))
def test_many_ids_added_at_once_are_in_as_each_by_itself(few: int, ids: list[str], others: list[str]) -> None:
    one_by_one, at_once = MessageIds(few), MessageIds(few)
    for message_id in ids:
        one_by_one.add(message_id)
    at_once.extend(ids)
    seen = at_once.as_it_is()
    for message_id in (*ids, *others):
        assert (message_id in seen) == (message_id in one_by_one) == (message_id in at_once)
    for message_id in (*ids, *others):
        assert at_once.take(message_id) == one_by_one.take(message_id)


def test_an_id_that_came_far_too_early_stays_in_when_the_count_reaches_it() -> None:
    ids = MessageIds(few=0)
    ids.add("n1:1:1500000")
    for n in range(1_500_002):
        ids.add(f"n1:1:{n}")
    assert not ids.take("n1:1:1500000")
    assert ids.take("n1:1:1500000")
    assert "n1:1:1500000" not in ids


@given(
    st.dictionaries(
        st.integers(0, 60), st.tuples(st.integers(), st.integers()).map(lambda t: (t[0] % 99, t[1] % 99))
    )
)
def test_rows_are_found_by_their_position(rows: dict[int, tuple[int, int]]) -> None:
    compact = NumberRows(2)
    for position in sorted(rows):
        compact.put(position, rows[position])
    for position in range(62):
        if position in rows:
            assert (compact.at(position, 0), compact.at(position, 1)) == rows[position]
        else:
            with pytest.raises(KeyError):
                compact.at(position, 0)
