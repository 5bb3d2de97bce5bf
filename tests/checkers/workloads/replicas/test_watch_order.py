"""The checker `watch-order`, compared with a search for an order in small histories of broken stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations
from random import Random

import pytest

from checkers.verdict import Unjudged, Validity, Verdict
from checkers.workloads.replicas.watch_order import MISSING, NO_ORDER, NOT_IN_TIME, WatchOrder
from history import History, Operation, Recording
from tests.checkers.builders import HistoryBuilder, recording
from tests.marks import first_in_ci

FAULTS = ("correct", "misses", "swaps", "repeats", "invents", "forgets", "drawn")


class Clock:
    """Operations of several processes, each with a position of its beginning, its effect and its end."""

    def __init__(self, random: Random, fault: str) -> None:
        self.random, self.fault = random, fault
        self.order: list[str] = []
        self.built = HistoryBuilder()
        self.pending: dict[int, tuple[str, str | None, bool]] = {}
        """By process: what it does, its value, and whether it took effect."""
        self.opened: dict[int, int] = {}
        self.seen: dict[int, list[str]] = {}
        self.written = 0

    def step(self, writers: int, processes: int, most_writes: int) -> None:
        """Begin, carry out or end one operation."""
        process = self.random.randrange(processes)
        if process not in self.pending:
            if process < writers:
                if self.written == most_writes:
                    return
                self.written += 1
                value = f"v{self.written}"
                self.built.invoke(process, "write", "k", value)
                self.pending[process] = ("write", value, False)
            else:
                self.opened.setdefault(process, len(self.order))
                self.built.invoke(process, "watch", "k")
                self.pending[process] = ("watch", None, False)
            return
        f, written, done = self.pending[process]
        if written is None:
            del self.pending[process]
            self.built.complete(process, "ok", self.shown(process))
        elif not done:
            self.pending[process] = (f, written, True)
            if self.fault != "forgets" or self.random.random() > 0.3:
                self.order.append(written)
        else:
            del self.pending[process]
            self.built.complete(process, "ok", written)

    def shown(self, process: int) -> list[str]:
        """What a watch was shown: more and more of the order, or something wrong."""
        seen = self.seen.setdefault(process, [])
        if self.fault == "drawn":
            return self.random.sample([f"v{n + 1}" for n in range(self.written)], k=min(2, self.written))
        reached = self.opened[process] + len(seen)
        for value in self.order[reached : reached + self.random.randrange(3)]:
            seen.append(value)
        wrong = self.random.random() < 0.4
        if wrong and self.fault == "swaps" and len(seen) > 1:
            seen[-2:] = reversed(seen[-2:])
        if wrong and self.fault == "misses" and len(seen) > 1:
            self.opened[process] += 1
            del seen[-2]
        if wrong and self.fault == "repeats" and seen:
            self.opened[process] -= 1
            seen.append(seen[0])
        if wrong and self.fault == "invents":
            self.opened[process] -= 1
            seen.append(f"v{self.random.randrange(1, 6)}")
        return list(seen)


def drawn(random: Random, fault: str) -> History:
    """A small history: two writers, up to three watchers, some writes of unknown outcome."""
    clock = Clock(random, fault)
    processes = random.randrange(3, 6)
    for _ in range(random.randrange(12, 40)):
        clock.step(2, processes, random.randrange(2, 6))
    for process in list(clock.pending):
        if random.random() < 0.5 and clock.pending[process][0] == "write":
            clock.built.complete(process, "info")
    return clock.built.history()


def pairs(history: History, f: str) -> Iterator[tuple[Operation, Operation | None]]:
    for op in history:
        if op.f == f and op.type == "invoke":
            yield op, history.completion(op)


NEVER = 10**9


def has_an_order(history: History) -> bool:
    """Try every order of all writes that took effect, with the earliest moment for each."""
    writes = {op.value: (op.index, end) for op, end in pairs(history, "write")}
    answers: dict[int, list[tuple[int, list[str]]]] = {}
    for op, end in pairs(history, "watch"):
        if end is not None and end.type == "ok":
            answers.setdefault(op.process, []).append((end.index, end.value))
    for of_process in answers.values():
        for (_, before), (_, after) in pairwise(of_process):
            if after[: len(before)] != before:
                return False
    shown = {value for of_process in answers.values() for _, values in of_process for value in values}
    sure = {value for value, (_, end) in writes.items() if end is not None and end.type == "ok"}
    if not shown <= set(writes):
        return False
    return any(explains(order, writes, answers) for order in permutations(sorted(shown | sure)))


def explains(
    order: Sequence[str],
    writes: dict[str, tuple[int, Operation | None]],
    answers: dict[int, list[tuple[int, list[str]]]],
) -> bool:
    """Whether this order explains all answers: each write at its earliest moment, and in time for all."""
    latest = {
        value: end.index if end is not None and end.type == "ok" else NEVER
        for value, (_, end) in writes.items()
    }
    for of_process in answers.values():
        for at, values in of_process:
            for value in values:
                latest[value] = min(latest[value], at)
        first_answer, last = of_process[0][0], of_process[-1][1]
        if last:
            start = order.index(last[0])
            if list(order[start : start + len(last)]) != last:
                return False
            for value in order[:start]:  # these were there before the watch was open
                latest[value] = min(latest[value], first_answer)
    moment = -1
    for value in order:
        moment = max(moment, writes[value][0])
        if moment >= latest[value]:
            return False
    return True


def check(history: History) -> Verdict:
    return WatchOrder().check(Recording(("n1",), history))


@pytest.mark.parametrize("seed", [0, 1, *first_in_ci(range(2, 40), 4)])
def test_a_history_is_invalid_exactly_if_no_order_explains_it(seed: int) -> None:
    random = Random(seed)
    found: Counter[tuple[str, bool]] = Counter()
    for number in range(150):
        fault = FAULTS[number % len(FAULTS)]
        history = drawn(random, fault)
        expected = has_an_order(history)
        verdict = check(history)
        assert (verdict.validity is Validity.INVALID) == (not expected), (seed, number, fault, list(history))
        found[fault, expected] += 1
    assert not found["correct", False]
    assert all(found[fault, False] for fault in FAULTS if fault not in ("correct", "forgets")), found


def answered(built: HistoryBuilder, process: int, *values: str) -> None:
    built.invoke(process, "watch", "k")
    built.complete(process, "ok", list(values))


def written(*values: str) -> HistoryBuilder:
    built = HistoryBuilder()
    for value in values:
        built.do("write", "k", value, value)
    return built


def kinds(built: HistoryBuilder) -> list[str]:
    return [one.kind for one in check(built.history()).evidence]


def test_a_watch_may_lag_and_begin_anywhere() -> None:
    built = written("a", "b", "c")
    answered(built, 1, "b", "c")
    answered(built, 2, "a", "b")
    assert check(built.history()).validity is Validity.VALID


def test_an_acknowledged_write_between_two_that_were_shown_is_missing() -> None:
    built = written("a", "b", "c")
    answered(built, 1, "a", "c")
    assert kinds(built) == [MISSING]


def test_what_was_written_after_a_watch_was_open_is_missing_if_something_later_is_shown() -> None:
    built = HistoryBuilder()
    answered(built, 1)
    for value in ("a", "b"):
        built.do("write", "k", value, value)
    answered(built, 1, "b")
    assert kinds(built) == [MISSING]


def test_an_order_against_real_time_is_found() -> None:
    built = written("a", "b")
    answered(built, 1, "b", "a")
    assert kinds(built) == [NOT_IN_TIME]


def test_three_watches_may_contradict_each_other_where_no_two_do() -> None:
    built = HistoryBuilder()
    for process, value in enumerate("abc"):
        built.invoke(process, "write", "k", value)
    for process, value in enumerate("abc"):
        built.complete(process, "ok", value)
    for process, shown in enumerate(("ab", "bc", "ca"), start=3):
        answered(built, process, *shown)
    assert kinds(built) == [NO_ORDER]


def test_after_an_operation_that_failed_the_client_may_have_a_new_watch() -> None:
    built = written("a", "b", "c")
    answered(built, 1, "a", "b")
    built.invoke(1, "watch", "k")
    built.complete(1, "fail")
    answered(built, 1, "c")
    assert check(built.history()).validity is Validity.VALID
    again = written("a", "b", "c")
    answered(again, 1, "a", "b")
    answered(again, 1, "c")
    assert "took back" in check(again.history()).summary


def test_a_watch_that_may_have_stopped_is_unknown_only_after_everything_was_healed() -> None:
    def run(*, heals: bool, wait_ms: int) -> Verdict:
        built = written("a", "b")
        answered(built, 1, "a", "b")
        if heals:
            built.nemesis("final-heal", {"actions": []})
        built.do("write", "k", "c", "c")
        built.wait(wait_ms)
        answered(built, 1, "a", "b")
        return WatchOrder().check(recording(built))

    assert run(heals=True, wait_ms=3000).mark is Validity.UNKNOWN
    assert run(heals=True, wait_ms=300).mark is Validity.VALID
    assert run(heals=False, wait_ms=3000).mark is Validity.VALID


def test_one_value_shown_is_no_order() -> None:
    built = written("a", "b")
    answered(built, 1, "a")
    assert check(built.history()).mark is Unjudged.NOT_EXERCISED
