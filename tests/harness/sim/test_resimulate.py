"""A run's violation is found again in the simulated world, from its folder alone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.main import cli
from harness.errors import CouldNotRun
from harness.run.folder import RunFolder
from harness.sim.command import played_file
from harness.sim.plan.for_core import LOCKSTEP
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.resimulate import played, resimulate, schedule_of
from harness.sim.run import run
from harness.sim.schedule.shrink import verdict_of
from history import NEMESIS

FORGETFUL = SeedOptions(
    nodes=3, concurrency=4, rate=20, time_limit_s=3, nemesis=("kill", "partition"), mutant="forgetful"
)
"""Stands for real nodes: of its folder only test, history and traces are read, as of any run's."""


@pytest.fixture
def failing(tmp_path: Path) -> RunFolder:
    return run(plan_of(4, FORGETFUL)).write(tmp_path / "store", ())


def test_operations_and_faults_are_done_again_at_the_same_distances_in_time(failing: RunFolder) -> None:
    recording = failing.recording()
    schedule, left_out = schedule_of(recording)
    invoked = [operation for operation in recording.history if operation.type == "invoke"]
    assert left_out == ()
    assert [step.f for step in schedule.steps] == [operation.f for operation in invoked]
    assert (
        len({step.at - operation.time for step, operation in zip(schedule.steps, invoked, strict=True)}) == 1
    )
    _, ran = played(schedule, 1)
    again = [operation for operation in ran.operations if operation.type == "invoke"]
    assert sorted(
        (operation.f, operation.key, operation.node) for operation in again if operation.is_client
    ) == sorted((step.f, step.key, step.node) for step in schedule.steps if step.thread != NEMESIS)


def test_a_violation_is_found_again_and_becomes_a_schedule_that_replays(
    failing: RunFolder, tmp_path: Path
) -> None:
    found = resimulate(failing, seeds=20, seconds=20, file=tmp_path / "small.json", quiet=True)
    assert found.checker == "term-monotonic"
    assert found.seed == found.seeds - 1
    assert found.lines_left < found.lines
    replay, ran, warning = played_file(tmp_path / "small.json", anyway=False)
    assert warning is None
    assert verdict_of(ran, replay.checker).summary == found.summary


def test_what_the_simulated_world_cannot_do_is_said_and_left_out(failing: RunFolder) -> None:
    recording = failing.recording()
    options = {**recording.options, "nemesis": ["kill", "clock"]}
    schedule, left_out = schedule_of(msgspec.structs.replace(recording, options=options))
    assert schedule.plan.test.nemesis == ("kill",)
    assert [text.partition(":")[0] for text in left_out] == ["nemesis clock"]


def test_a_run_that_cannot_be_done_again_is_refused_with_the_reason(tmp_path: Path) -> None:
    folder = run(plan_of(1, msgspec.structs.replace(FORGETFUL, mutant=None))).write(tmp_path / "store", ())
    with pytest.raises(CouldNotRun, match="no checker finds a violation in this run"):
        resimulate(folder, seeds=1, seconds=1, file=tmp_path / "small.json")
    recording = folder.recording()
    other = msgspec.structs.replace(recording, options={**recording.options, "system": "etcd@3.5.0"})
    with pytest.raises(CouldNotRun, match=r"the simulated world has no etcd@3.5.0"):
        schedule_of(other)
    core = msgspec.structs.replace(recording, options={**recording.options, "system": LOCKSTEP})
    with pytest.raises(CouldNotRun, match=r"a simulated run of a core.* --seed 1 --shrink FILE"):
        schedule_of(core)


def test_the_command_prints_the_seed_and_the_line_that_replays_it(failing: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "small.json"
    done = CliRunner().invoke(cli, ["resimulate", str(failing.path), "--out", str(file), "--seconds", "20"])
    assert done.exit_code == 1, done.output
    assert "shows it in the simulated world, the first of" in done.output
    assert f"Replay it:  ackproof replay {file}" in done.output


@pytest.mark.campaign
def test_a_violation_of_real_nodes_is_found_again_and_shows_on_real_nodes_from_the_schedule(
    tmp_path: Path,
) -> None:
    store = str(tmp_path / "store")
    real = ["--nemesis", "kill", "--nodes", "3", "--time-limit", "6", "--rate", "50", "--store", store]
    done = CliRunner().invoke(cli, ["run", "--mutant", "forgetful", *real])
    assert done.exit_code == 1, done.output
    file = str(tmp_path / "small.json")
    again = CliRunner().invoke(
        cli, ["resimulate", f"{store}/latest", "--out", file, "--real", "2", "--store", store]
    )
    assert again.exit_code == 1, again.output
    assert "On real processes it showed in 2 of 2 runs." in again.output
