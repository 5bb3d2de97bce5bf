"""The example over etcd's raft: right as it is, and caught with each misuse of etcd's contract."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.sim.judging import Judged, judge
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from tests.harness.sim.lockstep.misuses import MISUSES, built

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(600)]


PUBLISHED = {"recovery"}
"""Where the members change, a cluster may be without a leader for ever (docs/found.md, etcd)."""


def judged(core: str, seed: int, tmp_path: Path) -> Judged:
    options = SeedOptions(nodes=3, time_limit_s=4, workload="register", core=core_of(core))
    return judge(plan_of(seed, options), tmp_path)


@pytest.mark.parametrize("arguments", ["", " -json"])
def test_the_right_core_is_never_invalid(arguments: str, tmp_path: Path) -> None:
    core = built(tmp_path / "right") + arguments
    assert all(judged(core, seed, tmp_path).invalid == () for seed in range(1, 5))


@pytest.mark.parametrize("nodes", [3, 5])
def test_the_right_core_shows_only_what_is_published_where_snapshots_and_changes_come_often(
    nodes: int, tmp_path: Path
) -> None:
    core = core_of(built(tmp_path / "often", often="snapshot, members"))
    options = SeedOptions(
        nodes=nodes, time_limit_s=10, rate=100, nemesis=("loss", "kill"), workload="register", core=core
    )
    found = {name for seed in range(200, 203) for name in judge(plan_of(seed, options), tmp_path).invalid}
    assert found <= PUBLISHED


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_misuse_is_caught_within_eight_seeds(misuse: str, tmp_path: Path) -> None:
    core, chosen = core_of(built(tmp_path / "wrong", misuse)), MISUSES[misuse]
    options = SeedOptions(nodes=3, time_limit_s=4, workload="register", core=core)
    if chosen.nemesis:
        options = msgspec.structs.replace(
            options, nemesis=(chosen.nemesis,), time_limit_s=2, rate=60, concurrency=6
        )
    seeds = range(chosen.first_seed, chosen.first_seed + 8)
    assert any(judge(plan_of(seed, options), tmp_path).invalid for seed in seeds)


ASKED_AGAIN = SeedOptions(
    nodes=3,
    time_limit_s=6,
    rate=100,
    concurrency=12,
    nemesis=("delay:isolate-leader",),
    workload="register",
)
"""Reads are lost on slow links to the leader, and another leader is elected meanwhile."""
SHOWS_IT = 20015


@pytest.mark.parametrize(
    ("variants", "invalid"),
    [
        (("advance.diff", "ask-again.diff"), ("linearizability",)),
        (("advance.diff", "ask-again.diff", "newest-release.diff"), ()),
    ],
    ids=["3.6.0", "3.7.0"],
)
def test_a_read_that_is_asked_again_is_stale_in_the_release_before_the_newest_alone(
    variants: tuple[str, ...], invalid: tuple[str, ...], tmp_path: Path
) -> None:
    core = core_of(built(tmp_path / "core", variants=variants))
    options = msgspec.structs.replace(ASKED_AGAIN, core=core)
    assert judge(plan_of(SHOWS_IT, options), tmp_path).invalid == invalid
