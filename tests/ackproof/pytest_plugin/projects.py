"""A user's project in an empty folder, and pytest on it in another process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

from harness.hosts.processes import carrying

PLUGIN = "ackproof.pytest_plugin"
BOUND_S = 110


@dataclass(frozen=True)
class Outcome:
    """What pytest said about a project."""

    status: int
    output: str
    cases: dict[str, ElementTree.Element]
    """By name of each test case, its element of the JUnit file."""

    def failure(self, name: str) -> str:
        """The whole text with which a test failed."""
        element = self.cases[name].find("failure")
        if element is None:
            element = self.cases[name].find("error")
        assert element is not None, f"{name} passed:\n{self.output}"
        return element.text or ""

    def passed(self, name: str) -> bool:
        """Whether a test case ended without a failure or an error."""
        return self.cases[name].find("failure") is None and self.cases[name].find("error") is None


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write the files of a project."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def outcome_of(project: Path, *arguments: str) -> Outcome:
    """Run pytest in a project; nothing that it starts may be left behind."""
    state = str(project.parent / f"{project.name}-state")
    junit = project.parent / f"{project.name}.xml"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            *named(),
            f"--junitxml={junit}",
            *arguments,
        ],
        cwd=project,
        env={**_own_environment(), "PYTHONDONTWRITEBYTECODE": "1", "XDG_STATE_HOME": state, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    )
    assert carrying("XDG_STATE_HOME", state) == [], "processes were left behind"
    assert junit.exists(), done.stdout + done.stderr
    cases = {str(case.get("name")): case for case in ElementTree.parse(junit).iter("testcase")}
    return Outcome(done.returncode, done.stdout + done.stderr, cases)


def named() -> list[str]:
    """Options that load the plugin where this installation was made before it had one."""
    listed = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
    return [] if listed else ["-p", PLUGIN]


def _own_environment() -> dict[str, str]:
    """This environment without what pytest and its plugins put there."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
