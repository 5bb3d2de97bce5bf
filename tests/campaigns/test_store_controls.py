"""PySyncObj, Redis, NATS and RabbitMQ keep what their makers promise.

Redis promises nothing under faults, so it is tested without. NATS and RabbitMQ are slow to elect a leader, so
their runs are longer. PySyncObj 0.3.17 logs critical lines about itself (docs/found.md), which `node-health`
reports; so its runs are judged by what clients saw.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.errors import CouldNotRun
from harness.run.test import Test
from harness.systems import system_of
from harness.systems.base import HasVersion
from tests.deciding import judged
from tests.harness.hosts.namespaces import needs_namespaces

FAULTS = ("kill", "pause", "partition")
CONTROLS = [
    *(("pysyncobj@0.3.17", workload, FAULTS, 20.0) for workload in ("register", "cas", "set", "fifo-queue")),
    *(("redis", workload, (), 5.0) for workload in ("register", "cas", "set", "fifo-queue", "lock")),
    *(("nats@2.15", workload, FAULTS, 75.0) for workload in ("register", "cas", "set", "queue")),
    ("rabbitmq", "queue", FAULTS, 80.0),
]
SHARE = [
    control for control in CONTROLS if control[0] == "redis" or control[:2] == ("pysyncobj@0.3.17", "set")
]
"""Those without faults take some seconds each."""
RATES = {"rabbitmq": 60.0}
"""Operations a second where it is not the usual number: of more queues, not all can be drained in time."""
OF_CLIENTS = ("linearizability", "set-full", "total-queue", "lock", "recovery", "unhandled-errors")


def is_kept(
    system: str, workload: str, nemesis: tuple[str, ...], seconds: float, seeds: tuple[int, ...], folder: Path
) -> None:
    """Check that a promise is kept in the first run by these seeds that can tell.

    Raises:
        AssertionError: it is not, or no run can tell.
    """
    made = system_of(system, Test(nodes=("n1",), system=system).options())
    try:
        if isinstance(made, HasVersion):
            made.version()
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    test = Test(
        nodes=("n1", "n2", "n3"),
        world="netns",
        system=system,
        workload=workload,
        nemesis=nemesis,
        time_limit_s=seconds,
        rate=RATES.get(system, 300.0),
    )
    found = judged(test, folder / "store", OF_CLIENTS, seeds).found
    of_clients = [found[checker] for checker in OF_CLIENTS if checker in found]
    assert len(of_clients) >= 3
    for verdict in of_clients:
        assert verdict.validity is Validity.VALID, verdict


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(360)
@pytest.mark.parametrize(("system", "workload", "nemesis", "seconds"), SHARE)
def test_a_promise_is_kept(
    system: str, workload: str, nemesis: tuple[str, ...], seconds: float, tmp_path: Path
) -> None:
    is_kept(system, workload, nemesis, seconds, (1, 2, 3), tmp_path)


@needs_namespaces
@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize(("system", "workload", "nemesis", "seconds"), CONTROLS)
def test_each_promise_is_kept_in_ten_seeds(
    system: str, workload: str, nemesis: tuple[str, ...], seconds: float, seed: int, tmp_path: Path
) -> None:
    is_kept(system, workload, nemesis, seconds, (seed,), tmp_path)
