"""The marks: each seed is a test case, and a failure explains itself."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ackproof.pytest_plugin.projects import Outcome, outcome_of, write

BAD = 'world="sim", nodes=3, nemesis="kill", time_limit_s=5, mutant="forgetful"'
TESTS = f"""
import unittest
import ackproof
import pytest

@pytest.mark.ackproof({BAD}, seeds=[3, 2])
def test_asserts(run):
    assert run.validity == "valid"

@pytest.mark.ackproof({BAD}, seeds=[3])
def test_does_not_look():
    pass

@pytest.mark.ackproof({BAD}, seeds=[3])
def test_expects_it(run):
    assert run.verdict("term-monotonic")["validity"] == "invalid"

@pytest.mark.ackproof({BAD}, seeds=[3])
def test_asserts_more(run):
    with pytest.raises(AssertionError, match="term-monotonic"):
        run.assert_valid()

@pytest.mark.ackproof(world="sim", workload="regist", seeds=1)
def test_wrong_workload(run):
    pass

@ackproof.sim_test(seeds=3, start=1, nodes=3, mutant="forgetful", jobs=1)
def test_seeds():
    pass

@pytest.mark.ackproof(workload="regist")
def test_wrong_real_workload(run):
    pass

def test_without_mark(run):
    pass

class TestOld(unittest.TestCase):
    @pytest.mark.ackproof(world="sim", seeds=[3])
    def test_old(self):
        pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("marks") / "project", {"test_it.py": TESTS})


@pytest.fixture(scope="module")
def done(project: Path) -> Outcome:
    return outcome_of(project)


def test_each_seed_is_a_test_case_with_an_id(done: Outcome) -> None:
    assert {"test_asserts[seed-3]", "test_asserts[seed-2]"} <= set(done.cases)


def test_a_failure_shows_evidence_and_seed_and_report_and_the_line_that_repeats_it(
    done: Outcome, project: Path, tmp_path: Path
) -> None:
    text = done.failure("test_asserts[seed-3]")
    assert "invalid: seed 3" in text
    assert "term-monotonic: invalid: 6 violations" in text
    assert "n1 sent RequestVote" in text
    [line] = re.findall(r"run it again +(ackproof .*)", text)
    [report] = re.findall(r"report +(/.*)", text)
    assert Path(report).is_file()
    assert report in done.output.partition("ackproof: reports of what failed")[2]
    program, *arguments = shlex.split(line)
    again = subprocess.run(
        [sys.executable, "-m", program, *arguments], cwd=tmp_path, capture_output=True, timeout=60
    )
    assert again.returncode == 1, again.stderr


def test_a_body_that_does_not_look_at_the_verdict_fails_all_the_same(done: Outcome) -> None:
    assert "term-monotonic: invalid" in done.failure("test_does_not_look[seed-3]")


def test_a_body_may_expect_a_violation(done: Outcome) -> None:
    assert done.passed("test_expects_it[seed-3]")
    assert done.passed("test_asserts_more[seed-3]")


def test_what_passed_is_removed_and_what_failed_is_kept(done: Outcome, project: Path) -> None:
    kept = {path.name.partition("-")[0] for path in (project / ".ackproof").iterdir()}
    assert not kept & {"test_expects_it", "test_asserts_more"}
    assert {"test_asserts", "test_does_not_look", "test_seeds"} <= kept


def test_seeds_that_fail_show_the_smallest_story_and_replay_it(done: Outcome, tmp_path: Path) -> None:
    text = done.failure("test_seeds")
    assert re.search(r"invalid: seed \d", text)
    assert re.search(r"\d+ lines shrunk to \d+ in \d+ runs:\n +2 nodes of mutant forgetful", text)
    [line] = re.findall(r"replay it +ackproof (replay .*)", text)
    again = subprocess.run(
        [sys.executable, "-m", "ackproof", *shlex.split(line)], cwd=tmp_path, capture_output=True, timeout=60
    )
    assert again.returncode == 1, again.stderr


def test_what_could_not_run_says_why_in_one_message(done: Outcome) -> None:
    assert "ackproof: unknown workload 'regist'" in done.failure("test_wrong_workload[seed-0]")
    real = done.failure("test_wrong_real_workload[seed-0]")
    assert "ackproof: Invalid value for '--workload': unknown workload 'regist'" in real
    assert "ackproof: ackproof" not in real
    assert "run it again" not in real
    assert "not for methods of unittest.TestCase" in done.failure("test_old")
    assert "needs a mark, such as @pytest.mark.ackproof(" in done.failure("test_without_mark")


WRONG = {
    "seeds=0": "seeds=0 is neither a number above 0 nor a list",
    "seeds=['3']": "seeds=['3'] is neither a number above 0 nor a list",
    "sedes=3": "unknown option 'sedes': did you mean 'seeds'?",
    "3": "options are given by name",
    'world="sim", schedule="rounds"': "schedule is not for world='sim'",
}


def test_wrong_marks_are_refused_before_anything_runs(tmp_path: Path) -> None:
    files = {
        f"test_{number}.py": f"import pytest\n@pytest.mark.ackproof({mark})\ndef test_it(run): pass\n"
        for number, mark in enumerate(WRONG)
    }
    done = outcome_of(write(tmp_path / "project", files), "--collect-only")
    assert done.status != 0
    for number, message in enumerate(WRONG.values()):
        [line] = [line for line in done.output.splitlines() if line.startswith(f"test_{number}.py, line 2: ")]
        assert message in line
    assert "marks.py" not in done.output, "the plugin's own lines explain nothing"


def test_what_passed_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    text = """
import pytest

@pytest.mark.ackproof(world="sim", nodes=3, nemesis="kill", time_limit_s=8, seeds=[3])
def test_it(run):
    assert run.is_valid
"""
    project = write(tmp_path / "project", {"test_it.py": text})
    done = outcome_of(project, "--ackproof-keep", "--ackproof-store=kept")
    assert done.status == 0, done.output
    [report] = (project / "kept").glob("test_it-seed-3-*/*-registry-3/report.html")
    assert str(report) in done.output
