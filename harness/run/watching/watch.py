"""Watches a run as it goes on, so that it can stop at its first violation.

The watches (`checkers.watching`) look at each operation when it is recorded, and at the nodes' traces where
these are written on this machine. At a suspicion, a process of its own judges the record as it stands, with
the run's own checkers. If one of them finds a violation, the run stops; else it goes on, and the next look
comes only after the run has gone on for several times as long as this one took.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from checkers.watching import HistoryWatch, Suspicion
from checkers.watching.raft import RaftWatch
from harness.run.folder import RunFolder
from history import Operation
from history.stored.trace_tail import TraceTail

LOOK_EVERY_S = 0.2
"""How often the traces are read, and a suspicion is acted upon."""
PATIENCE = 4
"""After a look that found nothing, the run goes on for this many times as long as the look took."""
LOOK_BOUND_S = 600.0
"""A look that takes longer is given up."""


class RunWatch:
    """The watches of one run.

    Args:
        watches: what looks at the history.
        folder: the run's folder, in which the history and the traces grow.
        nodes: the nodes whose traces are written on this machine.
        say: shows a line to the user.
    """

    def __init__(
        self,
        watches: Sequence[HistoryWatch],
        folder: RunFolder,
        nodes: Sequence[str],
        say: Callable[[str], object],
    ) -> None:
        self._watches = watches
        self._folder = folder
        self._raft = RaftWatch()
        self._tails = [TraceTail(folder.trace(node), node) for node in nodes]
        self._say = say
        self._suspicion: Suspicion | None = None
        self._not_before = 0.0
        self.found = asyncio.Event()
        """Set once a checker has found a violation."""
        self.violation = ""
        """What it found, in one sentence."""

    def see(self, operation: Operation) -> None:
        """Look at an operation that was just recorded."""
        for watch in self._watches:
            self._suspect(watch.see(operation))

    def _suspect(self, suspicion: Suspicion | None) -> None:
        self._suspicion = self._suspicion or suspicion

    async def follow(self) -> None:
        """Follow the traces, and look closer at suspicions, until cancelled or a violation is found."""
        while not self.found.is_set():
            await asyncio.sleep(LOOK_EVERY_S)
            for tail in self._tails:
                for event in tail.new_events():
                    self._suspect(self._raft.see(event))
            if self._suspicion is not None and time.monotonic() >= self._not_before:
                await self._look_closer(self._suspicion)
                self._suspicion = None

    async def _look_closer(self, suspicion: Suspicion) -> None:
        begun = time.monotonic()
        self._say(f"{suspicion.checker}: {suspicion.why}; judging the run as it stands")
        violation = await _judged_apart(self._folder.path)
        if violation:
            self.violation = violation
            self.found.set()
            return
        now = time.monotonic()
        self._not_before = now + PATIENCE * (now - begun)
        self._say("no checker finds a violation so far; the run goes on")


async def _judged_apart(folder: Path) -> str:
    """What the checkers find in the record as it stands, judged by another process; empty if nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "harness.run.watching.first_violation",
        str(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is for the run, which then ends this process
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), LOOK_BOUND_S)
    except TimeoutError:
        return ""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        return msgspec.json.decode(output, type=str) if output else ""
    except msgspec.DecodeError:
        return ""
