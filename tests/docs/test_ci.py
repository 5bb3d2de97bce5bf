"""The action and the examples for CI servers do what docs/ci.md says: their shell parts are executed.

In the plain suite `ackproof` is a stand-in that ends with a given code; the campaign has the real one judge a
small matrix. Installing is done by a stand-in in both: scripts/package installs the real package.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import REPOSITORY
from tests.harness.gate.test_changes import git
from tests.reports.ci.forms import valid_junit

ACTION = REPOSITORY / ".github" / "actions" / "gate" / "action.yml"
PAGE = REPOSITORY / "docs" / "ci.md"
OUTCOMES = {0: "passed", 1: "failed", 2: "unknown", 254: "broken", 255: "broken"}
REAL = f'exec {shlex.quote(sys.executable)} -m ackproof "$@"'
SMALL = """
name = "small"
seeds = 1
stability = 1
[canary]
mutant = "index-lies"
seeds = 40
[[cells]]
nodes = 3
time_limit_s = 10
first_seed = 2
nemesis = "none"
"""


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return loaded


def example(name: str) -> str:
    """The block of code below a mark of the page."""
    found = re.search(
        rf"<!-- example: {name} -->\n```\w+\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    return found[1]


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


class Job:
    """A folder in which steps run, with stand-ins for what installs, and for `ackproof`."""

    def __init__(self, folder: Path, ackproof: str) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        git(self.folder, "init", "-q")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", "first")
        (self.folder / "gate.toml").write_text(SMALL)
        self.bin = folder / "bin"
        self.temporary = folder / "temporary"
        program(self.bin / "ackproof", ackproof)
        program(self.bin / "pip", 'echo "pip $*" >> "$CALLS"')
        program(
            self.bin / "python3",
            f'[ "$1 $2" = "-m venv" ] || exit 9; mkdir -p "$3/bin"\n'
            f'cp {self.bin}/pip {self.bin}/ackproof "$3/bin"',
        )
        self.env = {
            **os.environ,
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "CALLS": str(folder / "calls"),
            "RUNNER_TEMP": str(self.temporary),
            "WORKSPACE_TMP": str(self.temporary),
            "GITHUB_ACTION_PATH": str(ACTION.parent),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        }

        self.temporary.mkdir()

    def run(self, script: str, env: Mapping[str, str] | None = None) -> int:
        """The exit code of a script, run as CI servers do: by bash, which stops at the first error."""
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        self.output = done.stdout + done.stderr
        return done.returncode

    def calls(self) -> list[str]:
        """What was called, in order."""
        return Path(self.env["CALLS"]).read_text().splitlines()

    def take(self, given: Mapping[str, str]) -> int:
        """The exit code of the action's last shell step, with these inputs."""
        inputs = {name: str(one["default"]) for name, one in action()["inputs"].items()} | dict(given)
        code = 0
        for step in action()["runs"]["steps"]:
            if "run" not in step or ("if" in step and not inputs["changed"]):
                continue
            env = {name: _filled(value, inputs) for name, value in step["env"].items()}
            code = self.run(step["run"], env)
            if code:
                break
        return code


def _filled(value: str, inputs: Mapping[str, str]) -> str:
    """The value of `${{ inputs.NAME }}`: nothing else may stand in a step."""
    named = re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value)
    assert named is not None, value
    return str(inputs[named[1]])


def stand_in(code: int) -> str:
    return f'echo "ackproof $*" >> "$CALLS"; echo "gate: what it says"; exit {code}'


@pytest.mark.parametrize("code", OUTCOMES)
def test_the_action_fails_as_the_gate_does_and_says_why(code: int, tmp_path: Path) -> None:
    job = Job(tmp_path, stand_in(code))
    assert job.take({}) == code
    assert (tmp_path / "output").read_text() == f"outcome={OUTCOMES[code]}\ncode={code}\n"
    assert "gate: what it says" in (tmp_path / "summary").read_text()
    install, gate = job.calls()
    assert Path(install.split()[-1]).resolve() == REPOSITORY
    assert gate == "ackproof gate --seconds 600 --store store --result gate.json"


def test_the_action_passes_its_inputs_on_as_they_are(tmp_path: Path) -> None:
    job = Job(tmp_path, stand_in(0))
    given = {
        "file": "my gate.toml",
        "seconds": "60",
        "baseline": "known $(touch bad).toml",
        "changed": "HEAD",
        "arguments": "--no-real --jobs 3",
        "package": "./mine.whl",
    }
    assert job.take(given) == 0
    assert job.calls() == [
        "pip install -q ./mine.whl",
        "ackproof gate --seconds 60 --store store --result gate.json --baseline known $(touch bad).toml "
        "--changed HEAD --no-real --jobs 3 my gate.toml",
    ]
    assert not (job.folder / "bad").exists()


def test_the_action_stops_if_the_revision_cannot_be_fetched(tmp_path: Path) -> None:
    job = Job(tmp_path, stand_in(0))
    assert job.take({"changed": "no-such-revision"}) != 0
    assert [call.split()[0] for call in job.calls()] == ["pip"]


def test_no_step_of_the_action_puts_an_input_into_its_script() -> None:
    for step in action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert ("shell" in step) is ("run" in step)


def test_the_page_describes_each_input_and_the_example_uses_them() -> None:
    loaded = action()
    text = PAGE.read_text()
    for name, one in loaded["inputs"].items():
        assert f"| `{name}` | " in text
        assert one["description"].endswith(".")
    assert set(loaded["outputs"]) == {"outcome", "code"}
    steps = yaml.safe_load(example("github"))["jobs"]["gate"]["steps"]
    assert (REPOSITORY / steps[1]["uses"]).resolve() == ACTION.parent
    assert set(steps[1]["with"]) <= set(loaded["inputs"])


@pytest.mark.parametrize("code", [0, 2])
def test_the_gitlab_example_ends_as_the_gate_does(code: int, tmp_path: Path) -> None:
    job = Job(tmp_path, stand_in(code))
    script = "\n".join(yaml.safe_load(example("gitlab"))["gate"]["script"])
    assert job.run(script, {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "abc"}) == code
    gate = "ackproof gate --changed abc --result gate.json --junit gate.xml"
    assert job.calls() == ["pip install -q .", gate]


@pytest.mark.parametrize("name", ["gitlab", "jenkins"])
def test_what_an_example_installs_is_the_package_of_this_repository(name: str) -> None:
    (installed,) = re.findall(r"install -q (\S+)$", example(name), re.MULTILINE)
    assert (REPOSITORY / installed / "pyproject.toml").is_file()


@pytest.mark.parametrize("name", ["gitlab", "jenkins"])
def test_what_an_example_leaves_in_the_repository_is_no_part_of_the_next_change(name: str) -> None:
    left = {"store", *re.findall(r"(?:--result|--junit) (\S+)", example(name))}
    ignored = {line.strip("/") for line in (REPOSITORY / ".gitignore").read_text().splitlines()}
    assert left == {"store", "gate.json", "gate.xml"}
    assert left <= ignored


@pytest.mark.parametrize("code", [0, 2])
def test_the_jenkins_example_ends_as_the_gate_does(code: int, tmp_path: Path) -> None:
    job = Job(tmp_path, stand_in(code))
    script, _ = jenkins()
    assert job.run(script, {"CHANGE_TARGET": "main"}) == code
    assert job.calls()[1] == "ackproof gate --changed origin/main --result gate.json --junit gate.xml"


def jenkins() -> tuple[str, str]:
    """The script of the example's step, and the file that it reads test results from afterwards."""
    text = example("jenkins")
    (script,) = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
    assert "\\" not in script, "Groovy would take it for an escape"
    (results,) = re.findall(r"junit testResults: '(.*?)'", text)
    return script, results


@pytest.mark.campaign
def test_the_action_lets_the_real_gate_pass_and_fail(tmp_path: Path) -> None:
    job = Job(tmp_path, REAL)
    assert job.take({"file": "gate.toml"}) == 0, job.output
    assert json.loads((job.folder / "gate.json").read_text())["result"]["outcome"] == "passed"
    (job.folder / "bad.toml").write_text(SMALL + 'mutant = "index-lies"\n')
    assert job.take({"file": "bad.toml"}) == 1, job.output
    assert json.loads((job.folder / "gate.json").read_text())["result"]["outcome"] == "failed"
    assert job.take({"file": "none.toml"}) == 254, job.output
    assert (tmp_path / "output").read_text().split()[-2:] == ["outcome=broken", "code=254"]


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("more", "code", "outcome", "failures"),
    [("", 0, "passed", False), ('mutant = "index-lies"\n', 1, "failed", True)],
    ids=["passing", "failing"],
)
def test_the_step_of_jenkins_ends_as_the_gate_does_and_leaves_what_jenkins_reads(
    more: str, code: int, outcome: str, failures: bool, tmp_path: Path
) -> None:
    job = Job(tmp_path, f"{REAL} gate.toml")
    (job.folder / "gate.toml").write_text(SMALL + more)
    git(job.folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    (job.folder / "kv.cfg").write_text("what uses it is not known, so everything is run")
    script, results = jenkins()
    assert job.run(script, {"CHANGE_TARGET": "main"}) == code, job.output
    assert json.loads((job.folder / "gate.json").read_text())["result"]["outcome"] == outcome
    suite = valid_junit((job.folder / results).read_bytes())
    assert (int(suite.attrib["failures"]) > 0) is failures
    assert suite.attrib["errors"] == "0"
    found = "".join(failure.text or "" for failure in suite.iter("failure"))
    assert (re.search(r"ackproof sim --seed \d+ ", found) is not None) is failures


@pytest.mark.campaign
def test_the_gitlab_and_jenkins_examples_run_the_real_gate(tmp_path: Path) -> None:
    job = Job(tmp_path, REAL)
    git(job.folder, "add", "-A")
    git(job.folder, "commit", "-qm", "second")
    git(job.folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    (job.folder / "notes.md").write_text("a page")
    (job.folder / ".git" / "info" / "exclude").write_text("gate.json\ngate.xml\nstore\n")
    script = "\n".join(yaml.safe_load(example("gitlab"))["gate"]["script"])
    assert job.run(script, {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD"}) == 0, job.output
    found, _ = jenkins()
    assert job.run(found, {"CHANGE_TARGET": "main"}) == 0, job.output
    assert "nothing that this gate runs is touched" in job.output
