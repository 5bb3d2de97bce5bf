"""Processes on this machine: started in the background with a log, ended on purpose, watched all their life.

A `LocalHost` is what one host can do for a test, in words that a remote host can follow too: run an
argument list in the background, signal what was started, wait for it, read a log's end. Every
process has a session of its own, so a Ctrl-C for the harness does not reach it, and a watcher task, so
an end that nobody meant is known when it happens.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from harness.control.ledger import Ledger
from harness.control.processes import Identity, identify, is_stopped, send_signal

POLL_S = 0.005
END_BOUND_S = 10.0
LONGEST_LINE_BYTES = 1 << 24
Clock = Callable[[], int]
"""Nanoseconds since the run began, monotonic."""


class StartError(RuntimeError):
    """A process could not be started; the message says which and why."""


class EndError(RuntimeError):
    """A process could not be ended."""


class EssentialEndedError(RuntimeError):
    """A process without which a run proves nothing has ended, and nobody meant it."""


@dataclass
class Background:
    """A process in the background, and what is known of its life so far."""

    what: str
    identity: Identity
    log: Path
    started_at: int
    ended_at: int | None = None
    status: int | None = None
    """As `subprocess` gives it: negative is the signal that ended it."""
    ended_by: str | None = None
    """Who ended it; None while it runs, and if nobody meant it."""
    stdin: asyncio.StreamWriter | None = None
    stdout: asyncio.StreamReader | None = None
    exited: asyncio.Event = field(default_factory=asyncio.Event)
    _meant: dict[int, str] = field(default_factory=dict)
    """Exit statuses that are on somebody's account by now."""

    @property
    def pid(self) -> int:
        """Its number."""
        return self.identity.pid

    @property
    def is_running(self) -> bool:
        """Whether its end has not been seen yet."""
        return not self.exited.is_set()

    @property
    def is_stopped(self) -> bool:
        """Whether it is stopped now, as the system says."""
        return self.is_running and is_stopped(self.identity)

    def _end(self, status: int, at: int) -> None:
        self.status, self.ended_at, self.ended_by = status, at, self._meant.get(status)
        self.exited.set()


class LocalHost:
    """This machine. Use as `async with`: leaving it ends whatever still runs.

    Args:
        ledger: where every process is written down for the case that the harness dies.
        clock: the run's clock.

    Raises:
        EssentialEndedError: in an exception group, upon leaving, which it brings about.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._watchers = asyncio.TaskGroup()
        self._watched: dict[asyncio.Task[None], Background] = {}

    async def __aenter__(self) -> LocalHost:
        await self._watchers.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._watched.values():
            self._signal(process, signal.SIGKILL, "teardown")
        try:
            async with asyncio.timeout(END_BOUND_S):
                if self._watched:
                    await asyncio.wait(self._watched)
                # The group must have seen its tasks end before it is left: if one that failed made it cancel
                # this task later than that, it would not take the cancellation back.
                await asyncio.sleep(0)
        except TimeoutError as late:
            numbers = ", ".join(str(process.pid) for process in self._watched.values() if process.is_running)
            raise EndError(
                f"processes {numbers} do not end although killed; the next start tries again"
            ) from late
        except asyncio.CancelledError as cancelled:
            kind, error, trace = type(cancelled), cancelled, cancelled.__traceback__
        if isinstance(error, asyncio.CancelledError):  # perhaps the group's own, because a watcher raised
            await self._watchers.__aexit__(kind, error, trace)
        else:  # an error of the body goes on as it is, not wrapped in a group
            await self._watchers.__aexit__(None, None, None)

    async def start(
        self,
        what: str,
        argv: Sequence[str],
        *,
        log: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        with_pipes: bool = False,
        essential: bool = False,
    ) -> Background:
        """Start a process; standard output and error are appended to `log`.

        Args:
            what: its name in messages.
            folder: its working directory.
            environment: added to the harness's own.
            with_pipes: standard input and output are pipes to the harness; the log gets standard error alone.
            essential: if it ends although nobody meant it, what is inside the `async with` is cancelled.

        Raises:
            StartError: there is no such program, or no room for another process.
        """
        with log.open("ab") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.PIPE if with_pipes else asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE if with_pipes else output,
                    stderr=output,
                    cwd=folder,
                    env={**os.environ, **(environment or {}), **self._ledger.environment},
                    start_new_session=True,
                    limit=LONGEST_LINE_BYTES,
                )
            except OSError as error:
                raise StartError(f"cannot start {what} ({argv[0]}): {error}") from error
        # Where it has ended already there is nothing to identify; its watcher tells how it ended.
        identity = identify(process.pid) or Identity(process.pid, "", "")
        background = Background(
            what, identity, log, self._clock(), stdin=process.stdin, stdout=process.stdout
        )
        watcher = self._watchers.create_task(
            self._watch(process, background, essential), name=f"watch {what}"
        )
        self._watched[watcher] = background
        self._ledger.started(what, identity)
        return background

    async def kill(self, process: Background, by: str, bound_s: float = 5.0) -> bool:
        """SIGKILL, on `by`'s account; True once it is gone, False if it still runs after `bound_s`."""
        self._signal(process, signal.SIGKILL, by)
        return await within(bound_s, process.exited.wait())

    async def terminate(self, process: Background, by: str, bound_s: float) -> bool:
        """SIGTERM, on `by`'s account, and SIGCONT to hear it; True if it ends within `bound_s`."""
        self._signal(process, signal.SIGTERM, by, also=0)
        send_signal(process.identity, signal.SIGCONT)
        return await within(bound_s, process.exited.wait())

    async def pause(self, process: Background, bound_s: float = 2.0) -> bool:
        """SIGSTOP; True once the system shows it stopped."""
        return send_signal(process.identity, signal.SIGSTOP) and await eventually(
            lambda: process.is_stopped, bound_s
        )

    async def resume(self, process: Background, bound_s: float = 2.0) -> bool:
        """SIGCONT; True once the system shows it running again."""
        return send_signal(process.identity, signal.SIGCONT) and await eventually(
            lambda: not process.is_stopped, bound_s
        )

    def _signal(self, process: Background, number: signal.Signals, by: str, also: int | None = None) -> None:
        """Signal; the exit status that this leads to is then on `by`'s account, and any other on nobody's."""
        if send_signal(process.identity, number):
            process._meant[-number] = by
            if also is not None:
                process._meant[also] = by

    async def _watch(
        self, process: asyncio.subprocess.Process, background: Background, essential: bool
    ) -> None:
        status = await process.wait()
        background._end(status, self._clock())
        if essential and background.ended_by is None:
            last = " | ".join(tail(background.log, 3)) or "nothing"
            raise EssentialEndedError(
                f"{background.what} ended with status {status}; the end of {background.log}: {last}"
            )


async def within(bound_s: float, action: Awaitable[object]) -> bool:
    """Await for at most `bound_s`; whether it was done by then."""
    try:
        async with asyncio.timeout(bound_s):
            await action
    except TimeoutError:
        return False
    return True


async def eventually(holds: Callable[[], bool], bound_s: float) -> bool:
    """Ask again and again, for at most `bound_s`, whether something that nobody announces holds."""
    deadline = asyncio.get_running_loop().time() + bound_s
    while not holds():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


def tail(log: Path, lines: int) -> list[str]:
    """The last lines of a log; none if it does not exist."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 500 * lines))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-lines:]
