"""Zones and the pass over columns: agreed with trying every order, and with the checker that explains."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels.zones import AMBIGUOUS, NO, READ, REMOVE, WRITE, YES, RegisterOperations
from checkers.linearizability.kernels.zones import by_zones as decide
from checkers.registry.linearizability import Linearizability, portfolio
from checkers.registry.linearizability.by_search.columns import operations_on, screen
from checkers.registry.linearizability.by_search.presence import PresenceEffect, unconditional
from checkers.registry.linearizability.by_search.split import split
from checkers.verdict import Validity
from history import History
from tests.checkers.builders import HistoryBuilder, recording, simulate
from tests.checkers.linearizability.oracle import arbitrary_operations, linearizable, plausible_operations

EFFECTS = {PresenceEffect.SET: WRITE, PresenceEffect.READ: READ, PresenceEffect.REMOVE: REMOVE}
KEYS = tuple(f"svc/10.0.0.{n}:80" for n in range(4))


def by_zones(*keys) -> list[int]:  # type: ignore[no-untyped-def]
    """Each key's operations decided by zones, to which an update is a write without condition."""
    keys = tuple(unconditional(operations) for operations in keys)
    names: dict[object, int] = {None: 0}
    rows = [(op, names.setdefault(op.id, len(names))) for operations in keys for op in operations]
    operations = RegisterOperations(
        np.cumsum([0, *map(len, keys)]),
        np.array([op.invoked for op, _ in rows], dtype=np.int64),
        np.array([NEVER if op.completed is None else op.completed for op, _ in rows], dtype=np.int64),
        np.array([EFFECTS[op.effect] for op, _ in rows], dtype=np.int64),
        np.array([value for _, value in rows], dtype=np.int64),
    )
    return [int(answer) for answer in decide(operations, len(names))]


def test_zones_agree_with_trying_every_order_or_say_that_they_cannot_tell() -> None:
    said = dict.fromkeys((YES, NO, AMBIGUOUS), 0)
    for seed in range(12_000):
        random = Random(seed)
        operations = (
            arbitrary_operations(random)
            if seed % 3 == 0
            else plausible_operations(random, mutate=seed % 3 == 1)
        )
        if seed % 2:
            operations = [op for op in operations if op.id is not None or op.completed is None]
        (answer,) = by_zones(operations)
        if answer != AMBIGUOUS:
            assert (answer == YES) == linearizable(unconditional(operations)), (seed, operations)
        if answer == NO:
            assert not linearizable(operations), (seed, operations)
        said[answer] += 1
    assert min(said.values()) > 1000, said


def test_many_keys_are_decided_as_each_alone() -> None:
    random = Random(5)
    keys = []
    for number in range(200):
        renamed = [
            op._replace(id=None if op.id is None else f"{op.id}.{number}")
            for op in plausible_operations(random, mutate=True)
        ]
        keys.append(renamed)
    assert by_zones(*keys) == [answer for key in keys for answer in by_zones(key)]


def corrupted(built: HistoryBuilder, random: Random) -> History:
    """One lookup's reply is another's."""
    operations = list(built.operations)
    lookups = [op for op in operations if op.f == "lookup" and op.type == "ok"]
    if len(lookups) > 1:
        victim, other = random.sample(lookups, 2)
        operations[victim.index] = type(victim)(
            victim.index, victim.time, victim.process, "ok", "lookup", victim.key, other.value
        )
    return History(operations)


def without_lists(random: Random, steps: int) -> HistoryBuilder:
    built = simulate(random, keys=KEYS, steps=steps, processes=6)
    listing = {op.process for op in built.operations if op.f == "list"}
    kept = [op for op in built.operations if op.process not in listing]
    alone = HistoryBuilder()
    alone.operations = [
        type(op)(n, op.time, op.process, op.type, op.f, op.key, op.value) for n, op in enumerate(kept)
    ]
    return alone


@pytest.mark.parametrize("seed", range(0, 300, 100))
def test_the_pass_over_columns_proves_only_what_the_search_finds(seed: int) -> None:
    alone = Linearizability()
    proven = refuted = 0
    for number in range(seed, seed + 100):
        random = Random(number)
        built = without_lists(random, 80)
        history = corrupted(built, random) if number % 2 else built.history()
        screened = screen(history)
        if screened is None:
            continue
        by_key = split(history).operations
        assert operations_on(history, screened.keys) == {key: by_key[key] for key in screened.keys}
        bad = {found.title.split()[0] for found in alone.check(recording(history)).evidence}
        for key, ok in zip(screened.keys, screened.proven, strict=True):
            assert ok == (key not in bad), (number, key)
        proven += int(screened.proven.sum())
        refuted += len(bad)
    assert proven > 20
    assert refuted > 0


def test_a_key_with_updates_is_proven_by_search_and_not_by_zones() -> None:
    found = HistoryBuilder()
    found.do("register", KEYS[0], "r1", "r1")
    found.do("update", KEYS[0], "r2", "r2")
    found.do("lookup", KEYS[0], None, "r2")
    found.do("update", KEYS[1], "r3", False)
    found.do("update", KEYS[1], "r4", None, "info")
    missed = HistoryBuilder()
    missed.do("update", KEYS[0], "r2", "r2")
    for built, proven, searched in ((found, [True, True], 2), (missed, [False], 1)):
        screened = screen(built.history())
        assert screened is not None
        assert (screened.proven.tolist(), screened.searched) == (proven, searched)


def test_a_large_history_gets_the_verdict_that_a_small_one_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    said = set()
    for number in range(60):
        random = Random(number)
        history = corrupted(without_lists(random, 80), random)
        monkeypatch.setattr(portfolio, "LARGE", 10**9)
        small = Linearizability().check(recording(history))
        monkeypatch.setattr(portfolio, "LARGE", 0)
        large = Linearizability().check(recording(history))
        assert (small.validity, small.evidence) == (large.validity, large.evidence)
        said.add(small.validity)
    assert said >= {Validity.VALID, Validity.INVALID}


def test_what_the_columns_do_not_show_is_left_to_the_search() -> None:
    built = HistoryBuilder()
    built.do("register", KEYS[0], "r1", "r1")
    built.do("list", "svc", None, {})
    assert screen(built.history()) is None
    assert screen(History([])) is None
    odd = HistoryBuilder()
    odd.do("lookup", KEYS[0], None, 17)
    assert screen(odd.history()) is None
