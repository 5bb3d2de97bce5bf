"""The script that shows that a leader of etcd that was paused ends leases that are kept alive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.systems.installing import located

SCRIPT = Path(__file__).parents[2] / "scripts" / "found" / "etcd_paused_leader.py"

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(400)]


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script with the newest etcd that is here."""
    try:
        program = located("etcd", "3.6.16", given=None).path
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    argv = [sys.executable, str(SCRIPT), str(program), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=390, check=False)


def test_a_leader_that_was_paused_ends_leases_that_are_kept_alive() -> None:
    shown = ran("--rounds", "20")
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "leases ended while they were kept alive" in shown.stdout


def test_pauses_that_are_shorter_than_the_time_to_live_end_none() -> None:
    shown = ran("--rounds", "4", "--pause", "1")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "4 rounds: no lease ended wrongly" in shown.stdout
