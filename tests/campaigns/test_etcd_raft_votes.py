"""The program that shows how etcd's raft loses a committed entry, where a request for votes leaves early."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "scripts" / "found" / "etcd_raft_votes"
pytestmark = [pytest.mark.campaign, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        ((), 1, "n2 and n3 have lost the write that n1 committed"),
        (("-wait",), 0, "nothing is lost"),
    ],
    ids=["at once", "once the disk has the term"],
)
def test_a_committed_entry_is_lost_where_requests_for_votes_leave_at_once(
    arguments: tuple[str, ...], status: int, last: str, tmp_path: Path
) -> None:
    if shutil.which("go") is None:
        pytest.skip("there is no Go toolchain here")
    program = tmp_path / "votes"
    built = subprocess.run(
        ["go", "build", "-o", str(program), "."], cwd=SOURCE, capture_output=True, text=True
    )
    if any(sign in built.stderr for sign in ("dial tcp", "no such host", "toolchain not available")):
        pytest.skip("etcd's raft cannot be fetched here")
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (status, last)
