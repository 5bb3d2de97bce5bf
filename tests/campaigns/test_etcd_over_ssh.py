"""etcd on three remote hosts: the program is shipped, members are cut by address, and the run is valid."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.campaigns.five_hosts import ACKPROOF
from tests.deciding import SEEDS, decided
from tests.harness.hosts.sshds import needs_sshd, sshds
from tests.harness.systems.etcd.here import needs_etcd

BOUND_S = 150


@needs_sshd
@pytest.mark.campaign
@pytest.mark.timeout(len(SEEDS) * BOUND_S + 30)
@needs_etcd
def test_etcd_on_remote_hosts_is_valid_under_kills_and_partitions(tmp_path: Path) -> None:
    async def run(seed: int) -> tuple[int | None, str]:
        folder = tmp_path / str(seed)
        folder.mkdir()
        async with asyncio.timeout(BOUND_S), sshds(folder, ("n1", "n2", "n3")) as hosts:
            process = await asyncio.create_subprocess_exec(
                *hosts.inside(),
                *(ACKPROOF, "run", "--world", "ssh", "--nodes-file", str(hosts.nodes_file())),
                *("--system", "etcd", "--workload", "register", "--nemesis", "kill,partition"),
                *("--rate", "60", "--time-limit", "15", "--seed", str(seed)),
                *("--store", str(tmp_path / "store")),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output, _ = await process.communicate()
            return process.returncode, output.decode()

    status, output = decided(lambda seed: asyncio.run(run(seed)))
    assert status == 0, output
    results = json.loads((tmp_path / "store" / "latest" / "results.json").read_text())
    summaries = {verdict["checker"]: verdict["summary"] for verdict in results["verdicts"]}
    assert "faults that took effect: kill, partition" in summaries["vacuity"]
    assert "no term has two leaders" in summaries["election-safety"]
