"""Every command that judges writes the same files for CI servers, which are never green by mistake."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ackproof.cli.main import cli
from tests import REPOSITORY
from tests.ackproof.cli.test_json import COMMANDS
from tests.reports.ci.forms import valid_ctrf, valid_junit

ETCD = REPOSITORY / "tests" / "corpora" / "porcupine" / "jepsen" / "etcd_002.log"
SMALL = ("--nodes", "3", "--nemesis", "none", "--time-limit", "2")
JUDGING = (
    *("run", "analyze", "check", "record", "verify", "sim", "replay", "explore", "gate"),
    *("campaign run", "campaign merge"),
)
OPTIONS = ("--junit", "--ctrf", "--summary", "--github")


class Files:
    """Where a command writes its files."""

    def __init__(self, folder: Path) -> None:
        self.junit, self.ctrf, self.summary = (folder / name for name in ("junit.xml", "ctrf.json", "sum.md"))

    @property
    def arguments(self) -> list[str]:
        """The options that ask for them."""
        named = zip(OPTIONS, (self.junit, self.ctrf, self.summary), strict=False)
        return [word for name, path in named for word in (name, str(path))]

    def counts(self) -> tuple[int, int, int]:
        """Passed, not passed and skipped cases, which all files agree on."""
        root = valid_junit(self.junit.read_bytes())
        tests, bad, skipped = (
            int(root.attrib["tests"]),
            int(root.attrib["failures"]) + int(root.attrib["errors"]),
            int(root.attrib["skipped"]),
        )
        summary = valid_ctrf(self.ctrf.read_bytes())["results"]["summary"]
        assert [summary[name] for name in ("tests", "failed", "skipped")] == [tests, bad, skipped]
        assert f"{tests} in all" in self.summary.read_text(encoding="utf-8")
        return tests - bad - skipped, bad, skipped


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Where the command of a test writes its files."""
    return Files(tmp_path)


def called(*arguments: object) -> Result:
    """What a command does."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.mark.parametrize("path", JUDGING)
def test_every_command_that_judges_has_the_options(path: str) -> None:
    names = {name for option in COMMANDS[path].params for name in option.opts}
    assert names >= set(OPTIONS)


def test_a_history_is_a_case_by_its_file(files: Files, tmp_path: Path) -> None:
    done = called("check", ETCD, "--model", "cas-register", *files.arguments)
    assert (done.exit_code, files.counts()) == (0, (1, 0, 0))
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n", encoding="utf-8")
    done = called("check", ETCD, broken, "--model", "cas-register", *files.arguments)
    assert (done.exit_code, files.counts()) == (255, (1, 1, 0))


def test_a_proof_is_a_case(files: Files, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    called("check", ETCD, "--model", "cas-register", "--certificate", proof)
    assert called("verify", ETCD, proof, *files.arguments).exit_code == 0
    assert files.counts() == (1, 0, 0)


def test_a_simulated_run_has_a_case_for_each_checker_with_its_seed_and_report(
    files: Files, tmp_path: Path
) -> None:
    seed = ("--seed", "4", "--mutant", "forgetful", "--time-limit", "6")
    done = called("sim", *seed, "--store", tmp_path / "store", *files.arguments)
    assert done.exit_code == 1
    passed, bad, _ = files.counts()
    assert passed > 10
    assert bad >= 1
    root = valid_junit(files.junit.read_bytes())
    facts = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert (facts["seed"], facts["verdict"], facts["command"]) == ("4", "invalid", "ackproof sim")
    assert facts["report"] == str((tmp_path / "store" / "latest").resolve() / "report.html")
    assert float(root.attrib["time"]) > 0
    assert "ackproof analyze " in files.summary.read_text(encoding="utf-8")


def test_seeds_and_cells_are_cases_and_unknown_is_not_green(files: Files, tmp_path: Path) -> None:
    done = called(
        "sim", "--seeds", "1", *SMALL, "--rate", "1", "--jobs", "1", "--store", tmp_path, *files.arguments
    )
    assert (done.exit_code, files.counts()) == (2, (0, 1, 0))
    cell = ("--workload", "register", "--mutant", "forgetful", "--seeds", "2", "--stability", "0")
    done = called("campaign", *cell, "--jobs", "1", "--store", tmp_path, "--no-shrink", *files.arguments)
    assert done.exit_code == 1
    assert files.counts()[1] >= 1


def test_a_command_that_could_not_do_its_work_replaces_the_files_of_an_earlier_one(
    files: Files, tmp_path: Path
) -> None:
    called("check", ETCD, "--model", "cas-register", *files.arguments)
    done = called("analyze", tmp_path, *files.arguments)
    assert done.exception is not None
    assert files.counts() == (0, 1, 0)
    assert "is not a run's folder" in files.junit.read_text(encoding="utf-8")


def test_in_a_job_of_github_what_failed_is_annotated_and_the_summary_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("earlier\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    done = called("check", tmp_path / "nothing.edn", "--model", "register", "--github", "--json")
    [line] = [line for line in done.stderr.splitlines() if line.startswith("::error ")]
    assert "nothing.edn" in line
    assert "::error" not in done.stdout
    assert page.read_text(encoding="utf-8").startswith("earlier\n## ? ackproof check: unknown\n")


@pytest.mark.parametrize("option", OPTIONS[:3])
def test_a_file_in_a_folder_that_is_missing_is_refused_before_the_work(option: str, tmp_path: Path) -> None:
    done = called("check", ETCD, "--model", "cas-register", option, tmp_path / "missing" / "file")
    assert isinstance(done.exception, SystemExit | click.UsageError)
    assert "does not exist: make it first" in done.output
