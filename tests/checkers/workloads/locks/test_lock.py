"""The checker `lock`, compared with a search for an order in small histories of locks that break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import NamedTuple

import pytest

from checkers.verdict import Unjudged, Validity, Verdict
from checkers.workloads.locks.lock import TWO_HOLDERS, Lock
from history import History, Operation, Recording
from tests.checkers.builders import HistoryBuilder
from tests.marks import first_in_ci

FAULTS = ("correct", "shares", "drawn", "old tokens")
NEVER = 10**9


class Locksmith:
    """One lock and several processes, which begin, carry out and end operations at drawn moments.

    A session may end at any time, which frees its lock. `shares`: now and then a held lock is given to
    another, too, and both are confirmed. `drawn`: outcomes and tokens are drawn. `old tokens`: now and then a
    token is given that is smaller than the last, or the last again.
    """

    def __init__(self, random: Random, fault: str, fenced: bool) -> None:
        self.random, self.fault, self.fenced = random, fault, fenced
        self.built = HistoryBuilder()
        self.holders: set[int] = set()
        self.token = 0
        self.pending: dict[int, str] = {}
        self.outcome: dict[int, tuple[str, int | None]] = {}
        self.got: set[int] = set()

    def step(self, processes: int) -> None:
        """Begin, carry out or end one operation, or end a session."""
        process = self.random.randrange(processes)
        if self.random.random() < 0.04:
            self.holders.discard(process)
        elif process not in self.pending:
            f = "release" if process in self.got else "acquire"
            self.built.invoke(process, f, "k")
            self.pending[process] = f
        elif process not in self.outcome:
            self.outcome[process] = self.carry_out(process, self.pending[process])
        else:
            f = self.pending.pop(process)
            kind, token = self.outcome.pop(process)
            self.built.complete(process, kind, token)
            if f == "acquire" and kind == "ok":
                self.got.add(process)
            else:
                self.got.discard(process)

    def carry_out(self, process: int, f: str) -> tuple[str, int | None]:
        """What the lock does, and how it answers."""
        if self.fault == "drawn":
            token = self.random.randrange(4) if f == "acquire" and self.fenced else None
            return ("ok", token) if self.random.random() < 0.7 else ("fail", None)
        if f == "release":
            held = process in self.holders
            self.holders.discard(process)
            return ("ok" if held else "fail", None)
        if self.holders and not (self.fault == "shares" and self.random.random() < 0.4):
            return "fail", None
        self.holders.add(process)
        step = 1 if self.fault != "old tokens" or self.random.random() < 0.6 else self.random.choice((0, -1))
        self.token += step
        return "ok", max(self.token, 0) if self.fenced else None


def drawn(random: Random, fault: str) -> History:
    smith = Locksmith(random, fault, fenced=random.random() < 0.5 or fault == "old tokens")
    processes = random.randrange(2, 5)
    for _ in range(random.randrange(10, 45)):
        smith.step(processes)
    for process in list(smith.pending):
        if random.random() < 0.5:
            smith.built.complete(process, "info")
    return smith.built.history()


class Taken(NamedTuple):
    """An acquisition that succeeded: it happened between two positions; held until at least a third."""

    begun: int
    answered: int
    held_until: int
    released_by: int
    token: int | None


def acquisitions(history: History) -> Iterator[Taken]:
    for op in history:
        end = history.completion(op) if op.type == "invoke" else None
        if op.f != "acquire" or end is None or end.type != "ok":
            continue
        release = next((one for one in history if follows(one, end)), None)
        done = None if release is None else history.completion(release)
        if release is None or done is None or done.type != "ok":
            yield Taken(op.index, end.index, -1, NEVER, end.value)
        else:
            yield Taken(op.index, end.index, release.index, done.index, end.value)


def follows(one: Operation, end: Operation) -> bool:
    return one.process == end.process and one.index > end.index and one.type == "invoke"


def has_an_order(history: History) -> bool:
    """Try every order in which the lock may have been given, with the earliest moment for each."""
    taken = tuple(acquisitions(history))

    @cache
    def possible(left: frozenset[int], free_from: int, token: int) -> bool:
        if not left:
            return True
        for place in left:
            one = taken[place]
            given = max(one.begun, free_from)
            if given >= one.answered or (one.token is not None and one.token <= token):
                continue
            # A confirmed hold lasts until its release began; any other may end at once.
            free = given if one.held_until < 0 else max(given, one.held_until)
            if possible(left - {place}, free, token if one.token is None else one.token):
                return True
        return False

    return possible(frozenset(range(len(taken))), -1, -1)


def check(history: History) -> Verdict:
    return Lock().check(Recording(("n1",), history))


@pytest.mark.parametrize("seed", [0, 1, *first_in_ci(range(2, 40), 4)])
def test_a_history_is_invalid_exactly_if_no_order_explains_it(seed: int) -> None:
    random = Random(seed)
    found: Counter[tuple[str, bool]] = Counter()
    for number in range(200):
        fault = FAULTS[number % len(FAULTS)]
        history = drawn(random, fault)
        expected = has_an_order(history)
        verdict = check(history)
        assert (verdict.validity is Validity.INVALID) == (not expected), (seed, number, fault, list(history))
        found[fault, expected] += 1
    assert not found["correct", False]
    assert all(found[fault, False] for fault in FAULTS if fault != "correct"), found


def taken(built: HistoryBuilder, process: int, token: int | None = None) -> None:
    built.invoke(process, "acquire", "k")
    built.complete(process, "ok", token)


def released(built: HistoryBuilder, process: int, kind: str = "ok") -> None:
    built.invoke(process, "release", "k")
    built.complete(process, kind)


def test_a_lock_that_was_lost_before_its_release_claims_nothing_in_between() -> None:
    built = HistoryBuilder()
    taken(built, 1)
    taken(built, 2)
    released(built, 1, "fail")
    released(built, 2)
    assert check(built.history()).validity is Validity.VALID


def test_a_release_that_is_acknowledged_makes_both_holders_certain() -> None:
    built = HistoryBuilder()
    taken(built, 1)
    taken(built, 2)
    released(built, 1)
    [case] = check(built.history()).evidence
    assert case.kind == TWO_HOLDERS
    assert case.title.startswith("process 2 got the lock k at ")
    assert case.operations == (0, 2, 4)


def test_a_smaller_token_that_is_still_held_when_a_greater_one_is_given_is_a_violation() -> None:
    built = HistoryBuilder()
    built.invoke(1, "acquire", "k")
    taken(built, 2, 9)
    released(built, 2)
    built.complete(1, "ok", 8)
    released(built, 1)
    [case] = check(built.history()).evidence
    assert "the greater token 9" in case.text


def test_one_acquisition_proves_nothing() -> None:
    built = HistoryBuilder()
    taken(built, 1)
    released(built, 1)
    assert check(built.history()).mark is Unjudged.NOT_EXERCISED
