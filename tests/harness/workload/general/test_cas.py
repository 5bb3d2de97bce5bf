"""The cas workload, in virtual time: against a dictionary, and against real nodes, right and wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from checkers.check_all import Results
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models.register import CasRegister
from checkers.verdict import Validity
from harness.drivers.virtual import simulate
from harness.generator import clients, phases, stagger, time_limit
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan
from harness.sim.run import run
from harness.workload import workload
from harness.workload.general.cas import KEYS
from history import History, Operation, Recording

NODES = ("n1", "n2", "n3")
MS = 1_000_000


class Contents:
    """Configurations in a dictionary; `forgets`: of this number of writes, one is confirmed and not done."""

    def __init__(self, forgets: int = 0) -> None:
        self.held: dict[str, str | None] = {}
        self.writes = 0
        self.forgets = forgets

    def perform(self, op: Operation, now: int) -> tuple[Operation, int]:
        key, value = str(op.key), op.value
        held = self.held.get(key)
        if op.f == "read":
            value = held
        elif op.f == "cas" and op.value[0] != held:
            value = False
        else:
            self.writes += 1
            if not self.forgets or self.writes % self.forgets:
                self.held[key] = op.value[1] if op.f == "cas" else op.value
        return msgspec.structs.replace(op, type="ok", value=value, raft_index=self.writes), 3 * MS


def history_of(contents: Contents, seed: int = 1) -> History:
    work = workload("cas", NODES, 4)
    main = time_limit(3_000 * MS, clients(stagger(3 * MS, work.generator)))
    return simulate(phases(main, work.final), threads=4, nodes=NODES, seed=seed, perform=contents.perform)


def linearizability(history: History) -> Validity:
    recording = Recording(NODES, history)
    return LinearizabilityOf(CasRegister()).check(recording).validity


def test_all_kinds_of_operations_are_made_and_some_compare_and_sets_find_another_content() -> None:
    history = history_of(Contents())
    outcomes = Counter((op.f, op.value is False, op.value is None) for op in history if op.type == "ok")
    assert min(outcomes["read", False, False], outcomes["read", False, True]) > 10
    assert min(outcomes["write", False, False], outcomes["write", False, True]) > 10
    assert outcomes["cas", False, False] > 100
    assert outcomes["cas", True, False] > 10
    assert linearizability(history) is Validity.VALID


def test_every_configuration_touched_is_read_back_from_every_node() -> None:
    history = history_of(Contents())
    touched = {str(op.key) for op in history if "-try" not in str(op.key)}
    last_write = max(op.index for op in history if op.f != "read")
    finals = {(op.node, op.key) for op in history if op.index > last_write and op.type == "ok"}
    assert finals >= {(node, key) for node in NODES for key in touched}
    assert touched <= set(KEYS.until(len(history)))


def test_what_is_written_is_unique() -> None:
    contents = [
        op.value[1] if op.f == "cas" else op.value
        for op in history_of(Contents())
        if op.type == "invoke" and op.f != "read" and op.value is not None
    ]
    assert len(contents) == len(set(contents)) > 100


def test_a_write_that_was_confirmed_and_not_done_is_found() -> None:
    assert linearizability(history_of(Contents(forgets=50))) is Validity.INVALID


def simulated(seed: int, logs: Path, mutant: str | None = None) -> Results:
    """The verdicts on a run of real nodes in virtual time, which are killed and cut off."""
    test = Test(
        nodes=NODES,
        workload="cas",
        nemesis=("kill", "partition"),
        concurrency=6,
        rate=200,
        time_limit_s=6,
        seed=seed,
        mutant=mutant,
        minimum_acknowledged=100,
    )
    ran = run(Plan(test=test, scheduled_faults=()))
    assert ran.problem is None
    return results_of(ran, logs)


@pytest.mark.parametrize("seed", range(5))
def test_real_nodes_are_found_linearizable(seed: int, tmp_path: Path) -> None:
    found = simulated(seed, tmp_path)
    # Not every fault takes effect in so short a run.
    assert {verdict.checker for verdict in found.decisive} <= {"vacuity"}
    assert found.validity is not Validity.INVALID


def test_a_leader_that_discards_its_log_is_found_by_clients_alone(tmp_path: Path) -> None:
    found = [simulated(seed, tmp_path, "discard-on-election") for seed in range(9, 12)]
    assert any(one.checker == "linearizability" for judged in found for one in judged.decisive)
