"""The harness's own stalls accuse nobody: how they are read, and generated ones under every judge of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop
from random import Random
from typing import Literal, NamedTuple

import msgspec
import pytest

from checkers.linearizability.answer import NEVER
from checkers.registry.staleness import BoundedStaleness
from checkers.run.availability import Availability
from checkers.run.recovery import Recovery
from checkers.run.stalls import LONGEST_GAP_NS, Stalls
from checkers.verdict import Checker, Validity, Verdict
from checkers.workloads.locks.lease import Leases
from history import History, Operation, Recording
from history.units import MILLISECOND_NS as MS
from history.units import SECOND_NS as S
from tests.checkers.builders import HistoryBuilder, recording

KEY = "svc/10.0.0.1:80"
SAMPLE_NS = 50 * MS
BOUND_S = 3.0
REAL_CLOCK = {"monotonic_start_ns": 7, "lag_bound_ms": 100}
OPTIONS = {
    **REAL_CLOCK,
    "recovery_bound_s": BOUND_S,
    "unavailable_bound_s": BOUND_S,
    "stale_bound_s": BOUND_S,
}


class Stall(NamedTuple):
    """A time in which the harness did not run."""

    begin: int
    length: int


def samples(end: int, stalls: Sequence[Stall]) -> tuple[tuple[int, int], ...]:
    """The samples of a harness that sleeps 50 ms again and again, until `end`; late where it was stalled."""
    found, now = [], 0
    while now < end:
        due = woke = now + SAMPLE_NS
        for stall in stalls:
            if stall.begin <= due < stall.begin + stall.length:
                woke = stall.begin + stall.length
        found.append((woke, woke - due))
        now = woke
    return tuple(found)


def with_stalls(history: History, stalls: Sequence[Stall]) -> Recording:
    """The same events with the harness stopped in between: what follows a stall happens that much later."""

    def shifted(time: int) -> int:
        for stall in stalls:
            time += stall.length if time >= stall.begin else 0
        return time

    operations = [msgspec.structs.replace(op, time=shifted(op.time)) for op in history.operations]
    end = operations[-1].time + SAMPLE_NS
    return recording(History(operations), options=OPTIONS, harness_lag=samples(end, stalls))


# ---- reading the samples --------------------------------------------------------------------------------


def stalls_of(*lag: tuple[int, int], **options: object) -> tuple[tuple[int, int], ...]:
    run = recording(options={**REAL_CLOCK, **options}, harness_lag=lag)
    return Stalls.of(run).intervals


def test_a_late_sample_is_a_stall_and_an_early_one_is_none() -> None:
    on_time = [(at * SAMPLE_NS, 0) for at in range(1, 5)]
    after = (on_time[-1][0] + LONGEST_GAP_NS, NEVER)
    assert stalls_of(*on_time) == (after,)
    assert stalls_of(*on_time[:2], (3 * SAMPLE_NS, 90 * MS), on_time[3]) == (after,)
    late = (3 * SAMPLE_NS + 12 * S, 12 * S)
    assert stalls_of(*on_time[:2], late)[0] == (3 * SAMPLE_NS, 3 * SAMPLE_NS + 12 * S)
    assert stalls_of(*on_time[:2], late, lag_bound_ms=13_000)[0][0] > 3 * SAMPLE_NS + 12 * S


def test_a_time_without_samples_is_a_stall_at_the_beginning_between_and_at_the_end() -> None:
    found = stalls_of((5 * S, 0), (5 * S + SAMPLE_NS, 0), (9 * S, 0))
    assert found == ((0, 5 * S), (5 * S + SAMPLE_NS, 9 * S), (9 * S + LONGEST_GAP_NS, NEVER))


def test_without_samples_a_run_on_a_real_clock_is_not_known_to_have_run() -> None:
    assert stalls_of() == ((0, NEVER),)
    assert Stalls.of(recording(options={"monotonic_start_ns": 0})).intervals == (), "virtual time"
    assert Stalls.of(recording()).intervals == (), "another tool's history"


def test_only_a_stretch_without_a_stall_shows_that_something_took_long() -> None:
    stalls = Stalls(((2 * S, 3 * S), (6 * S, 10 * S)))
    assert stalls.within(0, 10 * S) == 5 * S
    assert stalls.within(int(2.5 * S), 7 * S) == S // 2 + S
    assert stalls.ran_longer_than(2 * S, 0, 7 * S)
    assert not stalls.ran_longer_than(3 * S, 0, 7 * S)
    assert not stalls.ran_longer_than(S, 6 * S, 10 * S)
    assert stalls.ran_longer_than(S, 9 * S, 12 * S)
    assert stalls.ran_longer_than(S, 100 * S, 102 * S)
    assert not Stalls(((0, NEVER),)).ran_longer_than(0, 1, 100 * S)


# ---- every judge of time --------------------------------------------------------------------------------


def recovers(random: Random) -> History:
    """Writes fail after the final heal, but never for as long as the bound."""
    built = HistoryBuilder()
    built.do("register", KEY, "r0", "r0")
    built.nemesis("final-heal", {"actions": []})
    for number in range(random.randrange(1, 25)):
        built.wait(random.randrange(100))
        built.do("register", KEY, f"x{number}", None, "info", error="timed out")
    built.do("register", KEY, "r1", "r1")
    return built.history()


def answers(random: Random) -> History:
    """A request waits for an answer, but never for as long as the bound."""
    built = HistoryBuilder()
    for number in range(12):
        built.invoke(number, "register", KEY, f"r{number}")
        built.wait(random.randrange(2500))
        built.complete(number, "info", error="timed out")
        built.do("register", KEY, f"x{number}", f"x{number}")
    return built.history()


def reads_the_past(random: Random) -> History:
    """Stale reads of a state that was overtaken, but never as long ago as the bound."""
    built = HistoryBuilder()
    for number in range(1, 12):
        built.do("register", KEY, f"r{number}", f"r{number}", raft_index=number)
        if number > 1:
            built.wait(random.randrange(2800))
            built.do("stale-lookup", KEY, None, f"r{number - 1}", raft_index=number - 1)
    return built.history()


OF_TIME: dict[str, tuple[Checker, Callable[[Random], History]]] = {
    "recovery": (Recovery(), recovers),
    "availability": (Availability(), answers),
    "bounded-staleness": (BoundedStaleness(), reads_the_past),
}


def drawn_stalls(random: Random, end: int) -> list[Stall]:
    """One or two stalls that do not overlap, in the time of an unstalled history."""
    begins = sorted(random.sample(range(0, end, MS), random.choice((1, 2))))
    first = Stall(begins[0], random.randrange(200, 15_000) * MS)
    if len(begins) == 1:
        return [first]
    return [first, Stall(begins[1] + first.length, random.randrange(200, 15_000) * MS)]


@pytest.mark.parametrize("name", OF_TIME)
def test_a_correct_system_is_accused_by_no_stall(name: str) -> None:
    checker, make = OF_TIME[name]
    doubted = 0
    for seed in range(150):
        random = Random(seed)
        history = make(random)
        assert checker.check(with_stalls(history, [])).validity is Validity.VALID, seed
        run = with_stalls(history, drawn_stalls(random, history.operations[-1].time))
        verdict = checker.check(run)
        assert verdict.validity is not Validity.INVALID, (seed, verdict)
        if verdict.validity is Validity.UNKNOWN:
            doubted += 1
            assert "the harness itself did not run" in verdict.summary
        unsampled = msgspec.structs.replace(run, harness_lag=())
        assert checker.check(unsampled).validity is verdict.validity, seed
    assert doubted > 20


def slow(name: str) -> History:
    """What the judge of this name holds against a system: 5 s where 3 s are allowed."""
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1", raft_index=1)
    built.do("register", KEY, "r2", "r2", raft_index=2)
    built.nemesis("final-heal", {"actions": []})
    built.invoke(1, "register", KEY, "r3")
    built.wait(5000)
    built.complete(1, "info", error="timed out")
    built.do("stale-lookup", KEY, None, "r1", raft_index=1) if name == "bounded-staleness" else None
    built.do("register", KEY, "r4", "r4", raft_index=4)
    return built.history()


@pytest.mark.parametrize("name", OF_TIME)
def test_a_slow_system_is_still_found_next_to_a_stall(name: str) -> None:
    checker, _ = OF_TIME[name]
    for begin, validity in (
        (1 * MS, Validity.INVALID),
        (S // 2, Validity.INVALID),
        (2500 * MS, Validity.UNKNOWN),
    ):
        # A stall in the middle leaves 2.5 s on each side, which is less than the bound.
        verdict = checker.check(with_stalls(slow(name), [Stall(begin, 12 * S)]))
        assert verdict.validity is validity, (begin, verdict)


# ---- leases ---------------------------------------------------------------------------------------------

LEASE_NS = 2 * S


def observed(random: Random, stalls: Sequence[Stall]) -> History:
    """Clients that acquire, renew and release one lock of a correct server, seen by a harness with stalls.

    The server goes on while the harness is stopped: it grants a lock whose lease has run out. What happens in
    a stall, the harness sees, and does, at its end.
    """

    def seen(at: int) -> int:
        return next((s.begin + s.length for s in stalls if s.begin <= at < s.begin + s.length), at)

    rows: list[tuple[int, int, Operation]] = []
    holder, until, token = -1, 0, 0
    holds, processes = [False] * 3, [0, 1, 2]
    asked = [(random.randrange(1, 400) * MS, random.randrange(1, 300) * MS, client) for client in range(3)]
    waiting = [(begun + takes, begun, client) for begun, takes, client in asked]
    for number in range(40):
        heapify(waiting)
        served, begun, client = heappop(waiting)
        f = random.choice(("renew", "release")) if holds[client] else "acquire"
        granted, lost = False, random.random() < 0.1
        if f == "acquire" and (holder < 0 or served >= until):
            holder, until, token, granted = client, served + LEASE_NS, token + 1, True
        elif f != "acquire" and holder == client and served < until:
            holder, until, granted = (client, served + LEASE_NS, True) if f == "renew" else (-1, 0, True)
        ended = seen(served + random.randrange(1, 300) * MS)
        outcome: Literal["info", "ok", "fail"] = "info" if lost else "ok" if granted else "fail"
        reply = {"token": token, "lease_s": LEASE_NS / S} if f == "acquire" and outcome == "ok" else None
        rows.append((begun, 2 * number, Operation(-1, begun, processes[client], "invoke", f, KEY)))
        rows.append((ended, 2 * number + 1, Operation(-1, ended, processes[client], outcome, f, KEY, reply)))
        holds[client] = outcome == "ok" and f != "release"
        processes[client] += 3 * lost
        begun = seen(ended + random.randrange(1, 400) * MS)
        waiting.append((begun + random.randrange(1, 300) * MS, begun, client))
    rows.sort(key=lambda row: row[:2])
    return History([msgspec.structs.replace(op, index=at) for at, (_, _, op) in enumerate(rows)])


def judged_leases(random: Random) -> Verdict:
    stalls = [Stall(random.randrange(4_000) * MS, random.randrange(100, 12_000) * MS)]
    return Leases().check(recording(observed(random, stalls), options=REAL_CLOCK))


def test_a_stall_makes_no_two_holders_of_one_lock() -> None:
    found = [judged_leases(Random(seed)) for seed in range(300)]
    assert [verdict.summary for verdict in found if verdict.validity is Validity.INVALID] == []
    assert sum(verdict.validity is Validity.VALID for verdict in found) > 200
