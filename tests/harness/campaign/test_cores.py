"""Campaigns over cores of others: the user names them each time, and no file's own command is run."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
import pytest

from harness.campaign.again.replaying import replayed
from harness.campaign.again.shrinking import shrunk, task_of, tasks
from harness.campaign.again.target import target
from harness.campaign.again.trying import Limits
from harness.campaign.bisect.commits import Repository
from harness.campaign.bisect.running import cell_in
from harness.campaign.cells import Cell, with_cores
from harness.campaign.findings.fingerprint import subject_of
from harness.campaign.findings.gathering import findings
from harness.campaign.findings.known_first import with_known
from harness.campaign.findings.shrunk import EXAMPLES
from harness.campaign.journal import Journal, Stored, stored_campaigns
from harness.campaign.performing import simulated
from harness.campaign.reading import plan_in
from harness.campaign.refusals import checked
from harness.errors import CouldNotRun
from harness.executors.in_process import InProcess
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import core_of
from tests.harness.campaign.bisect.histories import new_repository
from tests.harness.campaign.fakes import BAD_SEED, VALID, carried_out, fake, plan
from tests.harness.sim.lockstep.cores import EXAMPLE, changed_example, command
from tests.harness.sim.lockstep.test_runs import VOTE

CORE = ForeignCore(("python3", "/there/raft.py"), ("register",), files={"/there/raft.py": "0a"})
OTHER_VERSION = msgspec.structs.replace(CORE, files={"/there/raft.py": "0b"})
ELSEWHERE = ForeignCore(("python3", "/here/raft.py"), ("register",), files={"/here/raft.py": "0a"})
CELL = Cell(core=CORE, system="lockstep", workload="register", seeds=8)


def of_core(core: ForeignCore) -> Cell:
    return msgspec.structs.replace(CELL, core=core)


def found(store: Path) -> tuple[Stored, str]:
    """A campaign of fake runs, one of which shows a violation, and how it is named."""
    stored = carried_out(store, plan(CELL))
    return stored, f"{stored.folder.name}:0:{BAD_SEED}"


def test_a_run_again_names_the_core() -> None:
    assert CELL.arguments(3) == [
        "sim",
        "--core",
        "python3 /there/raft.py",
        "--seed",
        "3",
        "--workload",
        "register",
    ]
    assert CELL.name == "sim, core python3 /there/raft.py, register, faults drawn"


def test_a_core_is_the_same_subject_wherever_its_program_lies_and_another_in_each_program() -> None:
    assert (
        subject_of(CELL, VALID)
        == subject_of(of_core(ELSEWHERE), VALID)
        == subject_of(of_core(OTHER_VERSION), VALID)
    )
    assert subject_of(CELL, VALID).in_words == "core python3 raft.py"
    other = ForeignCore(("python3", "paxos.py"), ("register",), files={"paxos.py": "0a"})
    assert subject_of(CELL, VALID) != subject_of(of_core(other), VALID)


def test_two_programs_of_one_name_are_two_subjects_and_each_cell_goes_on_with_its_own() -> None:
    etcd = ForeignCore(("etcd/core",), ("register",), files={"etcd/core": "0a"})
    tikv = ForeignCore(("./tikv/core",), ("register",), files={"./tikv/core": "0b"})
    named = [subject_of(of_core(core), VALID).in_words for core in (etcd, tikv)]
    assert named == ["core etcd/core", "core tikv/core"]
    here = [ForeignCore(("/x/core",), ("register",), files={"/x/core": digest}) for digest in ("0b", "0a")]
    found = with_cores(plan(of_core(etcd), of_core(tikv)), here)
    assert [cell.core for cell in found.cells] == here[::-1]


def test_the_same_program_with_other_arguments_is_another_core() -> None:
    def of(argument: str) -> ForeignCore:
        return ForeignCore(("./core", argument), ("register",), files={"./core": "0a"})

    found = with_cores(plan(of_core(of("-a")), of_core(of("-b"))), [of("-b"), of("-a")])
    assert [cell.core for cell in found.cells] == [of("-a"), of("-b")]
    with pytest.raises(CouldNotRun, match="no cell of the core"):
        with_cores(plan(of_core(of("-a"))), [of("-a"), of("-c")])


def test_a_finding_is_looked_for_with_the_core_that_the_user_names_alone(tmp_path: Path) -> None:
    _, run = found(tmp_path)
    campaigns = stored_campaigns(tmp_path)
    with pytest.raises(CouldNotRun, match="A file's own command is never run, so name it: --core"):
        target(campaigns, run)
    assert target(campaigns, run, ELSEWHERE).cell.core == ELSEWHERE
    assert not target(campaigns, run, ELSEWHERE).is_other_core
    assert target(campaigns, run, OTHER_VERSION).is_other_core
    (one,) = findings(campaigns, {})
    assert one.example.core == "python3 /there/raft.py"


def test_another_version_of_the_core_is_judged_by_how_often_it_shows_the_finding(tmp_path: Path) -> None:
    _, run = found(tmp_path)
    wanted = target(stored_campaigns(tmp_path), run, OTHER_VERSION)
    again = replayed(
        wanted, InProcess(lambda _cell, seed: msgspec.structs.replace(VALID, digest=f"{seed}")), Limits()
    )
    assert (again.answer, again.is_exact) == ("FIXED", False)
    assert "the core changed" in again.compared
    same = replayed(target(stored_campaigns(tmp_path), run, CORE), InProcess(fake), Limits())
    assert (same.answer, same.is_exact) == ("STILL FAILS", True)
    assert same.arguments[:3] == ("sim", "--core", "python3 /there/raft.py")


def test_a_campaign_goes_on_with_the_same_version_of_its_core_alone(tmp_path: Path) -> None:
    stored, _ = found(tmp_path)
    with pytest.raises(CouldNotRun, match="name it: --core"):
        Journal.resume(stored.folder)
    with pytest.raises(CouldNotRun, match="has changed since the campaign began"):
        Journal.resume(stored.folder, [OTHER_VERSION])
    unneeded = ForeignCore(("./kv",), ("register",))
    with pytest.raises(CouldNotRun, match=r"no cell of the core `\./kv`"):
        Journal.resume(stored.folder, [ELSEWHERE, unneeded])
    journal = Journal.resume(stored.folder, [ELSEWHERE])
    journal.close()
    assert [cell.core for cell in journal.stored.plan.cells] == [ELSEWHERE]
    with pytest.raises(CouldNotRun, match="no cell of the core"):
        with_cores(plan(), [CORE])


def test_an_example_of_another_version_is_none_of_this_one(tmp_path: Path) -> None:
    stored, _ = found(tmp_path)
    (mark,) = [one.fingerprint for one in findings([stored], {})]
    (stored.folder / EXAMPLES).mkdir()
    (stored.folder / EXAMPLES / f"{mark}.json").write_text('{"story": ["n1 is killed"]}', encoding="utf-8")
    for core, missing in ((CORE, []), (OTHER_VERSION, [mark])):
        later = carried_out(tmp_path, plan(of_core(core)))
        campaigns = stored_campaigns(tmp_path)
        todo = tasks(campaigns, findings(campaigns, {}), later)
        assert [task.fingerprint for task in todo] == missing


def test_what_an_earlier_version_of_the_core_showed_comes_first(tmp_path: Path) -> None:
    stored, _ = found(tmp_path)
    assert with_known(plan(of_core(OTHER_VERSION)), [stored]).known == ((0, BAD_SEED),)


def test_a_file_names_cores_and_the_first_workload_that_fits_is_the_usual_one(tmp_path: Path) -> None:
    file = tmp_path / "cores.toml"
    own, framed = command(EXAMPLE), command(EXAMPLE, "--again")
    file.write_text(f"[[cells]]\ncore = [{own!r}, {framed!r}]\nnodes = 3\n", encoding="utf-8")
    cells = checked(plan_in(file)).cells
    assert [shlex.join(cell.core.command) for cell in cells if cell.core] == [own, framed]
    assert {(cell.system, cell.workload) for cell in cells} == {("lockstep", "register")}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('system = "etcd"', "nodes are made of a core or of etcd"),
        ('workload = "registry"', "workload registry does not fit the core's data types"),
        ('workload = "regster"', "did you mean 'register'?"),
        ('world = "local"', "a core runs in the world sim alone"),
        ('mutant = "forgetful"', "mutant and lease are for reference-node"),
        ("lease = true", "mutant and lease are for reference-node"),
        ('nemesis = "membership"', "nodes of a core cannot have the fault membership"),
    ],
)
def test_what_a_core_cannot_have_is_refused_before_anything_starts(
    line: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "cores.toml"
    file.write_text(f"[[cells]]\ncore = {command(EXAMPLE)!r}\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"cannot be run|core or of") as refused:
        checked(plan_in(file))
    assert message in str(refused.value)


def test_a_core_that_is_not_there_or_is_no_command_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "cores.toml"
    file.write_text("[[cells]]\ncore = './nope'\n", encoding="utf-8")
    with pytest.raises(CouldNotRun, match=r"cannot start the core './nope'"):
        plan_in(file)
    file.write_text("[[cells]]\ncore = ''\n", encoding="utf-8")
    with pytest.raises(ValueError, match="core '' is no command: it names no program"):
        plan_in(file)


def test_a_bisection_runs_the_program_of_each_commit(tmp_path: Path) -> None:
    new_repository(tmp_path / "it")
    program = str(tmp_path / "it" / "core")
    core = ForeignCore((program, "--x"), ("register",), files={program: "0a"})
    inside = cell_in(of_core(core), Repository(tmp_path / "it")).core
    assert inside is not None
    assert inside.command == ("./core", "--x")
    outside = cell_in(CELL, Repository(tmp_path / "it")).core
    assert outside == CORE


@pytest.mark.campaign
def test_a_wrong_core_is_found_shrunk_looked_for_and_fixed(tmp_path: Path) -> None:
    wrong = core_of(command(changed_example(tmp_path, VOTE, "            pass")))
    cell = Cell(
        core=wrong,
        system="lockstep",
        workload="register",
        nemesis=("kill",),
        nodes=3,
        rate=40,
        time_limit_s=4,
        seeds=4,
    )
    stored = carried_out(tmp_path / "store", plan(cell, stability=1), simulated)
    first = findings([stored], {})[0]
    done = shrunk(task_of([stored], first.fingerprint, wrong))
    assert done.lines < 40
    still = replayed(target([stored], first.fingerprint, wrong), InProcess(simulated), Limits())
    assert (still.answer, still.is_exact) == ("STILL FAILS", True)
    changed_example(tmp_path, VOTE, VOTE + "\n")
    mended = core_of(shlex.join(wrong.command))
    again = replayed(
        target([stored], first.fingerprint, mended), InProcess(simulated), Limits(confidence=0.6)
    )
    assert again.answer == "FIXED"
