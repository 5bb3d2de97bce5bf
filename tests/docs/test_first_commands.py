"""The first command of each page works on the install that the README describes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import REPOSITORY

_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(
    r"^(?:\$ )?(?:\.venv/bin/)?(ackproof [^\n#]+?)(?: {2,}[^\n]*|\s*#[^\n]*)?$", re.MULTILINE
)
_EXITS = re.compile(r"# exits (\d+)")
QUICK = ("README.md", "hosts.md", "json.md", "runs.md")
LONG = ("commands.md", "simulator.md")
"""These run for longer than some seconds."""
ELSEWHERE: Mapping[str, str] = {
    "agents.md": "tests/docs/test_agents.py",
    "campaigns.md": "tests/docs/test_campaigns.py",
    "checkers.md": "tests/docs/test_checkers.py, as it needs a file of the page",
    "ci.md": "tests/docs/test_ci.py",
    "extending.md": "tests/docs/test_extending.py",
    "found.md": "it brings a system over the network",
    "installing.md": "it brings a system over the network",
    "simulate-your-core.md": "tests/harness/sim/lockstep/test_simulate_your_core.py, as it needs Go",
    "lockstep.md": "tests/harness/sim/lockstep/test_page.py, as it needs a core",
    "maelstrom.md": "tests/harness/systems/maelstrom/test_runs.py, as it needs a node",
    "pysyncobj.md": "it brings a system over the network",
    "record.md": "tests/docs/test_record.py, as it waits for a client",
    "scale.md": "it goes on with the plan of campaigns.md",
    "testing-your-system.md": "tests/docs/test_testing_your_system.py",
}
"""Pages whose first command needs a file of the page, or the network: where it is run, or why it is not."""


def first_command(page: Path) -> tuple[str, int] | None:
    """The first command of ours on a page, and the exit code that the page states (0 if it states none)."""
    for block in _BLOCK.findall(page.read_text()):
        found = _COMMAND.search(block)
        if found is not None:
            stated = _EXITS.search(found[0])
            return found[1], 0 if stated is None else int(stated[1])
    return None


PAGES = {page.name: page for page in [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]}


def test_every_page_with_a_command_is_listed() -> None:
    with_commands = {name for name, page in PAGES.items() if first_command(page) is not None}
    assert with_commands == {*QUICK, *LONG, *ELSEWHERE}


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.campaign) for name in LONG)])
def test_the_first_command_of_a_page_works(name: str, tmp_path: Path) -> None:
    found = first_command(PAGES[name])
    assert found is not None
    command, code = found
    if name == "runs.md":  # which begins where a run was made
        assert ackproof("ackproof sim --seed 1 --nodes 3 --time-limit 1", tmp_path).returncode in (0, 2)
    done = ackproof(command, tmp_path)
    assert done.returncode == code, done.stderr


def ackproof(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of a page in an empty folder, with nothing on standard input."""
    words = [str(Path(sys.executable).with_name("ackproof")), *shlex.split(command)[1:]]
    state = {"PATH": str(Path(sys.executable).parent), "HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    return subprocess.run(
        words, cwd=folder, env=state, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=110
    )
