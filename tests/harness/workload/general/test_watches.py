"""What looks at a run as it goes on (--stop-at-violation): it suspects broken stores, and no right one."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.watching import Suspicion
from harness.workload import workload
from history import History
from tests.harness.workload.general.stores import NODES, history_of
from tests.harness.workload.general.test_instances import Registry
from tests.harness.workload.general.test_queue import Queues
from tests.harness.workload.general.test_register import Registers
from tests.harness.workload.general.test_set import Sets

STORES: dict[str, tuple[Any, Any]] = {
    "register": (Registers(), Registers(forgets=50)),
    "set": (Sets(), Sets(forgets=50)),
    "fifo-queue": (Queues(), Queues(loses=40)),
    "instances": (Registry(), Registry(forgets=15)),
}


def suspected(name: str, history: History) -> Suspicion | None:
    """The first thing that a watch of the workload finds wrong."""
    watches = workload(name, NODES, 6).watches()
    assert watches
    return next((found for op in history for watch in watches if (found := watch.see(op)) is not None), None)


@pytest.mark.parametrize("name", STORES)
def test_a_right_store_is_not_suspected(name: str) -> None:
    assert suspected(name, history_of(name, STORES[name][0].carry_out)) is None


@pytest.mark.parametrize("name", STORES)
def test_a_broken_store_is_suspected_before_the_run_ends(name: str) -> None:
    found = suspected(name, history_of(name, STORES[name][1].carry_out, unknown=0))
    assert found is not None
    assert found.checker == "linearizability"
