"""What the agent could not remove it says, rather than to let the ledger forget it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.hosts import agent
from harness.hosts.ledger import TOKEN_VARIABLE

TABLE = "ackproof_sweeping_test"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="packet-filter tables are the superuser's")


def nft_that(folder: Path, delete: str) -> Path:
    """A folder with an `nft` that has two tables, one of them ours, until `delete` has removed it."""
    tools = folder / "tools"
    tools.mkdir()
    ours = folder / "ours"
    ours.touch()
    tool = tools / "nft"
    tool.write_text(
        f"""#!/bin/sh
if [ "$1" = list ]; then
    echo table inet another
    [ -e '{ours}' ] && echo table inet {TABLE}_links
else
    {delete.format(ours=ours)}
fi
exit 0
"""
    )
    tool.chmod(0o755)
    return tools


def sweep(tools: Path, run: Path) -> subprocess.CompletedProcess[str]:
    (run / "data").mkdir(parents=True)
    return subprocess.run(
        [sys.executable, agent.__file__, "sweep", "--table", TABLE, "--folder", str(run)],
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", TOKEN_VARIABLE: "s" * 32},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@needs_root
def test_a_table_that_stays_is_named_and_the_folder_is_left(tmp_path: Path) -> None:
    done = sweep(nft_that(tmp_path, "echo busy >&2; exit 1"), tmp_path / "run")
    assert done.returncode == 1
    assert f"could not be removed: packet-filter table {TABLE}_links" in done.stderr
    assert (tmp_path / "run" / "data").is_dir()


@needs_root
@pytest.mark.parametrize("delete", ["rm '{ours}'", "rm '{ours}'; exit 1"])
def test_a_table_that_is_gone_is_removed_whatever_its_tool_says(tmp_path: Path, delete: str) -> None:
    done = sweep(nft_that(tmp_path, delete), tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "run").exists()
