"""Real clusters of Nacos, where a version is installed: a marked campaign, since each takes minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.errors import CouldNotRun
from harness.run.judging import judge
from harness.run.runner import run
from harness.run.test import Test
from harness.systems.nacos import Nacos
from harness.systems.nacos.versions import VERSIONS
from tests.harness.hosts.namespaces import needs_namespaces

RUN_BOUND_S = 900.0


def is_missing(number: str) -> str:
    """Why this version cannot be started here; empty if it can."""
    try:
        Nacos(number).version()
    except CouldNotRun as missing:
        return str(missing)
    return ""


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(RUN_BOUND_S)
@pytest.mark.parametrize("nemesis", [(), ("kill:leader",)], ids=["no-fault", "kill"])
@pytest.mark.parametrize("number", VERSIONS)
def test_a_cluster_acknowledges_registrations_and_outlives_its_leader(
    number: str, nemesis: tuple[str, ...], tmp_path: Path
) -> None:
    missing = is_missing(number)
    if missing:
        pytest.skip(missing)
    test = Test(
        nodes=("n1", "n2", "n3"),
        world="netns",
        system=f"nacos@{number}",
        workload="stale-instances",
        nemesis=nemesis,
        concurrency=6,
        rate=30.0,
        time_limit_s=45.0,
        seed=1,
    )
    folder = run(test, tmp_path / "store", command=("ackproof", "run"), quiet=True)
    found = {verdict.checker: verdict for verdict in judge(folder).verdicts}
    assert found["node-health"].validity is Validity.VALID, found["node-health"]
    assert found["unhandled-errors"].validity is Validity.VALID, found["unhandled-errors"]
    assert found["instance-durability"].measures["acknowledged"] > 20
