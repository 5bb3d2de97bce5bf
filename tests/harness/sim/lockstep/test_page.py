"""docs/lockstep.md, held against the code, and its commands run where a core is at hand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from harness.sim.lockstep import protocol
from harness.sim.lockstep.effects import CoreEffect
from harness.sim.plan.for_core import NOT_OF_CORES
from tests import REPOSITORY
from tests.harness.sim.lockstep.cores import EXAMPLE

PAGE = (REPOSITORY / "docs" / "lockstep.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines() if line
]


def effects() -> dict[str, set[str]]:
    """By name, the fields of each effect."""
    found = {}
    for effect in CoreEffect.__args__:
        found[str(effect.__struct_config__.tag)] = set(effect.__struct_encode_fields__)
    return found


@pytest.mark.parametrize("name", sorted(effects()))
def test_the_page_lists_the_fields_of_an_effect(name: str) -> None:
    row = re.search(rf"^\| `{name}` \| ([^|]*) \|", PAGE, re.MULTILINE)
    assert row is not None
    assert set(re.findall(r"`(\w+)`", row[1])) == effects()[name]


def test_the_page_says_the_version() -> None:
    assert f"Version {protocol.VERSION}. Each line" in PAGE


def test_the_answers_that_the_page_shows_are_answers() -> None:
    shown = [line for line in PAGE.splitlines() if line.startswith('{"answers"')]
    assert len(shown) == 2
    assert protocol.read_answer(shown[0].encode(), 7, b"").effects
    assert protocol.read_hello(shown[1].encode(), 1, b"").holds == "cluster"


def test_what_the_page_leaves_out_of_the_faults_is_left_out() -> None:
    assert {"membership"} == NOT_OF_CORES
    assert "all faults of the\n[simulated world](simulator.md) but changes of membership" in PAGE


def test_a_line_of_an_event_is_as_the_page_shows_it() -> None:
    shown = msgspec.json.decode(next(line for line in PAGE.splitlines() if line.startswith('{"n":7')))
    assert set(shown) == {"n", "node", "now", "event", "number"}


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_the_first_command_and_the_wrong_core_are_as_the_page_says(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path / "raft.py")
    first = COMMANDS[0]
    (place,) = (place for place, command in enumerate(COMMANDS) if command.startswith("sed "))
    change, wrong = COMMANDS[place : place + 2]
    for command, code in ((first, 0), (change, 0), (wrong.partition(" # exits ")[0], 1)):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{shlex.join(['PATH=' + str(Path(sys.executable).parent)])}:$PATH; {command}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=580,
        )
        assert done.returncode == code, done.stdout + done.stderr
