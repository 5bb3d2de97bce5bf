"""Makes the cell of a known bug of a released system fit for this machine: a core is built and started.

The command of a core holds `{built}`, the folder in which its sources were copied, patched and built, and
`{NAME@VERSION}`, where `ackproof systems install` put a system.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import msgspec

from harness.campaign.cells import Cell
from harness.errors import CouldNotRun
from harness.gate.known_bugs.released import Build, ReleasedBug
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.for_core import LOCKSTEP
from harness.systems.installing import located
from history.files import brief

REPOSITORY = Path(__file__).parents[3]
LONGEST_STEP_S = 900
_INSTALLED = re.compile(r"\{(?P<system>[a-z0-9-]+)@(?P<version>[0-9.]+)\}")


def cell_here(bug: ReleasedBug, folder: Path) -> Cell:
    """The cell that shows a bug, as this machine can run it.

    Args:
        bug: of released.toml.
        folder: a new one, in which a core is built.

    Raises:
        ValueError: it cannot be run here: a program is not installed, or cannot be built; in one line.
    """
    if bug.core is None:
        return bug.cell
    try:
        if bug.build is not None:
            build(bug.build, folder)
        text = _INSTALLED.sub(_path_of, bug.core.replace("{built}", str(folder)))
        core = core_of(text.replace("{repository}", str(REPOSITORY)))
    except CouldNotRun as error:
        raise ValueError(str(error)) from error
    return msgspec.structs.replace(bug.cell, core=core, system=LOCKSTEP)


def build(how: Build, folder: Path) -> None:
    """Copy the sources of a core, patch the copy, and build it there.

    Raises:
        CouldNotRun: a step fails; with its last line.
    """
    source = REPOSITORY / how.folder
    if not source.is_dir():
        raise CouldNotRun(f"its sources lie in {how.folder} of a clone of Ackproof, and are not here")
    shutil.copytree(source, folder, dirs_exist_ok=True)
    for patch in how.patches:
        _done(["git", "apply", str(source / patch)], folder)
    for command in how.commands:
        _done(shlex.split(command), folder)


def _done(command: list[str], folder: Path) -> None:
    # So that git takes the folder for none of a repository around it, whose other files it would pass over.
    own = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent.resolve())}
    try:
        done = subprocess.run(  # noqa: S603 - an argument list of our own file, no shell
            command,
            cwd=folder,
            env=own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_STEP_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CouldNotRun(f"{shlex.join(command)} cannot be done: {brief(error)}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).splitlines()
        last = next((line for line in reversed(lines) if line.strip()), "it printed nothing")
        raise CouldNotRun(f"{shlex.join(command)} ended with {done.returncode}: {brief(last)}")


def _path_of(named: re.Match[str]) -> str:
    return shlex.quote(str(located(named["system"], named["version"]).path))
