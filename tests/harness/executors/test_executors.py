"""All places where work is done keep the same promise: each key ends once, with a result or with a reason."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import TypeAlias

import pytest

from harness.errors import CouldNotRun
from harness.executors import processes
from harness.executors.dask_cluster import DaskCluster
from harness.executors.executor import Executor, each_result
from harness.executors.in_process import InProcess
from harness.executors.on_dask import OnDask
from harness.executors.processes import Processes
from tests.harness.executors.dask_processes import DaskProcesses, dask_processes, needs_dask
from tests.harness.executors.pieces import endless, failing, growing, killing, pretended, process_of, squared

OfNumbers: TypeAlias = Executor[int, [int], int]
Make: TypeAlias = Callable[[Callable[[int], int]], OfNumbers]
PLACES = ("in process", "processes", "dask")


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    needs_dask()
    with dask_processes(tmp_path_factory.mktemp("dask"), 2) as cluster:
        yield cluster


def make_on(place: str, request: pytest.FixtureRequest, longest_s: float = 900) -> Make:
    if place == "in process":
        return InProcess
    if place == "processes":
        return lambda perform: Processes(perform, 2, longest_s)
    address = request.getfixturevalue("dask").address
    return lambda perform: OnDask(perform, DaskCluster(address, pretended, jobs=1), print, longest_s)


def all_ended(executor: OfNumbers, numbers: range) -> list[tuple[int, int | str]]:
    left, ended = list(numbers), []
    while left or executor.is_busy:
        while left and executor.has_room:
            number = left.pop(0)
            executor.begin(number, number)
        ended += [(one.key, one.result) for one in executor.wait(0.1)]
    executor.close()
    return ended


@pytest.mark.parametrize("place", PLACES)
def test_each_key_ends_once_with_its_own_result(place: str, request: pytest.FixtureRequest) -> None:
    executor = make_on(place, request)(squared)
    found = list(each_result(executor, ((number, number) for number in range(40))))
    assert sorted(found) == [(number, number**2) for number in range(40)]


@pytest.mark.parametrize("place", PLACES)
def test_what_cannot_be_done_ends_with_a_reason_and_takes_nothing_along(
    place: str, request: pytest.FixtureRequest
) -> None:
    ended = dict(all_ended(make_on(place, request)(failing), range(8)))
    reason = ended.pop(3)
    assert ended == {number: number for number in range(8) if number != 3}
    assert str(reason).startswith("no room (in failing, pieces.py, line ")
    with pytest.raises(CouldNotRun, match="3: no room"):
        list(each_result(make_on(place, request)(failing), ((number, number) for number in range(8))))


@pytest.mark.parametrize("place", PLACES[1:])
def test_what_does_not_end_is_ended(place: str, request: pytest.FixtureRequest) -> None:
    ended = all_ended(make_on(place, request, longest_s=2)(endless), range(6))
    assert sorted(key for key, _ in ended) == list(range(6))
    assert dict(ended)[3] == "it did not end within 2 s"


def test_a_process_that_takes_too_much_memory_is_ended_and_takes_nothing_along() -> None:
    executor: OfNumbers = Processes(growing, 2, most_bytes=600 << 20)
    ended = dict(all_ended(executor, range(5)))
    reason = re.fullmatch(r"it was ended, as its process took (\d+) MiB of memory", str(ended.pop(3)))
    assert reason is not None
    assert int(reason.group(1)) >= 600
    assert ended == {number: number for number in range(5) if number != 3}


def test_a_process_that_keeps_much_memory_is_replaced_after_its_piece() -> None:
    executor: OfNumbers = Processes(process_of, 1, most_idle_bytes=300 << 20)
    done = all_ended(executor, range(4, 8))
    assert [key for key, _ in done] == [4, 5, 6, 7]
    four, five, six, seven = (process for _, process in done)
    assert four == five != six == seven


@pytest.mark.campaign
def test_a_local_dask_worker_that_takes_too_much_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_dask()
    monkeypatch.setattr("harness.executors.memory.MOST_WORKER_BYTES", 800 << 20)
    executor: OfNumbers = OnDask(growing, DaskCluster("local", pretended, jobs=2), print)
    ended = dict(all_ended(executor, range(5)))
    assert str(ended.pop(3)).startswith("KilledWorker: ")
    assert ended == {number: number for number in range(5) if number != 3}


@pytest.mark.campaign
def test_work_that_kills_each_worker_ends_with_that_reason(tmp_path: Path) -> None:
    needs_dask()
    # Two deaths, as the first also takes what that worker had done and not yet said.
    environment = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with dask_processes(tmp_path, 4, environment=environment) as cluster:
        executor: OfNumbers = OnDask(killing, DaskCluster(cluster.address, pretended, jobs=1), print)
        ended = dict(all_ended(executor, range(6)))
    assert str(ended.pop(3)).startswith("KilledWorker: ")
    assert ended == {number: number for number in range(6) if number != 3}


def test_a_process_whose_parent_has_ended_ends_without_a_word() -> None:
    own, others = Pipe()

    def end_the_parent() -> int:
        own.close()
        return 7

    own.send(((), {}))
    before = signal.getsignal(signal.SIGINT)
    try:
        processes._work(others, end_the_parent)
    finally:
        signal.signal(signal.SIGINT, before)
