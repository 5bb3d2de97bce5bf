"""Real clusters of Nacos, where a version is installed: a marked campaign, since each takes minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkers.verdict import Validity, Verdict
from harness.errors import CouldNotRun
from harness.run.judging import judge
from harness.run.runner import run
from harness.run.test import Test
from harness.systems.nacos import Nacos
from harness.systems.nacos.versions import VERSIONS
from tests.harness.hosts.namespaces import needs_namespaces

RUN_BOUND_S = 900.0
SEEDS = 3


def is_missing(number: str) -> str:
    """Why this version cannot be started here; empty if it can."""
    try:
        Nacos(number).version()
    except CouldNotRun as missing:
        return str(missing)
    return ""


def results(number: str, workload: str, store: Path, *, seed: int = 1, **options: Any) -> dict[str, Verdict]:
    """The verdicts, by checker, of a run of three nodes; skips the test if the version is not here."""
    missing = is_missing(number)
    if missing:
        pytest.skip(missing)
    options = {"time_limit_s": 30.0, "rate": 30.0, "concurrency": 6, "nemesis": (), **options}
    test = Test(
        nodes=("n1", "n2", "n3"),
        world="netns",
        system=f"nacos@{number}",
        workload=workload,
        seed=seed,
        **options,
    )
    folder = run(test, store, command=("ackproof", "run"), quiet=True)
    return {verdict.checker: verdict for verdict in judge(folder).verdicts}


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(RUN_BOUND_S)
@pytest.mark.parametrize("nemesis", [(), ("kill:leader",)], ids=["no-fault", "kill"])
@pytest.mark.parametrize("number", VERSIONS)
def test_a_cluster_acknowledges_registrations_and_outlives_its_leader(
    number: str, nemesis: tuple[str, ...], tmp_path: Path
) -> None:
    found = results(number, "stale-instances", tmp_path / "store", time_limit_s=45.0, nemesis=nemesis)
    assert found["node-health"].validity is Validity.VALID, found["node-health"]
    assert found["unhandled-errors"].validity is Validity.VALID, found["unhandled-errors"]
    assert found["instance-durability"].measures["acknowledged"] > 20


@needs_namespaces
@pytest.mark.thorough
@pytest.mark.timeout(RUN_BOUND_S)
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
@pytest.mark.parametrize("number", [number for number in VERSIONS if number != "0.8.0"])
def test_a_published_configuration_outlives_the_leader(number: str, seed: int, tmp_path: Path) -> None:
    """0.8.0 keeps configurations in MySQL alone."""
    found = results(
        number,
        "stale-instances",
        tmp_path / "store",
        seed=seed,
        time_limit_s=40.0,
        rate=20.0,
        nemesis=("kill:leader",),
        system_options={"data": "configs"},
    )
    for checker in ("instance-durability", "vacuity", "recovery", "node-health", "unhandled-errors"):
        assert found[checker].validity is Validity.VALID, found[checker]


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(SEEDS * RUN_BOUND_S)
def test_the_deregistration_that_2_3_2_drops_is_seen_within_three_seeds(tmp_path: Path) -> None:
    """What its health checks restore shows in one run of four (released.toml): too few for three seeds."""
    for seed in range(1, SEEDS + 1):
        found = results("2.3.2", "brief-instances", tmp_path / str(seed), seed=seed)
        if found["instance-durability"].validity is Validity.INVALID:
            return
    pytest.fail(f"no violation in seeds 1 to {SEEDS}")
