"""Session guarantees of registers: against every order of the versions of every key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count, permutations
from random import Random

import pytest

from checkers.verdict import IllegalOperation, Validity
from checkers.workloads.sessions.causal import CausalOperation, operations_of
from checkers.workloads.sessions.register_sessions import RegisterSessions
from checkers.workloads.sessions.session_rules import GUARANTEES
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.sequential import side_by_side


def some_order(operations: list[CausalOperation], asked_for: frozenset[str]) -> bool:
    """Whether the versions of each key have an order that keeps these guarantees, pair by pair."""
    for key in {op.key for op in operations}:
        own = [op for op in operations if op.key == key]
        versions = [op.value for op in own if op.is_write]
        if any(op.value is not None and op.value not in versions for op in own):
            return False
        if not any(_keeps((None, *order), own, asked_for) for order in permutations(versions)):
            return False
    return True


def _keeps(order: tuple[object, ...], own: list[CausalOperation], names: frozenset[str]) -> bool:
    place = {version: n for n, version in enumerate(order)}
    for n, after in enumerate(own):
        for before in own[:n]:
            if before.session != after.session:
                continue
            name = {
                (True, False): "read your writes",
                (False, False): "monotonic reads",
                (True, True): "monotonic writes",
                (False, True): "writes follow reads",
            }[before.is_write, after.is_write]
            if name in names and place[before.value] > place[after.value]:
                return False
    return True


def arbitrary(random: Random) -> HistoryBuilder:
    """A few reads and writes of a few sessions, one after the other; reads show anything."""
    built = HistoryBuilder()
    left = {key: [f"{key}{n}" for n in range(random.randrange(1, 4))] for key in "xy"}
    seen: dict[str, list[str | None]] = {key: [None, *values] for key, values in left.items()}
    for _ in range(random.randrange(3, 10)):
        session, key = random.randrange(3), random.choice("xxy")
        if left[key] and random.random() < 0.5:
            built.invoke(session, "write", key, left[key].pop())
            built.ok(session)
        else:
            built.invoke(session, "read", key)
            built.ok(session, random.choice(seen[key]))
    return built


def test_sessions_are_blamed_exactly_where_no_order_of_versions_keeps_all_four() -> None:
    said: Counter[bool] = Counter()
    kinds: Counter[str] = Counter()
    for seed in range(2500):
        history = arbitrary(Random(seed)).history()
        operations = operations_of(history)
        verdict = RegisterSessions().check(recording(history))
        right = some_order(operations, frozenset(GUARANTEES))
        assert (verdict.validity is not Validity.INVALID) == right, (seed, operations, verdict)
        said[right] += 1
        kinds.update(verdict.measures["broken"].keys())
        for kind in verdict.measures["broken"]:
            assert not some_order(operations, frozenset(kind.split(" and "))), (seed, kind)
    assert min(said.values()) > 250, said
    assert kinds.keys() > {"read your writes", "monotonic reads"}, kinds
    assert any(" and " in kind for kind in kinds), kinds


def test_registers_that_keep_what_was_last_written_are_valid() -> None:
    said: Counter[Validity] = Counter()
    for seed in range(200):
        random = Random(seed)
        held: dict[str, object] = {}
        fresh = count()

        def invent(random: Random = random, fresh: Iterator[int] = fresh) -> tuple[str, str, object]:
            key = random.choice("xy")
            return ("read", key, None) if random.random() < 0.5 else ("write", key, next(fresh))

        def effect(f: str, key: str | None, value: object, held: dict[str, object] = held) -> object:
            if f == "write":
                held[str(key)] = value
            return held.get(str(key)) if f == "read" else None

        said[RegisterSessions().check(recording(side_by_side(random, 80, invent, effect))).validity] += 1
    assert said[Validity.VALID] > 190, said
    assert said[Validity.INVALID] == 0


def test_each_broken_guarantee_is_named_with_its_operations() -> None:
    built = HistoryBuilder()
    for process, f, value in (
        (0, "write", "a"), (1, "write", "b"),
        (2, "read", "a"), (2, "read", "b"),
        (3, "read", "b"), (3, "read", "a"),
    ):  # fmt: skip
        built.invoke(process, f, "x", value if f == "write" else None)
        built.ok(process, None if f == "write" else value)
    (evidence,) = RegisterSessions().check(recording(built)).evidence
    assert evidence.title == "process 2 and process 3 did not get monotonic reads of x"
    assert evidence.operations == (4, 6, 8, 10)
    assert "process 3: operation 8 read 'b', and then operation 10 read 'a'" in evidence.text


def test_nothing_read_after_a_write_of_ones_own_breaks_read_your_writes() -> None:
    built = HistoryBuilder()
    built.invoke(0, "write", "x", "a")
    built.ok(0)
    built.invoke(0, "read", "x")
    built.ok(0, None)
    (evidence,) = RegisterSessions().check(recording(built)).evidence
    assert evidence.text.startswith("read your writes of x: process 0: operation 0 wrote 'a', and then")


def test_what_nobody_wrote_is_told_and_sessions_that_do_one_thing_show_nothing() -> None:
    built = HistoryBuilder()
    built.do("write", "x", "a")
    built.do("read", "x", None, "a")
    assert RegisterSessions().check(recording(built)).validity is Validity.UNKNOWN
    built.do("read", "x", None, "z")
    verdict = RegisterSessions().check(recording(built))
    assert (verdict.validity, verdict.evidence[0].operations) == (Validity.INVALID, (4,))


def test_what_it_cannot_judge_is_refused_with_the_operation() -> None:
    built = HistoryBuilder()
    built.do("cas", "x", ["a", "b"])
    with pytest.raises(IllegalOperation, match="operation 0: "):
        RegisterSessions().judge(recording(built))
