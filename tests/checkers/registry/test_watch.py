"""Watches: valid exactly where every answer is the log's changes between its two indices."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from checkers.registry.watch import WatchPromises
from checkers.verdict import IllegalOperation, Validity
from tests.checkers.builders import HistoryBuilder, recording

Event = tuple[int, str | None]


def log(random: Random, length: int, built: HistoryBuilder) -> list[Event]:
    """Writes of one key, at ascending indices; what each changed it to."""
    changes: list[Event] = []
    held: str | None = None
    for index in range(1, length + 1):
        if random.random() < 0.2:
            continue  # an entry of another key
        if random.random() < 0.3:
            built.do("deregister", "k", None, held, raft_index=index)
            if held is not None:
                changes.append((index, None))
            held = None
        else:
            held = f"v{index}"
            built.do("register", "k", held, held, raft_index=index)
            changes.append((index, held))
    return changes


def damaged(events: list[Event], random: Random) -> list[Event]:
    """One change left out, told twice, told late, or told wrongly."""
    events = list(events)
    place = random.randrange(len(events))
    match random.randrange(4):
        case 0:
            del events[place]
        case 1:
            events.insert(place, events[place])
        case 2:
            events.append(events.pop(place))
        case _:
            events[place] = (events[place][0], "another")
    return events


def test_an_answer_is_valid_exactly_if_it_is_what_the_log_says() -> None:
    said: Counter[Validity] = Counter()
    for seed in range(3000):
        random = Random(seed)
        built = HistoryBuilder()
        changes = log(random, 8, built)
        after, right = 0, True
        while after < 8:
            until = random.randrange(after + 1, 9)
            expected = [change for change in changes if after < change[0] <= until]
            events = damaged(expected, random) if expected and random.random() < 0.2 else expected
            built.invoke(7, "watch", "k", {"after": after})
            if random.random() < 0.2:
                built.complete(7, "fail", error="timed out")
                continue
            built.ok(7, {"events": [list(event) for event in events], "until": until})
            right &= events == expected
            after = until
        verdict = WatchPromises().check(recording(built))
        assert (verdict.validity is not Validity.INVALID) == right, (seed, verdict)
        said[verdict.validity] += 1
    assert min(said[Validity.VALID], said[Validity.INVALID]) > 500, said


@pytest.mark.parametrize(
    ("promise", "events"),
    [
        ("reliable", [[2, "b"]]),
        ("ordered", [[2, "b"], [1, "a"]]),
        ("unique", [[1, "a"], [1, "a"], [2, "b"]]),
        ("reliable", [[1, "a"], [2, "c"]]),
        ("ordered", [[1, "a"], [2, "b"], [9, "b"]]),
        ("reliable", [[1, "a"], [2, "b"], [3, "never written"]]),
    ],
)
def test_each_broken_promise_is_named(promise: str, events: list[list[object]]) -> None:
    built = HistoryBuilder()
    built.do("register", "k", "a", "a", raft_index=1)
    built.do("register", "k", "b", "b", raft_index=2)
    built.do("watch", "k", {"after": 0}, {"events": events, "until": 3})
    verdict = WatchPromises().check(recording(built))
    assert verdict.validity is Validity.INVALID
    assert f"a watch that is not {promise}" in {evidence.kind for evidence in verdict.evidence}


def test_a_write_that_nobody_answered_may_be_told_or_not() -> None:
    for events in ([], [[1, "a"]]):
        built = HistoryBuilder()
        built.do("register", "k", "a", None, "info")
        built.do("register", "k", "b", "b", raft_index=2)
        built.do("watch", "k", {"after": 0}, {"events": [*events, [2, "b"]], "until": 2})
        assert WatchPromises().check(recording(built)).validity is Validity.VALID


def test_a_watch_that_skips_by_itself_or_answers_in_another_form_is_refused() -> None:
    built = HistoryBuilder()
    for after in (0, 5):
        built.invoke(7, "watch", "k", {"after": after})
        built.ok(7, {"events": [], "until": 3})
    with pytest.raises(IllegalOperation, match="goes on after index 5"):
        WatchPromises().judge(recording(built))
    odd = HistoryBuilder()
    odd.do("watch", "k", {"after": 0}, ["a"])
    assert WatchPromises().check(recording(odd)).validity is Validity.UNKNOWN
