"""etcd and ZooKeeper keep what their makers promise, under kills, pauses and partitions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ackproof.cli.output.exits import Exit
from harness.errors import CouldNotRun
from harness.systems.etcd import Etcd
from harness.systems.zookeeper import ZooKeeper
from tests.campaigns.ackproof import Ran, ackproof
from tests.deciding import decided
from tests.harness.hosts.namespaces import needs_namespaces

SYSTEMS: Mapping[str, tuple[Etcd | ZooKeeper, ...]] = {
    "etcd": (Etcd(),),
    "zookeeper": (ZooKeeper("3.9.5"), ZooKeeper()),
}
"""The first that is here is tested: 3.8.0, which Debian has, can lose acknowledged writes (docs/found.md)."""
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
SECONDS = {"etcd": "20", "zookeeper": "25"}


def name_here(system: str) -> str:
    """The name, with its version, of the first of `SYSTEMS` that is here; the test is skipped if none is."""
    missing = ""
    for made in SYSTEMS[system]:
        try:
            return f"{system}@{made.version()}"
        except CouldNotRun as error:
            missing = str(error)
    pytest.skip(missing)


def verdict_of(system: str, workload: str, seed: int, folder: Path) -> Ran:
    """Carry out one run of the system that is here, and judge it."""
    return ackproof(
        *("run", "--system", name_here(system), "--world", "netns", "--nodes", "3", "--workload", workload),
        *("--nemesis", "kill,pause,partition", "--time-limit", SECONDS[system], "--seed", str(seed)),
        *("--store", str(folder / "store")),
        state=folder,
    )


def is_known(system: str, folder: Path) -> bool:
    """Whether a node of ZooKeeper 3.8 logged the step that begins its known loss of writes."""
    if not name_here(system).startswith("zookeeper@3.8."):
        return False
    logs = folder.glob("store/*/nodes/*/log.txt")
    return any("is from a different epoch" in log.read_text(errors="replace") for log in logs)


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("system", "workload"), SHARE)
def test_a_promise_is_kept(system: str, workload: str, tmp_path: Path) -> None:
    ran = decided(lambda seed: verdict_of(system, workload, seed, tmp_path), seeds=(1, 2, 3))
    if ran.status == Exit.INVALID and is_known(system, tmp_path):
        pytest.xfail("ZooKeeper before 3.8.5 loses acknowledged writes after this log line (docs/found.md)")
    assert ran.status == 0, ran.telling


@needs_namespaces
@pytest.mark.thorough
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize(("system", "workload"), PROMISES)
def test_each_promise_is_kept_in_ten_seeds(system: str, workload: str, seed: int, tmp_path: Path) -> None:
    ran = verdict_of(system, workload, seed, tmp_path)
    assert ran.status == 0, ran.telling
