"""Locks and leases: against all choices of when a lock was given and given up, and a write let in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest

from checkers.verdict import IllegalOperation, Validity
from checkers.workloads.locks.lease import Leases
from history import History, Operation
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.sequential import replies


def locked(
    random: Random, steps: int = 80, *, lease_ms: int | None = None, processes: int = 3
) -> HistoryBuilder:
    """A correct lock, with or without a lease, and a resource that it guards, under clients.

    Clients do not stop when their lease has run: whoever is late is kept out by its token.
    """
    built = HistoryBuilder()
    holder: int | None = None
    granted_ns = greatest = fence = 0
    tokens: dict[int, int] = {}
    pending: dict[int, dict[str, Any]] = {}
    threads, fresh = list(range(processes)), processes

    def take_effect(op: dict[str, Any]) -> None:
        nonlocal holder, granted_ns, greatest, fence
        process, now = op["process"], built.now
        if lease_ms is not None and holder is not None and now >= granted_ns + lease_ms * 1_000_000:
            holder = None
        op["done"], op["outcome"], op["result"] = True, "fail", None
        match op["f"]:
            case "acquire" if holder is None:
                greatest += random.randrange(1, 4)
                holder, granted_ns, op["outcome"], op["result"] = process, now, "ok", greatest
            case "renew" if holder == process:
                granted_ns, op["outcome"] = now, "ok"
            case "release" if holder == process:
                holder, op["outcome"] = None, "ok"
            case "write" if op["value"] >= fence:
                fence, op["outcome"] = op["value"], "ok"

    for _ in range(steps):
        built.wait(random.randrange(0, 4))
        thread = random.randrange(processes)
        process = threads[thread]
        op = pending.get(process)
        if op is None:
            f = random.choice(["renew", "release", "write", "write"]) if process in tokens else "acquire"
            value = tokens.get(process) if f in ("write", "release") else None
            built.invoke(process, f, "l", value)
            pending[process] = {"process": process, "f": f, "value": value, "done": False}
        elif not op["done"] and random.random() < 0.6:
            take_effect(op)
        else:
            del pending[process]
            if random.random() < 0.08:
                built.complete(process, "info", error="timed out")
                threads[thread], fresh = fresh, fresh + 1
                tokens.pop(process, None)
                if holder == process and lease_ms is None:
                    holder = None  # its session is over
                continue
            if not op["done"]:
                take_effect(op)
            built.complete(process, op["outcome"], op["result"])
            if op["f"] == "acquire" and op["outcome"] == "ok":
                tokens[process] = op["result"]
            elif op["f"] == "release" or (op["f"] == "renew" and op["outcome"] == "fail"):
                tokens.pop(process, None)
    return built


@pytest.mark.parametrize("lease_ms", [None, 15])
def test_a_correct_lock_is_valid_however_late_its_clients_are(lease_ms: int | None) -> None:
    judge = Leases(None if lease_ms is None else lease_ms / 1000)
    said: Counter[Validity] = Counter()
    kept_out = 0
    for seed in range(300):
        verdict = judge.check(recording(locked(Random(seed), lease_ms=lease_ms)))
        assert verdict.validity is not Validity.INVALID, (seed, verdict)
        said[verdict.validity] += 1
        kept_out += verdict.measures.get("write_fail", 0)
    assert said[Validity.VALID] > 250, said
    assert (kept_out > 100) == (lease_ms is not None), kept_out


def test_a_lock_is_blamed_if_its_lease_is_shorter_than_what_was_stated() -> None:
    found = 0
    for seed in range(100):
        verdict = Leases(0.03).check(recording(locked(Random(seed), lease_ms=10)))
        found += verdict.measures["found"].get("two processes held a lock at once", 0) > 0
    assert found > 50


def test_a_second_holder_within_a_hold_is_named_with_the_first() -> None:
    for seed in range(100):
        random = Random(seed)
        built = HistoryBuilder()
        built.invoke(0, "acquire", "l")
        built.ok(0, 1)
        for other in range(1, random.randrange(2, 5)):
            built.invoke(other, "acquire", "l")
            built.complete(other, random.choice(["fail", "info"]))
        built.invoke(9, "acquire", "l")
        second = built.ok(9, 2)
        built.invoke(0, "release", "l", 1)
        built.ok(0)
        (evidence,) = Leases().check(recording(built)).evidence
        assert evidence.operations == (0, second - 1)
        assert "Process 0 held the lock of l" in evidence.text


def arbitrary(random: Random) -> History:
    """Acquisitions, releases and writes of a few processes, with any replies; tokens are few."""
    built = HistoryBuilder()
    busy: dict[int, str] = {}
    over: set[int] = set()
    holding: set[int] = set()
    for _ in range(random.randrange(6, 13)):
        process = random.choice([p for p in range(16) if p not in over][:4])
        if process in busy:
            f = busy.pop(process)
            outcome = random.choice(["ok", "ok", "ok", "ok", "fail", "info"])
            built.complete(
                process, outcome, random.randrange(1, 5) if (f, outcome) == ("acquire", "ok") else None
            )
            if outcome == "info":
                over.add(process)
            if f == "acquire" and outcome == "ok":
                holding.add(process)
            continue
        f = random.choice(["write", "release"]) if process in holding else random.choice(["acquire", "write"])
        if f == "release":
            holding.discard(process)
        busy[process] = f
        built.invoke(process, f, None, random.randrange(1, 5) if f == "write" else None)
    return built.history()


Moment = tuple[float, float, str, Any]
"""The earliest and latest moment of an event, its name, and its token or process."""


def some_order(events: list[Moment], allowed: Any, state: Any) -> bool:
    """Whether the events have an order, each within its moments, that the rule allows."""

    def extend(now: float, state: Any, left: tuple[Moment, ...]) -> bool:
        if not left:
            return True
        for place, (least, most, name, what) in enumerate(left):
            at = max(now, least)
            follows = allowed(state, name, what)
            rest = (*left[:place], *left[place + 1 :])
            if at <= most and follows is not None and extend(at, follows, rest):
                return True
        return False

    return extend(-1.0, state, tuple(events))


def holds(history: History) -> Iterator[Moment]:
    """When each answered acquisition may have been given, and given up: by what certainly could end it."""
    for end in history:
        if end.type != "ok" or end.f != "acquire":
            continue
        begun = history.invocation(end)
        yield begun.index, end.index, "give", (end.process, begun.index)
        later = [op for op in history[end.index + 1 :] if op.process == end.process and op.type == "invoke"]
        enders = [op for op in later if op.f in ("release", "acquire") or _unknown(history, op)]
        yield enders[0].index if enders else float("inf"), float("inf"), "take", (end.process, begun.index)


def _unknown(history: History, begun: Operation) -> bool:
    ended = history.completion(begun)
    return ended is None or ended.type == "info"


def one_holder(state: Any, name: str, what: Any) -> Any:
    """The mutex: given when free, given up by its holder."""
    if name == "give":
        return what if state == "free" else None
    return "free" if state == what else None


def test_two_holders_are_found_exactly_where_no_order_of_gifts_and_ends_keeps_them_apart() -> None:
    said: Counter[bool] = Counter()
    for seed in range(1500):
        history = arbitrary(Random(seed))
        found = (
            Leases().check(recording(history)).measures["found"].get("two processes held a lock at once", 0)
        )
        right = some_order(list(holds(history)), one_holder, "free")
        assert (not found) == right, (seed, list(history))
        said[right] += 1
    assert min(said.values()) > 150, said


def test_tokens_and_writes_are_blamed_exactly_where_no_order_has_them_rise() -> None:
    said: Counter[tuple[str, bool]] = Counter()
    for seed in range(1500):
        history = arbitrary(Random(seed))
        found = Leases().check(recording(history)).measures["found"]
        for f, titles in (
            ("acquire", ("a token did not rise", "a token was given twice")),
            ("write", ("a write with an old token was let in",)),
        ):
            ends = [op for op in history if op.f == f and op.type == "ok"]
            events = [
                (
                    float(history.invocation(end).index),
                    float(end.index),
                    f,
                    end.value if f == "acquire" else history.invocation(end).value,
                )
                for end in ends
            ]
            right = some_order(
                events, lambda last, f, token: token if token >= last + (f == "acquire") else None, -1
            )
            assert (not any(found.get(title) for title in titles)) == right, (seed, f)
            said[f, right] += 1
    assert min(said.values()) > 50, said


def test_a_late_writer_that_is_let_in_is_named_with_the_one_before() -> None:
    found = 0
    for seed in range(100):
        built = locked(Random(seed), lease_ms=15)
        history = built.history()
        before = [history.invocation(history[at]).value for at in replies(built, "write")]
        refused = [op for op in history if op.type == "fail" and op.f == "write" and op.index > 0]
        for end in refused:
            begun = history.invocation(end)
            sure = [at for at in replies(built, "write") if at < begun.index]
            if not sure or max(history.invocation(history[at]).value for at in sure) <= begun.value:
                continue
            built.operations[end.index] = msgspec.structs.replace(end, type="ok")
            verdict = Leases(0.015).check(recording(built))
            assert verdict.validity is Validity.INVALID
            assert any(begun.index in one.operations for one in verdict.evidence), (seed, before)
            found += 1
            break
    assert found > 30


def renewed(*, gap_ms: int) -> HistoryBuilder:
    """One process renews a lease of 20 ms after a while; another has it for a moment in between."""
    built = HistoryBuilder()
    built.invoke(0, "acquire", "l")
    built.ok(0, 1)
    built.wait(gap_ms)
    built.invoke(1, "acquire", "l")
    built.ok(1, 2)
    built.invoke(1, "release", "l", 2)
    built.ok(1)
    built.invoke(0, "renew", "l")
    built.ok(0)
    built.invoke(2, "acquire", "l")
    built.ok(2, 3)
    return built


def test_a_lease_holds_until_it_has_run_and_again_from_its_renewal() -> None:
    early = Leases(0.02).check(recording(renewed(gap_ms=5)))
    assert [one.operations for one in early.evidence] == [(0, 2), (0, 6, 8)]
    assert "held the lock of l from the reply to operation 0 on, by a lease until " in early.evidence[0].text
    late = Leases(0.02).check(recording(renewed(gap_ms=30)))
    assert [one.operations for one in late.evidence] == [(6, 8)]
    assert Leases(0.001).check(recording(renewed(gap_ms=30))).validity is Validity.UNKNOWN


def test_who_renews_what_another_has_meanwhile_is_a_second_holder() -> None:
    built = HistoryBuilder()
    built.invoke(0, "acquire", "l")
    built.ok(0, 1)
    built.wait(30)
    built.invoke(1, "acquire", "l")
    built.ok(1, 2)
    built.invoke(0, "renew", "l")
    built.ok(0)
    (evidence,) = Leases(0.02).check(recording(built)).evidence
    assert evidence.operations == (2, 4)
    assert "operation 4 of process 0 renewed it, too, which was acknowledged" in evidence.text


def test_a_reply_may_say_for_how_long_it_holds() -> None:
    for lease_s, validity in ((0.002, Validity.VALID), (5, Validity.INVALID)):
        built = HistoryBuilder()
        for process in (0, 1):
            built.invoke(process, "acquire", "l")
            built.ok(process, {"token": process, "lease_s": lease_s})
            built.wait(5)
        assert Leases().check(recording(built)).validity is validity


def test_locks_of_two_keys_and_one_acquisition_show_nothing() -> None:
    built = HistoryBuilder()
    for process, key in ((0, "x"), (1, "y")):
        built.invoke(process, "acquire", key)
        built.ok(process)
    assert Leases().check(recording(built)).validity is Validity.UNKNOWN
    assert Leases().check(recording()).validity is Validity.UNKNOWN


@pytest.mark.parametrize(
    ("f", "value", "result", "where"),
    [
        ("acquire", None, "t1", 1),
        ("acquire", None, True, 1),
        ("acquire", None, {"token": 1, "lease_s": "5"}, 1),
        ("write", None, None, 0),
        ("write", {"token": 1.5}, None, 0),
        ("lock", None, None, 0),
    ],
)
def test_what_it_cannot_judge_is_refused_with_the_operation(
    f: str, value: Any, result: Any, where: int
) -> None:
    built = HistoryBuilder()
    built.do(f, None, value, result)
    with pytest.raises(IllegalOperation, match=f"operation {where}: "):
        Leases().judge(recording(built))
