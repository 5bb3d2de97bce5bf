"""Nacos's paths of v2 and v3, as Ackproof's own clients of real Nacos use them, judged as a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.run.test import Test
from tests.deciding import judged

SPEAKING = Path(__file__).with_name("speaking.py")


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["InstancesV2", "InstancesV3", "ConfigurationsV2", "ConfigurationsV3"])
def test_what_clients_of_v2_and_v3_are_answered_is_linearizable_although_the_leader_dies(
    name: str, tmp_path: Path
) -> None:
    test = Test(
        nodes=("n1", "n2", "n3", "n4", "n5"),
        system=f"{SPEAKING}:{name}",
        workload="instances",
        nemesis=("kill:leader",),
        time_limit_s=15.0,
        concurrency=6,
        rate=60.0,
    )
    ran = judged(test, tmp_path / "store", {"linearizability", "vacuity"})
    found = ran.found["linearizability"]
    assert found.validity is Validity.VALID, found.summary
    assert all(one.validity is not Validity.INVALID for one in ran.found.values()), ran.found
    assert ran.found["vacuity"].validity is Validity.VALID, "enough was acknowledged, and the leader killed"
