"""The transactional checker against trying every order, on thousands of small histories, both ways."""

from __future__ import annotations

from random import Random

import pytest

from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models import MODELS
from checkers.transactions.consistency import LIST_APPEND, RW_REGISTER
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity
from history import History, Operation
from tests.checkers.builders import recording
from tests.checkers.transactions.oracle import (
    serializable,
    small_history,
    snapshot_isolated,
    txns_of,
)

KINDS = ("serial", "torn", "mutated")
MODELS_OF_LEVEL = ("serializable", "strong-session-serializable", "strict-serializable")


def verdict(history: History, workload: str, consistency: str) -> Validity:
    judged = Isolation(workload, consistency).check(recording(history))
    assert judged.validity is not Validity.UNKNOWN or "read anything" in judged.summary, judged.summary
    return judged.validity


@pytest.mark.parametrize("level", [0, 1, 2])
def test_of_lists_it_finds_an_anomaly_exactly_if_no_order_exists(level: int) -> None:
    seen = {True: 0, False: 0}
    for seed in range(1500):
        history = small_history(Random(seed), lists=True, kind=KINDS[seed % 3])
        exists = serializable(txns_of(history), level)
        valid = verdict(history, LIST_APPEND, MODELS_OF_LEVEL[level])
        assert valid is not (Validity.INVALID if exists else Validity.VALID), seed
        seen[exists] += 1
    assert min(seen.values()) > 60, seen


def test_of_lists_it_rules_snapshot_isolation_out_exactly_if_no_snapshots_exist() -> None:
    seen = {True: 0, False: 0}
    for seed in range(900):
        history = small_history(Random(seed), lists=True, kind=KINDS[seed % 3], most=4)
        exists = snapshot_isolated(txns_of(history))
        valid = verdict(history, LIST_APPEND, "snapshot-isolation")
        assert valid is not (Validity.INVALID if exists else Validity.VALID), seed
        seen[exists] += 1
    assert min(seen.values()) > 60, seen


@pytest.mark.parametrize("level", [0, 1, 2])
def test_of_registers_it_never_finds_an_anomaly_where_an_order_exists(level: int) -> None:
    found = missed = 0
    for seed in range(1500):
        history = small_history(Random(seed), lists=False, kind=KINDS[seed % 3])
        valid = verdict(history, RW_REGISTER, MODELS_OF_LEVEL[level])
        if serializable(txns_of(history), level):
            assert valid is not Validity.INVALID, seed
        else:
            found += valid is Validity.INVALID
            missed += valid is not Validity.INVALID
    assert found > 10 * missed, (found, missed)


def test_single_reads_and_writes_of_registers_are_judged_as_by_the_search_for_linearizations() -> None:
    """Where each transaction is one step, strict serializability is linearizability; nothing is missed."""
    model = LinearizabilityOf(MODELS["register"])
    seen = {Validity.VALID: 0, Validity.INVALID: 0}
    for seed in range(2000):
        history = small_history(
            Random(seed), lists=False, kind=KINDS[1 + seed % 2], most=6, steps=1, keys=("x",)
        )
        if not any(op.type == "ok" and op.value[0][0] == "r" for op in history):
            continue
        plain = model.check(recording(as_register(history))).validity
        assert verdict(history, RW_REGISTER, "strict-serializable") is plain, seed
        seen[plain] += 1
    assert min(seen.values()) > 100, seen


def as_register(history: History) -> History:
    """The same operations as `read` and `write`."""
    named = {"r": "read", "w": "write"}
    operations = []
    for op in history:
        invocation = op if op.type == "invoke" else history.invocation(op)
        f, _, asked = invocation.value[0]
        value = op.value[0][2] if op.type == "ok" else asked
        operations.append(Operation(op.index, op.time, op.process, op.type, named[f], None, value))
    return History(operations)
