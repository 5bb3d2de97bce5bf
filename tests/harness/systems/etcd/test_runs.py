"""etcd as a real cluster: one short run with a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.run.test import Test
from tests.deciding import judged
from tests.harness.hosts.namespaces import needs_namespaces
from tests.harness.systems.etcd.here import needs_etcd


@needs_namespaces
@pytest.mark.campaign
@needs_etcd
def test_a_cluster_of_etcd_outlives_its_leader(tmp_path: Path) -> None:
    test = Test(
        nodes=("n1", "n2", "n3"),
        world="netns",
        system="etcd",
        system_options={"election_ms": "500", "heartbeat_ms": "50"},
        workload="register",
        nemesis=("kill:leader",),
        time_limit_s=4.0,
        minimum_acknowledged=20,
    )
    checkers = ("linearizability", "node-health", "election-safety", "unhandled-errors")
    found = judged(test, tmp_path / "store", checkers).found
    for checker in checkers:
        assert found[checker].validity is Validity.VALID, found[checker]
    assert not [verdict for verdict in found.values() if verdict.validity is Validity.INVALID]
