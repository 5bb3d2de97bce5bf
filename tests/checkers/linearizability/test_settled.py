"""What certainly happened, although nothing answered it, is no choice of the search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER, Answer, Budget
from checkers.linearizability.engine import Engine
from checkers.linearizability.kernels.settle import BETWEEN
from checkers.linearizability.part import parts
from checkers.linearizability.search.settled import Named, Settled, settled
from checkers.models.multi_register import MultiRegister
from checkers.models.register import ReadWriteRegister
from tests.checkers.builders import HistoryBuilder


def numbers(*some: int) -> npt.NDArray[np.int64]:
    return np.array(some, dtype=np.int64)


def of(
    completed: npt.NDArray[np.int64],
    makes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    needs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> Settled:
    count = len(completed)
    invoked = np.arange(count, dtype=np.int64) * 2
    at_first = np.array([True, False, False, False])
    return settled(numbers(0, count), invoked, completed, Named(*makes), Named(*needs), at_first)


def test_the_only_write_of_a_value_that_was_read_ends_before_the_read_does() -> None:
    # Operation 0 may have written 1; operation 1 read 1, and 2 read it later.
    found = of(numbers(NEVER, 7, 9), (numbers(0), numbers(1)), (numbers(1, 2), numbers(1, 1)))
    assert found.completed.tolist() == [7 * BETWEEN - 1, 7 * BETWEEN, 9 * BETWEEN]
    assert found.invoked.tolist() == [0, 2 * BETWEEN, 4 * BETWEEN]
    assert not found.needless.any()


def test_of_two_writes_of_a_value_neither_is_certain() -> None:
    found = of(numbers(NEVER, NEVER, 9), (numbers(0, 1), numbers(1, 1)), (numbers(2), numbers(1)))
    assert found.completed.tolist() == [NEVER, NEVER, 9]
    assert not found.needless.any()


def test_a_value_that_is_there_at_first_shows_no_write() -> None:
    found = of(numbers(NEVER, 7), (numbers(0), numbers(0)), (numbers(1), numbers(0)))
    assert found.completed.tolist() == [NEVER, 7]
    assert not found.needless.any()


def test_what_nothing_asks_for_is_needless() -> None:
    found = of(numbers(NEVER, 7), (numbers(0), numbers(2)), (numbers(1), numbers(1)))
    assert found.needless.tolist() == [True, False]


def test_what_a_certain_operation_needs_is_certain_too() -> None:
    # Operation 0 may have brought 1, which 1 takes to bring 2, which 2 showed.
    found = of(numbers(NEVER, NEVER, 9), (numbers(0, 1), numbers(1, 2)), (numbers(1, 2), numbers(1, 2)))
    assert found.completed.tolist() == [9 * BETWEEN - 2, 9 * BETWEEN - 1, 9 * BETWEEN]


def test_certain_operations_that_end_at_one_reply_have_different_ends() -> None:
    found = of(numbers(NEVER, NEVER, 9), (numbers(0, 1), numbers(1, 2)), (numbers(2, 2), numbers(1, 2)))
    assert len(set(found.completed.tolist())) == 3
    assert max(found.completed.tolist()) == 9 * BETWEEN


def test_transactions_that_were_seen_are_not_searched_for() -> None:
    built = HistoryBuilder()
    for number in range(12):
        built.invoke(100 + number, "txn", "k", [["w", f"r{number % 3}", number], ["w", "other", -number]])
        built.complete(100 + number, "info", None)
    seen = {}
    for number in range(12):
        seen[number % 3] = number
        register = f"r{number % 3}"
        built.do("txn", "k", [["r", register, None]], [["r", register, number]])
    result = Engine(MultiRegister()).decide(parts(built.history())[0], Budget())
    assert result.answer is Answer.LINEARIZABLE
    assert result.configurations < 100


def test_fifty_unknown_writes_of_one_value_are_alike() -> None:
    built = HistoryBuilder()
    for number in range(50):
        built.invoke(100 + number, "write", "k", "same")
        built.complete(100 + number, "info", None)
        built.do("write", "k", number)
        built.do("read", "k", None, "same" if number % 2 else number)
    built.do("write", "k", 1_000)
    built.do("read", "k", None, 7)
    result = Engine(ReadWriteRegister()).decide(parts(built.history())[0], Budget())
    assert result.answer is Answer.NOT_LINEARIZABLE
    assert result.configurations < 1_000
