"""The workload `register` in virtual time, against a dictionary, right and wrong."""

from __future__ import annotations

from collections import Counter

import pytest

from checkers.verdict import Validity
from harness.workload.general.register import KEYS
from history import History, Operation
from tests.harness.workload.general.stores import NODES, Took, found_by, history_of, judged


class Registers:
    """Registers in a dictionary. `forgets`: of this number of writes, one is confirmed and not done. `lags`:
    this node answers reads with what was there before the last write."""

    def __init__(self, forgets: int = 0, lags: str | None = None) -> None:
        self.held: dict[str, list[str | None]] = {}
        self.writes = 0
        self.forgets = forgets
        self.lags = lags

    def carry_out(self, op: Operation, _now: int) -> Took:
        values = self.held.setdefault(str(op.key), [None])
        if op.f == "read":
            return "ok", values[-2] if op.node == self.lags and len(values) > 1 else values[-1]
        self.writes += 1
        if not self.forgets or self.writes % self.forgets:
            values.append(op.value)
        return "ok", op.value


def run(registers: Registers, seed: int = 1) -> History:
    return history_of("register", registers.carry_out, seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_a_right_store_is_found_valid_without_traces_and_indices(seed: int) -> None:
    found = judged("register", run(Registers(), seed))
    assert found.validity is Validity.VALID, found.decisive


def test_writes_are_unique_and_every_key_is_read_back_from_every_node() -> None:
    history = run(Registers())
    written = [op.value for op in history if op.f == "write" and op.type == "invoke"]
    assert len(written) == len(set(written)) > 200
    touched = {str(op.key) for op in history if op.is_client and "-try" not in str(op.key)}
    last_write = max(op.index for op in history if op.f == "write")
    finals = {(op.node, op.key) for op in history if op.index > last_write and op.type == "ok"}
    assert finals >= {(node, key) for node in NODES for key in touched}
    assert touched <= set(KEYS.until(len(history)))


def test_the_history_of_one_key_stays_short() -> None:
    history = history_of("register", Registers().carry_out, seconds=20)
    last_write = max(op.index for op in history if op.f == "write")
    used = Counter(op.key for op in history if op.type == "invoke" and op.index < last_write)
    assert max(used.values()) < 2 * KEYS.width * KEYS.operations_per_slide / KEYS.width


def test_a_lost_write_is_found() -> None:
    assert found_by(judged("register", run(Registers(forgets=50)))) == {"linearizability"}


def test_a_stale_node_is_found() -> None:
    assert found_by(judged("register", run(Registers(lags="n2")))) == {"linearizability"}
