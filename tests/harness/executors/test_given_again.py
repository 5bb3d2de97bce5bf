"""A piece that Dask forgot is given to it again; what still comes of the first time is dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.executors.dask_cluster import DaskCluster
from harness.executors.dask_worker import Done
from harness.executors.executor import Ended
from harness.executors.on_dask import OnDask
from tests.harness.executors.pieces import pretended, squared


class WrittenFuture:
    """A future that ends when the test says so, with a status of Dask's."""

    def __init__(self) -> None:
        self.status = "pending"
        self.value: Any = None
        self._call: Callable[[WrittenFuture], None] = lambda _: None

    def add_done_callback(self, call: Callable[[WrittenFuture], None]) -> None:
        """Call this at the end."""
        self._call = call

    def exception(self, timeout: float) -> BaseException:
        """Why it failed."""
        del timeout  # it is known
        return RuntimeError("its scheduler has gone")

    def end(self, status: str, value: Any = None) -> None:
        """The end of it."""
        self.status, self.value = status, value
        self._call(self)


class WrittenCluster(DaskCluster):
    """A cluster without Dask, of one worker; its scheduler goes away when the test says so."""

    def __init__(self) -> None:
        self.address = "tcp://127.0.0.1:1"
        self.identity = pretended
        self.workers = ("tcp://127.0.0.1:2",)
        self.given: list[WrittenFuture] = []
        self.is_gone = False

    def submit(self, function: Callable[..., Any], *args: Any, only_on: frozenset[str]) -> WrittenFuture:
        """A new future."""
        del function, args, only_on  # no work is done
        self.given.append(WrittenFuture())
        return self.given[-1]

    def results(self, futures: list[Any]) -> list[Any]:
        """What they hold."""
        return [future.value for future in futures]

    def look(self) -> None:
        """The worker stays."""

    @property
    def is_lost(self) -> bool:
        """Whether the scheduler is away."""
        return self.is_gone

    def connect_again(self, say: Callable[[str], None]) -> None:
        """The scheduler is back, and has forgotten everything."""
        say("it is back")
        self.is_gone = False

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("status", ["finished", "error", "cancelled"])
def test_what_comes_from_before_a_restart_ends_no_piece_and_gives_none_a_third_time(status: str) -> None:
    cluster = WrittenCluster()
    executor: OnDask[str, [int], int] = OnDask(squared, cluster, lambda _: None)
    executor.begin("seven", 7)
    cluster.is_gone = True
    assert executor.wait(0) == []
    assert executor.wait(0) == []
    before, after = cluster.given
    before.end(status, Done(-1))
    assert executor.wait(0) == []
    assert executor.wait(0) == []
    assert cluster.given == [before, after]
    after.end("finished", Done(49))
    assert executor.wait(0) == [Ended("seven", 49)]
    assert not executor.is_busy
