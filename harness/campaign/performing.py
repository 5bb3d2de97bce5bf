"""Does one run of a campaign: a simulated one in this process, a real one as `ackproof run` in its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from checkers.check_all import Results
from harness.campaign.cells import Cell
from harness.campaign.outcomes import Outcome, outcome_of
from harness.campaign.scripts import calling
from harness.campaign.watching.behaviours import behaviours
from harness.errors import CouldNotRun
from harness.run.folder import RunFolder
from harness.sim.bounded import within_bounds
from harness.sim.judging import results_of
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.schedule.replay import digest_of
from history import HistoryError
from history.files import RefusedFile, brief, decode_json, read_regular

JUDGED = (0, 1, 2)
"""The exit codes of a run that was judged (ackproof/cli/output/exits.py; a test holds them equal)."""
USUAL_TIME_LIMIT_S = 30
MOST_HISTORY_BYTES = 50_000_000
"""A longer history of a real run is not read for its behaviours."""
LONGEST_REST_S = 600
"""Seconds that a real run may take in addition to its work: starting, healing, reading back, judging."""
LONGEST_ENDING_S = 120
"""Seconds that an interrupted run may take to heal and to be judged."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def simulated(cell: Cell, seed: int) -> Outcome:
    """Run one seed in the simulated world, and judge it.

    Raises:
        CouldNotRun: it takes too long, or too much memory.
    """
    begin, core_begin_s = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="ackproof-sim-") as logs, within_bounds():
        ran = run(plan_of(seed, cell.seed_options()))
        outcome = outcome_of(results_of(ran, Path(logs)), ran.problem)
    lives = (life for lives in ran.traces.values() for life in lives)
    return msgspec.structs.replace(
        outcome,
        digest=digest_of(ran),
        took_s=_rounded(begin),
        core_s=round(time.process_time() - core_begin_s, 3),
        behaviours=behaviours(lives, ran.operations),
    )


class Place(NamedTuple):
    """Where the command of a run is called, and with which code."""

    folder: Path
    code: Path | None
    """The folder that holds Ackproof's packages; None for those that are installed."""

    def environment(self) -> dict[str, str]:
        """The variables for a Python that is started with `-P`, so that `folder` hides no package."""
        own = {} if self.code is None else {"PYTHONPATH": str(self.code), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **own}


class _Stored(msgspec.Struct, frozen=True):
    """Which folder a run made, as its result states it: `latest` may be that of a run next to it."""

    folder: str | None = None


class RealRun:
    """One `ackproof run` that goes on in a process, and a session, of its own.

    Ctrl-C in a terminal does not reach it; `interrupt` does. If this process dies, the kernel sends it a
    SIGTERM, upon which it heals and ends.
    """

    def __init__(self, cell: Cell, seed: int, store: Path, place: Place | None = None) -> None:
        self._store = store
        self._begin = time.monotonic()
        self._until = self._begin + (cell.time_limit_s or USUAL_TIME_LIMIT_S) + LONGEST_REST_S
        self._system = cell.system
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `ended`
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        options = [] if place is None else ["-P"]
        module, arguments = "ackproof", [*cell.arguments(seed), "--store", str(store), "--json"]
        if cell.script is not None:
            module, arguments = calling.MODULE, calling.arguments(cell, seed, store)
        self._is_script = cell.script is not None
        argv = [sys.executable, *options, "-m", module, *arguments]
        self._process = subprocess.Popen(  # noqa: S603 - an argument list, no shell
            argv,
            cwd=None if place is None else place.folder,
            env=None if place is None else place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended, within this time. One that takes too long is ended."""
        if time.monotonic() > self._until:
            self.kill()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def interrupt(self) -> None:
        """Ask it to heal, to read back, and to be judged."""
        self._process.send_signal(signal.SIGINT)

    def wait_for_end(self) -> None:
        """Wait until an interrupted run was judged; end it if that takes too long."""
        if not self.wait(LONGEST_ENDING_S):
            self.kill()

    def kill(self) -> None:
        """End it at once; the next run cleans up after it."""
        self._process.kill()
        self._process.wait()

    def ended(self) -> Outcome:
        """How it was judged.

        Raises:
            CouldNotRun: it was not judged; with what it printed.
        """
        with self._output, self._errors:
            code = self._process.returncode
            if code not in JUDGED:
                raise CouldNotRun(f"it ended with {_code_in_words(code)}: {_last_line(self._errors)}")
            self._output.seek(0)
            printed = self._output.read()
            if self._is_script:
                return msgspec.structs.replace(calling.outcome_in(printed), took_s=_rounded(self._begin))
            try:
                found = msgspec.json.decode(printed, type=Results)
                folder = Path(
                    msgspec.json.decode(printed, type=_Stored).folder or self._store / "latest"
                ).resolve()
            except msgspec.DecodeError as error:
                raise CouldNotRun(f"its results cannot be read: {brief(error)}") from error
        return msgspec.structs.replace(
            outcome_of(found),
            folder=str(folder),
            version=_version_of(folder, self._system),
            took_s=_rounded(self._begin),
            behaviours=_behaviours_in(folder),
        )


def _behaviours_in(folder: Path) -> tuple[int, ...]:
    """What a real run did, by its folder; empty if that cannot be read, or is too long to be read now."""
    run = RunFolder(folder)
    try:
        if run.history_lines.stat().st_size > MOST_HISTORY_BYTES:
            return ()
        recording = run.recording()
        lives = (events for trace in recording.traces.values() for _, events in trace.lives())
        return behaviours(lives, recording.history)
    except (CouldNotRun, HistoryError, OSError):
        return ()


def _version_of(folder: Path, system: str) -> str:
    """The version of the program under test, as the run's folder states it; empty if it does not."""
    try:
        stored = decode_json(read_regular(folder / "test.json", root=folder), dict[str, object], where=folder)
    except (OSError, RefusedFile):
        return ""
    versions = stored.get("versions")
    return str(versions.get(system) or "") if isinstance(versions, dict) else ""


def _code_in_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _last_line(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    lines: Sequence[str] = file.read()[-10_000:].decode(errors="replace").split("\n")  # type: ignore[attr-defined]
    return brief(next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing"))


def end_with_parent() -> None:
    """For `preexec_fn`: the kernel sends this process a SIGTERM when the one that started it ends (Linux)."""
    if os.name == "posix" and sys.platform.startswith("linux"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _rounded(begin: float) -> float:
    return round(time.monotonic() - begin, 3)
