"""docs/testing-your-system.md, followed to the letter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from checkers.check_all import Results
from harness.hosts.processes import carrying
from harness.run.folder import RunFolder
from harness.systems.described.loading import described_system
from tests import REPOSITORY
from tests.deciding import decided
from tests.docs.page import blocks, commands, follow
from tests.harness.systems.etcd.here import etcd_here, needs_etcd

pytestmark = pytest.mark.timeout(400)
"""A run that proves little is followed by another one (tests/deciding.py)."""

PAGE = REPOSITORY / "docs" / "testing-your-system.md"
BLOCKS = blocks(PAGE)
_TOML = re.compile(r"^\*\*`(?P<file>[^`]+)`\*\*\n\n```toml\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
DESCRIPTIONS = {match["file"]: match["text"] for match in _TOML.finditer(PAGE.read_text(encoding="utf-8"))}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The reader's folder, with every file of the page; no process may be left behind."""
    for block in BLOCKS:
        if block.kind == "python":
            follow(block, tmp_path)
    for name, text in DESCRIPTIONS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    fixed = DESCRIPTIONS["shelf.toml"].replace('{join.nodes}"]', '{join.nodes} --ask-leader"]')
    assert fixed != DESCRIPTIONS["shelf.toml"]
    (tmp_path / "fixed.toml").write_text(fixed, encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path
    assert carrying("XDG_STATE_HOME", str(tmp_path / "state")) == [], "processes were left behind"


def run(folder: Path, command: list[str], status: int) -> str:
    program, *arguments = command
    assert program == "ackproof"

    def ran(seed: int) -> tuple[int, str, str]:
        by_seed = ("--seed", str(seed)) if arguments[0] == "run" else ()
        done = subprocess.run(
            [sys.executable, "-m", "ackproof", *arguments, *by_seed],
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=110,
        )
        return done.returncode, done.stdout, done.stderr

    ended, output, errors = decided(ran)
    assert ended == status, output + errors
    return output


@pytest.mark.parametrize("section", ["A description", "In Python"])
def test_each_command_of_the_page_ends_as_it_says(section: str, project: Path) -> None:
    of_section = [block for block in BLOCKS if (block.section, block.kind) == (section, "sh")]
    shown = [found for block in of_section for found in commands(block)]
    assert len(shown) >= 2
    for command, status in shown:
        run(project, command, status)
        if status == 1:
            assert invalid_in(RunFolder(project / "store" / "latest")) == {"linearizability"}


def test_clients_may_have_processes_of_their_own(project: Path) -> None:
    """A whole run of one node; tests/campaigns/test_own_process.py does one with faults."""
    page = (project / "shelves.py").read_text()
    with_import = page.replace("import Launch,", "import Launch, in_own_process,")
    apart = with_import.replace('{"instance": ShelfClient}', '{"instance": in_own_process(ShelfClient)}')
    assert apart.count("in_own_process") == 2
    (project / "apart.py").write_text(apart)
    command = "ackproof run --system apart.py:Shelf --nodes 1 --world local --nemesis none --time-limit 2"
    run(project, [*command.split(), "--minimum-acknowledged", "1", "--concurrency", "2"], 0)


def invalid_in(folder: RunFolder) -> set[str]:
    verdicts = msgspec.json.decode(folder.results_json.read_bytes(), type=Results).verdicts
    return {one.checker for one in verdicts if one.validity == "invalid"}


@needs_etcd
def test_etcd_is_tested_by_its_description(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(etcd_here() or "").parent), prepend=os.pathsep)
    said = run(project, ["ackproof", "systems", "check", "etcd.toml"], 0)
    assert "FAILS" not in said


def test_etcd_takes_few_lines(project: Path) -> None:
    assert described_system(project / "etcd.toml").name == "etcd"
    assert len(DESCRIPTIONS["etcd.toml"].splitlines()) <= 16
