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


def ran(version: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script with that version of etcd, if it is here."""
    try:
        program = located("etcd", version).path
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    argv = [sys.executable, str(SCRIPT), str(program), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=390, check=False)


@pytest.mark.parametrize("version", ["3.6.16", "3.7.3"])
def test_a_leader_that_was_paused_ends_leases_that_are_kept_alive(version: str) -> None:
    shown = ran(version, "--rounds", "20")
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "leases ended while they were kept alive" in shown.stdout


def test_pauses_that_are_shorter_than_the_time_to_live_end_none() -> None:
    shown = ran("3.6.16", "--rounds", "4", "--pause", "1")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "4 rounds: no lease ended wrongly" in shown.stdout


def test_a_version_that_asks_who_leads_before_it_ends_leases_ends_none() -> None:
    shown = ran("3.5.15", "--rounds", "12")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "12 rounds: no lease ended wrongly" in shown.stdout
