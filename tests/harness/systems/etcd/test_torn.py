"""A torn write at the end of etcd's log, for which it takes the room beforehand, takes effect."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.nemesis.needs import CAN_BE_TORN
from harness.run.folder import RunFolder
from harness.run.judging import judge
from harness.run.runner import run
from harness.run.test import Test
from harness.systems.etcd import Etcd
from harness.systems.nats import Nats
from harness.systems.pysyncobj import PySyncObj
from harness.systems.redis import Redis
from harness.systems.zookeeper import ZooKeeper
from tests.harness.hosts.namespaces import needs_namespaces


def a_run(system: str, folder: Path) -> RunFolder:
    test = Test(
        nodes=("n1", "n2", "n3"),
        world="netns",
        system=system,
        workload="register",
        nemesis=("torn",),
        time_limit_s=12.0,
        rate=60.0,
        seed=1,
    )
    return run(test, folder / "store", command=("ackproof", "run"), quiet=True)


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(150)
@pytest.mark.skipif(shutil.which("etcd") is None, reason="etcd is missing: apt-get install etcd-server")
def test_etcd_repairs_its_log_after_a_torn_write(tmp_path: Path) -> None:
    folder = a_run("etcd", tmp_path)
    verdicts = {verdict.checker: verdict for verdict in judge(folder).verdicts}
    for checker in ("linearizability", "vacuity"):
        assert verdicts[checker].validity is Validity.VALID, verdicts[checker]
    assert list(folder.path.glob("nodes/*/data/member/wal/*.wal.broken")), (
        "what etcd leaves once it has repaired"
    )


def test_torn_is_refused_where_nothing_would_show_that_a_torn_write_was_read() -> None:
    assert all(map(CAN_BE_TORN.is_had_by, (Etcd(), Redis(), Nats())))
    assert not any(map(CAN_BE_TORN.is_had_by, (ZooKeeper(), PySyncObj())))
