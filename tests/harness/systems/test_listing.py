"""`ackproof systems` lists every system, whether its program is here or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from harness.run.test import Test
from harness.systems.catalogue import SYSTEMS
from harness.systems.listing import ListedSystem, listed_systems

OPTIONS = Test(nodes=("n1",)).options()


def test_every_system_is_listed_with_what_it_has() -> None:
    rows = {row.name: row for row in listed_systems(OPTIONS)}
    assert set(SYSTEMS) <= set(rows)
    reference = rows["reference-node"]
    assert reference.is_here
    assert "registry" in reference.workloads
    assert "can be shipped to SSH hosts" in reference.needs


def test_a_system_whose_program_is_not_here_is_listed_with_what_brings_it(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "ackproof", "systems", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    rows = msgspec.convert(msgspec.json.decode(done.stdout)["result"], list[ListedSystem])
    missing = [row for row in rows if not row.is_here]
    assert {"nacos", "redis", "nats", "pysyncobj"} <= {row.name for row in missing}
    brought = {row.name: row.here for row in missing}
    assert "--bin" in brought.pop("maelstrom")
    assert all("install" in here and "\n" not in here for here in brought.values())
