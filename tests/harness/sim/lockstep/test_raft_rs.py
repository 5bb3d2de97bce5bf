"""The example over TiKV's raft-rs: right as it is, and caught with each misuse of raft-rs's contract."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.sim.judging import judge
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from tests.harness.sim.lockstep.raft_rs_misuses import MISUSES, built

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cargo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the crates are compiled, once for all tests."""
    return tmp_path_factory.mktemp("cargo")


@pytest.mark.parametrize("arguments", ["", " -json"])
def test_the_right_core_is_never_invalid(arguments: str, cargo: Path, tmp_path: Path) -> None:
    options = SeedOptions(
        nodes=3, time_limit_s=4, workload="register", core=core_of(built(cargo) + arguments)
    )
    assert all(judge(plan_of(seed, options), tmp_path).invalid == () for seed in range(1, 5))


def test_the_right_core_is_never_invalid_where_snapshots_and_changes_come_often(
    cargo: Path, tmp_path: Path
) -> None:
    options = SeedOptions(
        nodes=5,
        time_limit_s=10,
        rate=100,
        nemesis=("loss", "kill"),
        workload="register",
        core=core_of(built(cargo, often="snapshot, members")),
    )
    assert all(judge(plan_of(seed, options), tmp_path).invalid == () for seed in range(200, 203))


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_misuse_is_caught_within_eight_seeds(misuse: str, cargo: Path, tmp_path: Path) -> None:
    chosen = MISUSES[misuse]
    core = core_of(built(cargo, misuse))
    options = SeedOptions(nodes=3, time_limit_s=4, workload="register", core=core)
    if chosen.nemesis:
        options = msgspec.structs.replace(
            options, nemesis=(chosen.nemesis,), time_limit_s=2, rate=60, concurrency=6
        )
    seeds = range(chosen.first_seed, chosen.first_seed + 8)
    assert any(judge(plan_of(seed, options), tmp_path).invalid for seed in seeds)


@pytest.mark.parametrize(
    ("variant", "crate", "arguments", "invalid"),
    [
        ("", ".", "", ()),
        ("lease", ".", "", ("linearizability",)),
        ("", "early", "", ("linearizability",)),
        ("", "early", " -check-quorum", ("linearizability",)),
    ],
    ids=["no lease", "lease", "0.4.3", "0.4.3 with check_quorum"],
)
def test_reads_under_a_lease_are_stale(
    variant: str, crate: str, arguments: str, invalid: tuple[str, ...], cargo: Path, tmp_path: Path
) -> None:
    """The run of docs/lockstep.md."""
    options = SeedOptions(
        nodes=3,
        time_limit_s=6,
        rate=50,
        nemesis=("partition:isolate-leader",),
        workload="register",
        core=core_of(built(cargo, variant=variant, crate=crate) + arguments),
    )
    assert judge(plan_of(50009, options), tmp_path).invalid == invalid
