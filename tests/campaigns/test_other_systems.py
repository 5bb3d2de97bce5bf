"""Controls: systems that others make, under kills, pauses and partitions, keep what their makers promise.

Each row is a promise that the system's class quotes. One seed of each runs in CI, ten with
`scripts/test thorough`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.hosts.netns import reasons_against
from harness.run.test import Test
from harness.systems import system_of
from harness.systems.base import HasVersion
from tests.campaigns.five_hosts import ACKPROOF
from tests.marks import first_in_ci

BOUND_S = 240
SECONDS = 25
"""Each fault alone, and all of them together, fit into it."""


class Control(NamedTuple):
    """A promise, as a run that must be valid."""

    system: str
    workload: str
    faults: str = "kill,pause,partition"


CONTROLS = (
    Control("etcd", "register"),
    Control("etcd", "append"),
    Control("etcd", "watch"),
    Control("zookeeper", "register"),
)


def why_not(system: str) -> str | None:
    """Why a system cannot be tested here; None if it can."""
    if reasons_against():
        return "; ".join(reasons_against())
    try:
        made = system_of(system, Test(nodes=("n1",)).options())
        if isinstance(made, HasVersion):
            made.version()
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.timeout(BOUND_S + 30)
@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{control.system}-{control.workload}")
@pytest.mark.parametrize("seed", first_in_ci(range(1, 11), 1))
def test_a_promise_is_kept(control: Control, seed: int, tmp_path: Path) -> None:
    missing = why_not(control.system)
    if missing is not None:
        pytest.skip(missing)
    done = subprocess.run(
        [
            *(ACKPROOF, "run", "--system", control.system, "--workload", control.workload, "--nodes", "3"),
            *(
                "--nemesis",
                control.faults,
                "--time-limit",
                str(SECONDS),
                "--rate",
                "100",
                "--seed",
                str(seed),
            ),
            *("--store", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
