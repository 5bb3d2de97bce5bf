"""Has runs done with the code of one worktree, each as a command in a process of its own.

Of the reference node, the worktree holds Ackproof itself: its code runs, and judges. Of any other system, the
worktree holds that system: Ackproof stays as it is installed here, and runs in the worktree's folder, where
it finds the system's file, and what relative paths in its options name.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from harness.campaign.bisect.commits import Repository
from harness.campaign.cells import Cell, Unit
from harness.campaign.executors import Ended
from harness.campaign.performing import Place, RealRun
from harness.errors import CouldNotRun
from harness.executors import executor
from harness.systems import REFERENCE_NODE
from history.files import brief

LONGEST_BUILD_S = 1800
_WHERE = "import harness; print(harness.__file__)"


class WorktreeRuns:
    """Does runs with a worktree's code; simulated ones several at once, real ones one at a time."""

    def __init__(self, place: Place, store: Path, jobs: int) -> None:
        self._place = place
        self._store = store
        self._jobs = jobs
        self._runs: dict[Unit, RealRun] = {}
        self._is_simulated: dict[Unit, bool] = {}

    @property
    def has_room(self) -> bool:
        """Whether fewer runs than `jobs` go on."""
        return len(self._runs) < self._jobs

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on."""
        return bool(self._runs)

    def begin(self, key: Unit, cell: Cell, seed: int) -> None:
        """Start a run, in a store of its own."""
        store = self._store / str(seed)
        store.mkdir(parents=True, exist_ok=True)
        self._is_simulated[key] = cell.world == "sim"
        self._runs[key] = RealRun(cell, seed, store, self._place)

    def wait(self, timeout_s: float) -> list[Ended]:
        """The runs that ended."""
        until = time.monotonic() + timeout_s
        while True:
            ended = [key for key, run in self._runs.items() if run.wait(0.0)]
            if ended or not self._runs or time.monotonic() >= until:
                return [self._ended(key) for key in ended]
            time.sleep(0.02)  # several processes, and no one call that waits for any of them

    def interrupt(self) -> list[Ended]:
        """End all runs."""
        self.close()
        return []

    def close(self) -> None:
        """End all runs, of which nothing is kept; real ones heal and clean up first."""
        for key, run in self._runs.items():
            run.kill() if self._is_simulated[key] else run.interrupt()
        for run in self._runs.values():
            run.wait_for_end()
        self._runs.clear()

    def _ended(self, key: Unit) -> Ended:
        try:
            return executor.Ended(key, self._runs.pop(key).ended())
        except CouldNotRun as error:
            return executor.Ended(key, str(error))


def place_of(tree: Path, inside: Path, cell: Cell) -> Place:
    """Where and with which code a worktree's runs are done.

    Raises: CouldNotRun: the worktree holds no Ackproof, although that is what is tested; or it cannot be
    imported.
    """
    folder = tree / inside if (tree / inside).is_dir() else tree
    if cell.system != REFERENCE_NODE:
        return Place(folder, None)
    if not (tree / "harness").is_dir():
        raise CouldNotRun("it holds no package `harness`, so it is no Ackproof")
    place = Place(folder, tree)
    done = subprocess.run(  # noqa: S603 - an argument list, no shell
        [sys.executable, "-P", "-c", _WHERE],
        cwd=folder,
        env=place.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise CouldNotRun(f"it cannot be imported: {brief((done.stderr.splitlines() or ['no reason'])[-1])}")
    code = Path(done.stdout.strip()).resolve().parent.parent
    if code != tree.resolve():
        raise CouldNotRun(f"other code than its own would run, that of {code}")
    return place


def build(place: Place, command: str) -> None:
    """Run the user's command that builds a worktree: words as a shell splits them, but no shell runs them.

    Raises:
        CouldNotRun: it cannot be started, fails, or takes too long; with its last line.
    """
    try:
        done = subprocess.run(  # noqa: S603 - an argument list, no shell
            shlex.split(command),
            cwd=place.folder,
            env=place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_BUILD_S,
            check=False,
        )
    except (OSError, ValueError, IndexError) as error:  # not there, an open quotation, or no words
        raise CouldNotRun(f"its build {command!r} cannot be started: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise CouldNotRun(f"its build took more than {LONGEST_BUILD_S} seconds") from error
    if done.returncode != 0:
        lines = done.stdout.decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "it printed nothing")
        raise CouldNotRun(f"its build ended with status {done.returncode}: {brief(last)}")


def cell_in(cell: Cell, repository: Repository) -> Cell:
    """The cell with the files of a system or a core as a worktree has them: by their paths from where the
    command is called."""
    if cell.core is not None:
        words = tuple(
            _in_worktree(word, repository) if word in cell.core.files else word for word in cell.core.command
        )
        return msgspec.structs.replace(cell, core=msgspec.structs.replace(cell.core, command=words))
    path, colon, name = cell.system.partition(":")
    if not path.endswith((".py", ".toml")):
        return cell
    return msgspec.structs.replace(cell, system=f"{_in_worktree(path, repository)}{colon}{name}")


def _in_worktree(path: str, repository: Repository) -> str:
    """An absolute path into the repository as one from where the command is called; others as they are."""
    if not os.path.isabs(path):
        return path
    try:
        inside = Path(path).resolve().relative_to(repository.root.resolve())
    except ValueError:
        return path
    found = os.path.relpath(inside, repository.inside)
    return found if os.sep in found else os.path.join(os.curdir, found)
