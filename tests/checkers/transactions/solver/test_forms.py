"""The search says the same in plain Python and compiled, and when it goes on compiled."""

from __future__ import annotations

import numpy as np
import pytest

from checkers.transactions.assumed import Assumed
from checkers.transactions.rw_register import read_registers
from checkers.transactions.solver.arrays import in_form
from checkers.transactions.solver.decide import begun
from checkers.transactions.solver.first_order import points_of
from checkers.transactions.solver.problem import Problem, problem
from checkers.transactions.solver.search import GIVEN_UP, run
from checkers.transactions.solver.state import CONFLICTS, DECISIONS, LOOKS
from checkers.transactions.transactions import transactions
from history.kernels import Form
from tests.checkers.stores.rw_register import broken_history

ENOUGH = 1_000_000


def task_of(seed: int, *, snapshots: bool) -> Problem | None:
    txns = transactions(broken_history(seed, duplicates=True, most=12), lists=False, duplicates=True)
    registers = read_registers(txns, 1, Assumed(duplicates=True))
    if registers.reading.anomalies.counts.keys() - {"lost-update"}:
        return None
    return problem(txns, registers.form, 1, snapshots=snapshots, is_initial=registers.is_initial)


def searched(task: Problem, form: Form, *, changes_after: int = ENOUGH) -> tuple[int, list[int], list[int]]:
    """How the search ends, the points in their order, and what it took."""
    search = begun(task, points_of(task, form), form)
    assert search is not None
    state = form.of(run)(search, changes_after)
    if state == GIVEN_UP:
        form = Form.COMPILED
        search = in_form(search, form)
        state = form.of(run)(search, ENOUGH)
    counted = [int(search.counters[counter]) for counter in (LOOKS, CONFLICTS, DECISIONS)]
    return int(state), np.asarray(search.line.point).tolist(), counted


@pytest.mark.timeout(600)  # it may be the first to compile the search
def test_plain_and_compiled_searches_take_the_same_steps_to_the_same_answer() -> None:
    states = set()
    for seed in range(60):
        for snapshots in (False, True):
            task = task_of(seed, snapshots=snapshots)
            if task is None:
                continue
            plain = searched(task, Form.PLAIN)
            assert searched(task, Form.COMPILED) == plain, seed
            assert searched(task, Form.PLAIN, changes_after=plain[2][0] // 2)[0] == plain[0], seed
            states.add(plain[0])
    assert len(states) == 2
