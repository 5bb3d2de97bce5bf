"""The workloads `append` and `txn` in virtual time, against lists and registers, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.run.writes import are_writes
from checkers.verdict import Validity
from history import History, Operation
from tests.harness.workload.general.stores import NODES, Took, found_by, history_of, judged

WORKLOADS = ("append", "txn")


class Database:
    """Lists or registers. `lags`: transactions that only read see on this node what was there one write ago.
    `halves`: of this number of transactions with several writes, one does only its first write."""

    def __init__(self, lags: str | None = None, halves: int = 0) -> None:
        self.held: dict[str, list[Any]] = {}
        self.done = 0
        self.lags, self.halves = lags, halves

    def carry_out(self, op: Operation, _now: int) -> Took:
        steps: list[list[Any]] = []
        writes = 0
        only_reads = all(f == "r" for f, _, _ in op.value)
        self.done += sum(f != "r" for f, _, _ in op.value) > 1
        half = self.halves and self.done % self.halves == 0
        for f, key, value in op.value:
            held = self.held.setdefault(key, [])
            if f == "r":
                behind = only_reads and op.node == self.lags
                shown = held[:-1] if behind else held
                steps.append([f, key, list(shown) if self.lists(op) else (shown[-1] if shown else None)])
                continue
            writes += 1
            if not half or writes == 1:
                held.append(value)
            steps.append([f, key, value])
        return "ok", steps

    appends = False

    def lists(self, _op: Operation) -> bool:
        return self.appends


class Lists(Database):
    """A database whose keys hold lists."""

    appends = True


MADE = {"append": Lists, "txn": Database}


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("seed", range(3))
def test_a_right_database_is_found_valid_without_traces_and_indices(name: str, seed: int) -> None:
    found = judged(name, history_of(name, MADE[name]().carry_out, seed=seed))
    assert found.validity is Validity.VALID, found.decisive


@pytest.mark.parametrize("name", WORKLOADS)
def test_numbers_are_unique_and_every_key_is_read_back_from_every_node(name: str) -> None:
    history = history_of(name, MADE[name]().carry_out)
    begun = [op for op in history if op.type == "invoke" and op.is_client]
    written = [value for op in begun for f, _, value in op.value if f != "r"]
    assert len(written) == len(set(written)) > 300
    touched = {key for op in begun for _, key, _ in op.value if "-try" not in key}
    last_write = max(op.index for op in begun if any(f != "r" for f, _, _ in op.value))
    finals = {(op.node, op.value[0][1]) for op in begun if op.index > last_write}
    assert finals >= {(node, key) for node in NODES for key in touched}


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_transaction_that_only_reads_is_no_write(name: str) -> None:
    history: History = history_of(name, MADE[name]().carry_out)
    flags = are_writes(history, ("txn",)).tolist()
    for op in history:
        assert flags[op.index] == (op.is_client and any(step[0] != "r" for step in op.value or []))
    assert 300 < sum(flags) < len(flags) - 300


@pytest.mark.parametrize("name", WORKLOADS)
def test_reads_of_an_old_state_are_found(name: str) -> None:
    assert found_by(judged(name, history_of(name, MADE[name](lags="n2").carry_out))) == {"transactions"}


@pytest.mark.parametrize("name", WORKLOADS)
def test_half_a_transaction_is_found(name: str) -> None:
    assert found_by(judged(name, history_of(name, MADE[name](halves=20).carry_out))) == {"transactions"}
