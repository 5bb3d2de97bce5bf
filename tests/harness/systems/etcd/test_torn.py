"""A torn write at the end of etcd's log, for which it takes the room beforehand, takes effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.nemesis.needs import CAN_BE_TORN
from harness.run.test import Test
from harness.systems.etcd import Etcd
from harness.systems.nats import Nats
from harness.systems.pysyncobj import PySyncObj
from harness.systems.redis import Redis
from harness.systems.zookeeper import ZooKeeper
from tests.deciding import judged
from tests.harness.hosts.namespaces import needs_namespaces
from tests.harness.systems.etcd.here import needs_etcd


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(300)
@needs_etcd
def test_etcd_repairs_its_log_after_a_torn_write(tmp_path: Path) -> None:
    test = Test(
        nodes=("n1", "n2", "n3"),
        world="netns",
        system="etcd",
        workload="register",
        nemesis=("torn",),
        time_limit_s=12.0,
        rate=60.0,
    )
    checkers = ("linearizability", "vacuity")
    ended = judged(test, tmp_path / "store", checkers)
    for checker in checkers:
        assert ended.found[checker].validity is Validity.VALID, ended.found[checker]
    assert list(ended.folder.path.glob("nodes/*/data/member/wal/*.wal.broken")), (
        "what etcd leaves once it has repaired"
    )


def test_torn_is_refused_where_nothing_would_show_that_a_torn_write_was_read() -> None:
    assert all(map(CAN_BE_TORN.is_had_by, (Etcd(), Redis(), Nats())))
    assert not any(map(CAN_BE_TORN.is_had_by, (ZooKeeper(), PySyncObj())))
