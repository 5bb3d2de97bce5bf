"""A campaign over five SSH hosts: each a real sshd in a network namespace of its own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.campaigns.five_hosts import ACKPROOF, NAMES
from tests.harness.hosts.sshds import needs_sshd, sshds

SEEDS = 2


@needs_sshd
@pytest.mark.campaign
@pytest.mark.timeout(400)
def test_a_campaign_runs_its_cells_on_five_ssh_hosts(tmp_path: Path) -> None:
    status, output, errors = asyncio.run(campaign(tmp_path))
    assert status in (0, 2), errors
    summary = json.loads(output)["result"]["summary"]
    assert summary["ended"] == "all runs are done"
    assert [(cell["runs"], cell["invalid"], cell["could_not_run"]) for cell in summary["cells"]] == [
        (SEEDS, 0, 0),
        (SEEDS, 0, 0),
    ]
    assert all(cell["valid"] for cell in summary["cells"]), summary["reasons"]


async def campaign(folder: Path) -> tuple[int | None, bytes, str]:
    """The exit code of a campaign over five hosts, and what it printed."""
    described = folder / "five.toml"
    async with asyncio.timeout(360), sshds(folder, NAMES) as hosts:
        described.write_text(
            f"""name = "five-hosts"
seeds = {SEEDS}
[[cells]]
world = "ssh"
nodes_file = "{hosts.nodes_file()}"
workload = ["registry", "register"]
nemesis = "partition,kill"
rate = 60
time_limit_s = 12
"""
        )
        process = await asyncio.create_subprocess_exec(
            *hosts.inside(),
            *(ACKPROOF, "campaign", str(described), "--store", str(folder / "store"), "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
    return process.returncode, output, errors.decode()
