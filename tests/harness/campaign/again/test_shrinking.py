"""One small example of each finding of the simulator, kept in the folder of its campaign."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from harness.campaign.again.replaying import played, replayed
from harness.campaign.again.shrinking import shrunk, shrunk_all, task_of, tasks
from harness.campaign.again.target import Target, target
from harness.campaign.again.trying import Limits
from harness.campaign.cells import Cell
from harness.campaign.executors import usual_executors
from harness.campaign.findings.gathering import findings
from harness.campaign.findings.shrunk import EXAMPLES
from harness.campaign.journal import Stored, stored_campaigns
from harness.campaign.outcomes import Outcome
from harness.errors import CouldNotRun
from harness.executors.in_process import InProcess
from harness.sim.schedule.replay import load
from tests.ackproof.cli.test_campaign import ackproof
from tests.harness.campaign.fakes import VALID, carried_out, plan

CELL = Cell(mutant="forgetful", nodes=3, time_limit_s=2, rate=40, nemesis=("kill",), seeds=4)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A real campaign of a seeded bug, whose findings are shrunk."""
    store = tmp_path_factory.mktemp("store")
    stored = carried_out(store, plan(CELL), make=usual_executors(1))
    everything = stored_campaigns(store)
    done = shrunk_all(tasks(everything, findings(everything, {}), stored), lambda _task: None)
    assert done
    return stored


def other_code(wanted: Target) -> Target:
    code: Mapping[str, str] = {**wanted.header.code, "node_impl": "0" * 16}
    return msgspec.structs.replace(wanted, header=msgspec.structs.replace(wanted.header, code=code))


def test_a_finding_that_leads_has_an_example_that_is_small_and_still_fails(campaign: Stored) -> None:
    found = findings(stored_campaigns(campaign.folder.parent), {})
    leading = [one for one in found if one.only_with is None]
    assert leading
    for one in leading:
        assert one.shrunk is not None
        assert one.shrunk.lines < 20
        replay = load(Path(one.shrunk.file))
        assert replay.checker == one.checker
        outcome = played(Path(one.shrunk.file))
        assert one.kind in {each.kind for each in outcome.violations if each.checker == one.checker}
    followers = [one for one in found if one.only_with is not None]
    assert all(one.shrunk is None for one in followers)


def test_a_finding_names_the_curve_of_its_cause_once_it_is_drawn(campaign: Stored, tmp_path: Path) -> None:
    store = shutil.copytree(campaign.folder.parent, tmp_path / "store")
    (before, *_) = findings(stored_campaigns(store), {})
    assert before.shrunk is not None
    assert (
        f"what brought it about: ackproof cause {before.shrunk.file}"
        in ackproof("findings", "--store", store).output
    )
    assert ackproof("cause", before.shrunk.file, "--seconds", "1").exit_code == 1
    (after, *_) = findings(stored_campaigns(store), {})
    assert after.shrunk is not None
    assert Path(after.shrunk.cause).read_text().startswith("<svg")
    assert f"what brought it about: {after.shrunk.cause}" in ackproof("findings", "--store", store).output


def test_what_has_an_example_is_not_shrunk_again(campaign: Stored) -> None:
    everything = stored_campaigns(campaign.folder.parent)
    assert list(tasks(everything, findings(everything, {}), campaign)) == []


def test_with_other_code_the_small_example_is_played_first(campaign: Stored) -> None:
    everything = stored_campaigns(campaign.folder.parent)
    mark = next(one.fingerprint for one in findings(everything, {}) if one.only_with is None)
    wanted = other_code(target(everything, mark))

    def never(_cell: Cell, _seed: int) -> Outcome:
        raise AssertionError("no seed need run")

    found = replayed(wanted, InProcess(never), Limits())
    assert (found.answer, found.runs, found.is_exact) == ("STILL FAILS", 1, False)
    assert found.arguments == ("replay", str(wanted.shrunk), "--anyway")
    fixed = replayed(wanted, InProcess(lambda *_: VALID), Limits(runs=1), lambda _file, _core: VALID)
    assert fixed.answer == "CANNOT TELL", "one run is not enough, and a schedule of other code says nothing"


def test_time_is_bounded_and_ctrl_c_keeps_what_is_done(campaign: Stored, tmp_path: Path) -> None:
    everything = stored_campaigns(campaign.folder.parent)
    found = findings(everything, {})
    (campaign.folder / EXAMPLES).rename(tmp_path / "examples")
    try:
        todo = list(tasks(everything, found, campaign))
        assert shrunk_all(iter(todo), lambda _task: None, all_s=0.0) == []

        def interrupt(_task: object) -> None:
            raise KeyboardInterrupt

        assert shrunk_all(iter(todo), interrupt) == []
        assert shrunk(todo[0], seconds=0.0).runs == 1
    finally:
        for path in (campaign.folder / EXAMPLES).glob("*"):
            path.unlink()
        (campaign.folder / EXAMPLES).rmdir()
        (tmp_path / "examples").rename(campaign.folder / EXAMPLES)


def test_a_real_finding_is_not_shrunk_and_one_that_is_gone_says_so(tmp_path: Path) -> None:
    real = carried_out(tmp_path / "real", plan(Cell(seeds=8, world="local")))
    with pytest.raises(CouldNotRun, match="only simulated runs are shrunk"):
        task_of([real], f"{real.folder.name}:0:5")
    fake = carried_out(tmp_path / "fake", plan(Cell(seeds=8, nodes=3, time_limit_s=1)))
    with pytest.raises(CouldNotRun, match=r"does not show finding .* ask `ackproof replay"):
        shrunk(task_of([fake], f"{fake.folder.name}:0:5"))
