"""Processes on this machine: started in the background with a log, watched all their life, and ended.

A `LocalHost` is a `Host` (host.py) on this machine, or in a network namespace of it: then a *prefix*
enters the namespace and becomes the program that is run. Every process has a
session of its own, so a Ctrl-C for the harness does not reach it, and a watcher task.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from harness.hosts import agent
from harness.hosts.families import END_BOUND_S, Families
from harness.hosts.host import (
    COMMAND_BOUND_S,
    Background,
    Clock,
    CommandResult,
    HostError,
    StartError,
    eventually,
    within,
)
from harness.hosts.ledger import Ledger
from harness.hosts.processes import Identity, identify, is_alive
from harness.hosts.removal import MOUNT, SHARED_MEMORY

LONGEST_LINE_BYTES = 1 << 24


class EndError(RuntimeError):
    """A process could not be ended."""


class EssentialEndedError(RuntimeError):
    """A process without which a run proves nothing has ended unexpectedly."""


class LocalHost:
    """This machine. Use as `async with`: leaving it ends whatever still runs.

    Args:
        ledger: every process is written down here, for the case that the harness dies.
        clock: the run's clock.
        prefix: comes before every argument list; it must replace itself by the program that follows.

    Raises:
        EssentialEndedError: in an exception group, when an essential process ends and so ends the block.
    """

    def __init__(self, ledger: Ledger, clock: Clock, prefix: Sequence[str] = ()) -> None:
        self._ledger = ledger
        self._clock = clock
        self._prefix = tuple(prefix)
        self._families = Families(ledger)
        self._watchers = asyncio.TaskGroup()
        self._watched: dict[asyncio.Task[None], Background] = {}

    async def __aenter__(self) -> LocalHost:
        await self._watchers.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._watched.values():
            self._kill(process, "teardown")
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
                f"processes {numbers} do not end although they were killed; the next run tries again"
            ) from late
        except asyncio.CancelledError as cancelled:
            kind, error, trace = type(cancelled), cancelled, cancelled.__traceback__
        finally:
            self._families.remove_groups()
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
        as_commands: bool = False,  # noqa: ARG002 - here all are run by the same user
        group: str | None = None,
        with_pipes: bool = False,
        essential: bool = False,
    ) -> Background:
        """Start a process; standard output and error are appended to `log`.

        Args:
            what: the process's name in messages.
            folder: its working directory.
            environment: added to the harness's own.
            group: it is a process of this node, and one family with all that it starts.
            with_pipes: standard input and output are pipes to the harness; the log gets standard error alone.
            essential: if it ends unexpectedly, what is inside the `async with` is cancelled.

        Raises:
            StartError: there is no such program, or no room for another process.
        """
        whole = self._environment(environment)
        own_group = self._families.group_for(group)
        before = (*(() if own_group is None else own_group.entering()), *self._prefix)
        if before and not _is_there(argv[0], folder, whole):
            raise StartError(f"cannot start {what} ({argv[0]}): No such file, or no right to execute it")
        with log.open("ab") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *before,
                    *argv,
                    stdin=asyncio.subprocess.PIPE if with_pipes else asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE if with_pipes else output,
                    stderr=output,
                    cwd=folder,
                    env=whole,
                    start_new_session=True,
                    limit=LONGEST_LINE_BYTES,
                )
            except OSError as error:
                raise StartError(f"cannot start {what} ({argv[0]}): {error}") from error
        # If it has ended already there is nothing to identify; its watcher notes how it ended.
        identity = identify(process.pid) or Identity(process.pid, "", "")
        if group is not None:
            self._families.begin(identity, own_group)
        background = Background(
            what,
            identity,
            log,
            self._clock(),
            lambda: self._families.are_stopped(identity),
            stdin=process.stdin,
            stdout=process.stdout,
        )
        watcher = self._watchers.create_task(
            self._watch(process, background, essential), name=f"watch {what}"
        )
        self._watched[watcher] = background
        self._ledger.started(what, identity)
        return background

    def mounting(self, folder: Path) -> None:
        """Note a mount that is about to be made, so that it is removed even if the harness dies."""
        self._ledger.making(MOUNT, str(folder))

    def unmounted(self, folder: Path) -> None:
        """Note that the mount was removed again."""
        self._ledger.gone(MOUNT, str(folder))

    def sharing(self, what: str) -> str:
        """Note shared memory that is about to be made; its name."""
        name = f"{agent.SHARED_NAME}{self._ledger.token}-{what}"
        self._ledger.making(SHARED_MEMORY, name)
        return name

    def unshared(self, name: str) -> None:
        """Note that the shared memory was removed again."""
        self._ledger.gone(SHARED_MEMORY, name)

    async def family(self, process: Background) -> tuple[Identity, ...]:
        """The process and what it started, as far as they live."""
        return self._families.members(process.identity)

    async def kill(self, process: Background, by: str, bound_s: float = 5.0) -> bool:
        """Send SIGKILL on the account of `by`; True once all are gone, False if any runs after `bound_s`."""
        self._kill(process, by)
        return await within(bound_s, process.exited.wait())

    async def terminate(
        self, process: Background, by: str, bound_s: float, statuses: Sequence[int] = (0,)
    ) -> bool:
        """Send SIGTERM, and SIGCONT so that a stopped process gets it; True if all end within `bound_s`."""
        if is_alive(process.identity):
            _expect(process, by, -signal.SIGTERM, *statuses)
        self._families.ask_to_end(process.identity, bound_s)
        return await within(bound_s, process.exited.wait())

    async def pause(self, process: Background, bound_s: float = 2.0) -> bool:
        """Send SIGSTOP; True once the system shows the process, and all its family, stopped."""
        return is_alive(process.identity) and await eventually(
            lambda: self._families.stop(process.identity) and process.is_stopped, bound_s
        )

    async def resume(self, process: Background, bound_s: float = 2.0) -> bool:
        """Send SIGCONT; True once the system shows the process, and all its family, running again."""
        return is_alive(process.identity) and await eventually(
            lambda: self._families.go_on(process.identity), bound_s
        )

    async def run(
        self, argv: Sequence[str], *, given: str = "", bound_s: float = COMMAND_BOUND_S
    ) -> CommandResult:
        """Run a command to its end; its result."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._prefix,
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise HostError(f"cannot run {argv[0]}: {error.strerror}") from error
        try:
            async with asyncio.timeout(bound_s):
                output, errors = await process.communicate(given.encode())
        except TimeoutError:
            raise HostError(f"{' '.join(argv)} took longer than {bound_s:g} s and was ended") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return CommandResult(
            process.returncode, output.decode(errors="replace"), errors.decode(errors="replace")
        )

    async def upload(self, here: Path, there: Path) -> None:
        """Copy a file to the host."""
        await asyncio.to_thread(shutil.copy2, here, there)

    async def download(self, there: Path, here: Path) -> None:
        """Copy a folder, with all below it, from the host into the folder `here`."""
        await asyncio.to_thread(shutil.copytree, there, here, dirs_exist_ok=True)

    async def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it; no error if it is there."""
        os.makedirs(folder, exist_ok=True)

    async def names(self, folder: Path) -> tuple[str, ...]:
        """The names in a folder; none if it does not exist."""
        try:
            return tuple(sorted(os.listdir(folder)))
        except FileNotFoundError:
            return ()

    async def tail(self, log: Path, lines: int) -> list[str]:
        """The last lines of a log; none if it does not exist."""
        return tail(log, lines)

    def _environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, **(more or {}), **self._ledger.environment}

    def _kill(self, process: Background, by: str) -> None:
        """Send SIGKILL to a whole family; its first process's end by it is counted as an effect of `by`."""
        if is_alive(process.identity):
            _expect(process, by, -signal.SIGKILL)
        self._families.kill(process.identity)

    async def _watch(
        self, process: asyncio.subprocess.Process, background: Background, essential: bool
    ) -> None:
        status = await process.wait()
        at = self._clock()
        await self._families.end_rest(background.identity)
        background.end(status, at)
        if essential and background.ended_by is None:
            last = " | ".join(tail(background.log, 3)) or "nothing"
            raise EssentialEndedError(
                f"{background.what} ended with status {status}; the end of {background.log}: {last}"
            )


def _expect(process: Background, by: str, *statuses: int) -> None:
    """Count an end with one of these statuses as an effect of `by`, any other end as unexpected."""
    for status in statuses:
        process.expect_end(status, by)


def _is_there(program: str, folder: Path, environment: Mapping[str, str]) -> bool:
    """Whether a program can be started: a prefix would start without it, and end with words of its own."""
    path = os.path.join(folder, program) if os.sep in program else program
    return shutil.which(path, path=environment.get("PATH")) is not None


def tail(log: Path, lines: int) -> list[str]:
    """The last lines of a log; none if it does not exist."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 500 * lines))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-lines:]
