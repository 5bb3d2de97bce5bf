"""etcd and ZooKeeper keep what their makers promise, under kills, pauses and partitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.systems.etcd import Etcd
from harness.systems.zookeeper import ZooKeeper
from tests.campaigns.ackproof import ackproof
from tests.harness.hosts.namespaces import needs_namespaces

SYSTEMS = {"etcd": Etcd, "zookeeper": ZooKeeper}
PROMISES = [
    *(("etcd", workload) for workload in ("register", "cas", "set", "fifo-queue", "lock", "append", "txn")),
    *(("etcd", workload) for workload in ("watch", "instances", "same-state")),
    *(("zookeeper", workload) for workload in ("register", "cas", "set", "queue", "lock", "instances")),
    ("zookeeper", "expiring-instances"),
]
SHARE = [
    ("etcd", "cas"),
    ("etcd", "watch"),
    ("etcd", "txn"),
    ("zookeeper", "register"),
    ("zookeeper", "queue"),
]
SECONDS = {"etcd": "15", "zookeeper": "20"}


def is_valid(system: str, workload: str, seed: int, folder: Path) -> None:
    """Check one run.

    Raises:
        AssertionError: it is not valid; with what the command printed.
    """
    try:
        SYSTEMS[system]().version()
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    ran = ackproof(
        *("run", "--system", system, "--world", "netns", "--nodes", "3", "--workload", workload),
        *("--nemesis", "kill,pause,partition", "--time-limit", SECONDS[system], "--seed", str(seed)),
        *("--store", str(folder / "store")),
        state=folder,
    )
    assert ran.status == 0, ran.telling


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("system", "workload"), SHARE)
def test_a_promise_is_kept(system: str, workload: str, tmp_path: Path) -> None:
    is_valid(system, workload, 1, tmp_path)


@needs_namespaces
@pytest.mark.thorough
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize(("system", "workload"), PROMISES)
def test_each_promise_is_kept_in_ten_seeds(system: str, workload: str, seed: int, tmp_path: Path) -> None:
    is_valid(system, workload, seed, tmp_path)
