"""The log against the plainest model of it: a list of terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.events import Entry
from node_impl.core.raft.member.log import Log, entry_hash
from tests.node_impl.core.raft.driving import entries

rising = st.lists(st.integers(0, 2), max_size=12).map(
    lambda steps: [1 + sum(steps[: i + 1]) for i in range(len(steps))]
)


@given(rising, st.integers(1, 13), st.lists(st.integers(0, 2), max_size=5))
def test_a_log_answers_as_a_list_of_terms_does(terms: list[int], cut: int, steps: list[int]) -> None:
    log = Log(entries(*terms))
    if cut <= len(terms):
        log.truncate(cut)
        terms = terms[: cut - 1]
    for step in steps:
        terms.append((terms[-1] if terms else 1) + step)
        log.append([Entry(len(terms), terms[-1], "noop")])

    assert log.last_index == len(terms)
    assert log.last_term == (terms[-1] if terms else 0)
    assert [log.term_at(index) for index in range(len(terms) + 2)] == [0, *terms, -1]
    assert [row[:2] for row in log.trace_rows(1, log.last_index)] == list(enumerate(terms, start=1))
    for index, term in enumerate(terms, start=1):
        assert log.first_index_of_term_at(index) == terms.index(term) + 1
    for term in range(20):
        expected = len(terms) - terms[::-1].index(term) if term in terms else 0
        assert log.last_index_of_term(term) == expected


def test_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="entry 3 cannot follow entry 1"):
        Log([Entry(1, 1, "noop"), Entry(3, 1, "noop")])


@pytest.mark.parametrize("index", [0, 3, -1])
def test_an_index_outside_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match="the log holds 1 to 2"):
        Log(entries(1, 1))[index]


def test_a_hash_covers_term_kind_and_payload_and_not_the_operation_id() -> None:
    entry = Entry(1, 2, "command", b"payload", "7")
    assert len(entry_hash(entry)) == 16
    assert entry_hash(entry) == entry_hash(Entry(1, 2, "command", b"payload", "8"))
    others = [
        Entry(1, 3, "command", b"payload"),
        Entry(1, 2, "noop", b"payload"),
        Entry(1, 2, "command", b"other"),
    ]
    assert len({entry_hash(other) for other in [entry, *others]}) == 4
