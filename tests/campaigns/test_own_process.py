"""Clients in processes of their own, in a whole run: a real system, its makers' library, and faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.hosts.processes import carrying
from harness.systems.zookeeper import ZooKeeper
from tests.campaigns.ackproof import Ran, ackproof
from tests.deciding import decided
from tests.harness.hosts.namespaces import needs_namespaces

SYSTEM = '''
"""ZooKeeper, with each client of kazoo in a process of its own."""

from ackproof.systems import in_own_process
from harness.systems.zookeeper import ZooKeeper


class Apart(ZooKeeper):
    @property
    def clients(self):
        return {"register": in_own_process(super().clients["register"])}
'''


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(500)
def test_they_live_through_kills_pauses_and_partitions_of_zookeeper(tmp_path: Path) -> None:
    try:
        ZooKeeper().version()
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    (tmp_path / "apart.py").write_text(SYSTEM)

    def ran(seed: int) -> Ran:
        return ackproof(
            *("run", "--system", f"{tmp_path}/apart.py:Apart", "--world", "netns", "--nodes", "3"),
            *("--workload", "register", "--concurrency", "6", "--rate", "60"),
            *("--nemesis", "kill,pause,partition", "--time-limit", "25", "--seed", str(seed)),
            *("--store", str(tmp_path / "store")),
            state=tmp_path / "state",
        )

    done = decided(ran, seeds=(1, 2, 3))
    assert done.status == 0, done.telling
    history = (tmp_path / "store" / "latest" / "history.jsonl").read_text().splitlines()
    operations = [json.loads(line) for line in history]
    writes = [one["type"] for one in operations if one["f"] == "write" and one["type"] != "invoke"]
    assert writes.count("ok") > 100
    assert [one["error"] for one in operations if "gave no answer" in str(one.get("error"))] == []
    assert carrying("XDG_STATE_HOME", str(tmp_path / "state")) == [], "processes were left behind"
