"""A simulated run says how much of it is over, and does not keep its world once it is stored."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from harness.sim import command
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.world.world import SimulatedWorld


def test_the_world_is_gone_once_the_run_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds: list[weakref.ref[SimulatedWorld]] = []
    shares: list[float] = []
    look = command.Share._look_at

    def noted(self: command.Share, world: SimulatedWorld) -> None:
        look(self, world)
        worlds.append(weakref.ref(world))
        shares.append(self())

    monkeypatch.setattr(command.Share, "_look_at", noted)
    watched = command.Watched(1, SeedOptions(workload="register", time_limit_s=1))
    assert watched.share() == 0.0
    watched.run(tmp_path, ["ackproof"])
    gc.collect()
    assert watched.share() == 1.0
    assert shares[0] < 0.1
    assert [world() for world in worlds] == [None]


def test_the_last_reads_and_the_files_count_too() -> None:
    class At:
        now = 0

    share, world = command.Share(), At()
    prepare = share.of(plan_of(1, SeedOptions(time_limit_s=2)))
    prepare(world)  # type: ignore[arg-type]  # of a world, the time alone matters
    found = []
    for now_s in (1, 2, 9, 17, 30):
        world.now = now_s * 10**9
        found.append(share())
    assert found == sorted(found)
    assert found[0] == pytest.approx(command.AT_LIMIT / 2)
    assert found[1] == pytest.approx(command.AT_LIMIT)
    assert found[-1] == pytest.approx(command.AT_END)
