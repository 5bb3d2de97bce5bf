"""The example over etcd's raft: right as it is, and caught with each misuse of etcd's contract."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.sim.judging import Judged, judge
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from tests import REPOSITORY

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(600)]

SOURCE = REPOSITORY / "docs" / "examples" / "lockstep" / "etcd"
MISUSES = {
    "sends before the disk has it": (', "after": n.awaiting})', "})"),
    "drops the hard state": (
        "if !raft.IsEmptyHardState(rd.HardState) {",
        "must(n.storage.SetHardState(rd.HardState))\n\tif false {",
    ),
    "persists no entry": ("r.Entries = append(r.Entries, text)", "_ = text"),
    "reads without ReadIndex": ("n.raft.ReadIndex([]byte(", "n.serve(raft.ReadState{RequestCtx: []byte("),
}


def built(folder: Path, before: str = "", after: str = "") -> str:
    """The path of the core, with one place changed."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go toolchain here")
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    text = (folder / "main.go").read_text(encoding="utf-8")
    if before:
        assert text.count(before) == 1
        line = next(line for line in text.splitlines() if before in line)
        changed = line.replace(before, after)
        if "ReadState" in after:
            changed = changed[:-1] + "})"
        text = text.replace(line, changed)
        (folder / "main.go").write_text(text, encoding="utf-8")
    done = subprocess.run(["go", "build", "-o", "core", "."], cwd=folder, capture_output=True, text=True)
    if "dial tcp" in done.stderr or "no such host" in done.stderr:
        pytest.skip("etcd's raft cannot be fetched here")
    assert done.returncode == 0, done.stderr
    return str(folder / "core")


def judged(core: str, seed: int, tmp_path: Path) -> Judged:
    options = SeedOptions(nodes=3, time_limit_s=4, workload="register", core=core_of(core))
    return judge(plan_of(seed, options), tmp_path)


def test_the_right_core_is_never_invalid(tmp_path: Path) -> None:
    core = built(tmp_path / "right")
    assert all(judged(core, seed, tmp_path).invalid == () for seed in range(1, 5))


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_misuse_is_caught_within_six_seeds(misuse: str, tmp_path: Path) -> None:
    core = built(tmp_path / "wrong", *MISUSES[misuse])
    assert any(judged(core, seed, tmp_path).invalid for seed in range(1, 7))
