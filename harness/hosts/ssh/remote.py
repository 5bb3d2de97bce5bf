"""A remote host over SSH: one connection, one agent on it (agent.py), and files by SFTP.

After the connection was lost, it is made again when it is next needed. When a connection is lost its agent
ends, and with the agent all that it had started: such a process has ended by `host lost`, with an unknown
status.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tarfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import paramiko

from harness.hosts import agent
from harness.hosts.host import (
    COMMAND_BOUND_S,
    Background,
    Clock,
    CommandResult,
    HostError,
    StartError,
    eventually,
    eventually_asked,
    within,
)
from harness.hosts.processes import Identity
from harness.hosts.ssh.connection import ANSWER_BOUND_S, AgentConnection, RemoteRun
from history.recording import HOST_LOST

PING_EVERY_S = 3.0


class RemoteHost:
    """A `Host` (host.py) over SSH. Use as `async with`: leaving it ends what still runs there.

    Args:
        run: how to reach it, and what the run is called there.
        clock: the run's clock.
    """

    def __init__(self, run: RemoteRun, clock: Clock) -> None:
        self._run = run
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop
        self._connection: AgentConnection | None = None
        self._connecting = asyncio.Lock()
        self._processes: dict[int, Background] = {}
        self._stopped: set[int] = set()
        self._ended_early: dict[int, int] = {}
        """Exit status by number, of processes that ended before their start was reported."""
        self._pinger: asyncio.Task[None] | None = None
        self._folder: Path | None = None
        self.facts: Mapping[str, Any] = {}
        """What the agent reports of the host; empty until there is a connection."""

    @property
    def name(self) -> str:
        """The host's name in messages."""
        return str(self._run.spec)

    @property
    def was_reached(self) -> bool:
        """Whether there ever was a connection, and so perhaps something to remove."""
        return self._folder is not None

    @property
    def folder(self) -> Path:
        """The run's folder there, once the host was reached."""
        assert self._folder is not None
        return self._folder

    async def __aenter__(self) -> RemoteHost:
        self._loop = asyncio.get_running_loop()
        try:
            await self._connected()
        except BaseException:
            self._disconnect()
            raise
        self._pinger = asyncio.create_task(self._ping(), name=f"ping {self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pinger is not None:
            self._pinger.cancel()
            await asyncio.gather(self._pinger, return_exceptions=True)
        await asyncio.to_thread(self._disconnect)

    # ---- what a Host does ----------------------------------------------------------------------------

    async def start(
        self,
        what: str,
        argv: Sequence[str],
        *,
        log: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        as_commands: bool = False,
        group: str | None = None,
    ) -> Background:
        """Start a process in `folder`; what it writes is appended to `log`."""
        try:
            answer = await self._ask(
                "start",
                argv=list(argv),
                log=str(log),
                folder=str(folder),
                environment=dict(environment or {}),
                as_commands=as_commands,
                group=group is not None,
            )
        except _RefusedError as error:
            raise StartError(f"cannot start {what} ({argv[0]}) on {self.name}: {error.reason}") from error
        pid = answer["pid"]
        identity = Identity(pid, answer["started"], str(self.facts.get("boot", "")))
        self._stopped.discard(pid)
        process = Background(what, identity, log, self._clock(), lambda: pid in self._stopped)
        if pid in self._ended_early:
            process.end(self._ended_early.pop(pid), self._clock())
        elif self._connection is None:
            process.end(None, self._clock(), HOST_LOST)
        else:
            self._processes[pid] = process
        return process

    def mounting(self, folder: Path) -> None:
        """Note nothing: the agent unmounts whatever is mounted below the run's folder."""

    def unmounted(self, folder: Path) -> None:
        """Note that the mount was removed again."""

    def sharing(self, what: str) -> str:  # noqa: ARG002 - a host has one node
        """The name of shared memory; the agent removes what has this name when it ends."""
        return agent.SHARED_NAME + self._run.token

    def unshared(self, name: str) -> None:
        """Note that the shared memory was removed again."""

    async def family(self, process: Background) -> tuple[Identity, ...]:
        """The process and what it started, as far as they live."""
        found = await self._ask("family", pid=process.pid) if process.is_running else []
        return tuple(Identity(pid, started, process.identity.boot) for pid, started in found)

    async def kill(self, process: Background, by: str, bound_s: float = 5.0) -> bool:
        """Send SIGKILL; True once the process is gone."""
        await self._signal(process, "SIGKILL", by)
        return await within(bound_s, process.exited.wait())

    async def terminate(
        self, process: Background, by: str, bound_s: float, statuses: Sequence[int] = (0,)
    ) -> bool:
        """Send SIGTERM; True if the process ends within `bound_s`."""
        await self._signal(process, "SIGTERM", by, also=statuses)
        await self._signal(process, "SIGCONT")
        return await within(bound_s, process.exited.wait())

    async def pause(self, process: Background, bound_s: float = 2.0) -> bool:
        """Send SIGSTOP; True once the host shows the process, and all its family, stopped."""

        async def are_all_stopped() -> bool:
            return process.is_stopped and bool(await self._ask("stop_rest", pid=process.pid))

        return await self._signal(process, "SIGSTOP") and await eventually_asked(are_all_stopped, bound_s)

    async def resume(self, process: Background, bound_s: float = 2.0) -> bool:
        """Send SIGCONT; True once the host shows the process running again."""
        return await self._signal(process, "SIGCONT") and await eventually(
            lambda: not process.is_stopped, bound_s
        )

    async def run(
        self, argv: Sequence[str], *, given: str = "", bound_s: float = COMMAND_BOUND_S
    ) -> CommandResult:
        """Run a command to its end; its result."""
        answer = await self._ask(
            "run", bound_s + ANSWER_BOUND_S, argv=list(argv), given=given, bound_s=bound_s
        )
        return msgspec.convert(answer, CommandResult)

    async def upload(self, here: Path, there: Path) -> None:
        """Copy a file to the host."""
        connection = await self._connected()
        try:
            await asyncio.to_thread(connection.put, here, there)
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise HostError(f"{self.name}: cannot copy {here.name} to {there}: {error}") from error

    async def download(self, there: Path, here: Path) -> None:
        """Copy a folder, with all below it, from the host into the folder `here`."""
        archive = there.with_name(there.name + ".tar.gz")
        await self._ask("pack", 10 * ANSWER_BOUND_S, folder=str(there), archive=str(archive))
        connection = await self._connected()
        try:
            await asyncio.to_thread(_fetch, connection, archive, here)
        except (OSError, paramiko.SSHException, EOFError, tarfile.TarError) as error:
            raise HostError(f"{self.name}: cannot copy {there} here: {error}") from error

    async def unpack(self, archive: Path, folder: Path) -> None:
        """Unpack an archive that was uploaded, and delete it."""
        await self._ask("unpack", 10 * ANSWER_BOUND_S, archive=str(archive), folder=str(folder))

    async def free_bytes(self) -> int:
        """The free bytes in the run's folder."""
        return int(await self._ask("free", folder=str(self.folder)))

    async def look_again(self) -> Mapping[str, Any]:
        """The host's facts as they are now."""
        self.facts = await self._ask("facts")
        return self.facts

    async def remove_folder(self) -> None:
        """End what still runs of this run, and remove its folder."""
        await self._ask("remove", 10 * ANSWER_BOUND_S, folder=str(self.folder))

    async def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it; no error if it is there."""
        await self._ask("mkdir", folder=str(folder))

    async def names(self, folder: Path) -> tuple[str, ...]:
        """The names in a folder; none if it does not exist."""
        return tuple(await self._ask("names", folder=str(folder)))

    async def tail(self, log: Path, lines: int) -> list[str]:
        """The last lines of a log; none if it does not exist."""
        return list(await self._ask("tail", log=str(log), lines=lines))

    # ---- the connection ------------------------------------------------------------------------------

    async def _signal(
        self, process: Background, name: str, by: str | None = None, also: Sequence[int] = ()
    ) -> bool:
        """Send a signal; an end by it is counted as an effect of `by`.

        That is noted first, since the end may be reported before the answer comes.
        """
        if not process.is_running:
            return False
        number = signal.Signals[name]
        if by is not None:
            process.expect_end(-number, by)
            for status in also:
                process.expect_end(status, by)
        return bool(await self._ask("signal", pid=process.pid, number=int(number)))

    async def _ask(self, do: str, within_s: float = ANSWER_BOUND_S, **what: Any) -> Any:
        connection = await self._connected()
        number, answered = connection.expect(self._loop)
        line = msgspec.json.encode({"n": number, "do": do, **what}) + b"\n"
        try:
            async with asyncio.timeout(within_s):
                await asyncio.to_thread(connection.write, line)
                answer = await answered
        except TimeoutError:
            self._lose(connection, f"no answer within {within_s:g} s")
            raise HostError(
                f"{self.name}: no answer within {within_s:g} s; the connection was given up"
            ) from None
        except (OSError, EOFError, paramiko.SSHException) as error:
            answered.cancel()
            self._lose(connection, str(error))
            raise HostError(f"{self.name}: the connection was lost: {error}") from error
        if "error" in answer:
            raise _RefusedError(self.name, answer["error"])
        return answer["ok"]

    async def _connected(self) -> AgentConnection:
        """The connection, which is made if there is none."""
        async with self._connecting:
            if self._connection is None:
                self._connection = await self._connect()
                self.facts = self._connection.facts
                self._folder = Path(self._connection.folder)
            return self._connection

    async def _connect(self) -> AgentConnection:
        """Make a connection. If this is cancelled, it is closed as soon as it is made."""
        made: Future[AgentConnection] = Future()

        def make() -> None:
            try:
                made.set_result(AgentConnection(self._run, self._hear, self._lose))
            except BaseException as error:  # noqa: BLE001 - who asked for it raises it
                made.set_exception(error)

        try:
            await asyncio.to_thread(make)
        except asyncio.CancelledError:
            made.add_done_callback(_close_unused)
            raise
        return made.result()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _hear(self, connection: AgentConnection, message: dict[str, Any]) -> None:
        """A line from the agent; called on a thread of the connection."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nothing waits for the message
            self._loop.call_soon_threadsafe(self._take, connection, message)

    def _take(self, connection: AgentConnection, message: dict[str, Any]) -> None:
        match message:
            case {"n": int(number)}:
                connection.answer(number, message)
            case {"event": "ended", "pid": int(pid), "status": int(status)}:
                process = self._processes.pop(pid, None)
                if process is None:
                    self._ended_early[pid] = status
                else:
                    process.end(status, self._clock())
            case {"event": "stopped", "pid": int(pid)}:
                self._stopped.add(pid)
            case {"event": "continued", "pid": int(pid)}:
                self._stopped.discard(pid)

    def _lose(self, connection: AgentConnection, why: str) -> None:
        """The connection is gone; may be called on any thread, and again."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._forget, connection, why)

    def _forget(self, connection: AgentConnection, why: str) -> None:
        connection.fail(HostError(f"{self.name}: the connection was lost: {why}"))
        if self._connection is not connection:
            return
        self._connection = None
        for process in self._processes.values():
            process.end(None, self._clock(), HOST_LOST)
        self._processes.clear()
        self._stopped.clear()
        threading.Thread(target=connection.close, daemon=True).start()

    async def _ping(self) -> None:
        """Show the agent that the harness lives, and notice a lost host."""
        while True:
            await asyncio.sleep(PING_EVERY_S)
            if self._connection is not None:
                with contextlib.suppress(HostError):  # the next use of the host raises
                    await self._ask("ping")


class _RefusedError(HostError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


def _fetch(connection: AgentConnection, archive: Path, here: Path) -> None:
    here.mkdir(parents=True, exist_ok=True)
    packed = here / archive.name
    connection.get(archive, packed)
    with tarfile.open(packed) as tar:
        for member in tar:
            # `filter="data"` of newer Pythons says as much; 3.11 has it only from 3.11.4 on.
            inside = (here / member.name).resolve().is_relative_to(here.resolve())
            if not inside or not (member.isfile() or member.isdir()):
                raise HostError(f"{archive.name} holds {member.name!r}, not a file inside its folder")
            member.mode = 0o755 if member.isdir() else 0o644
            tar.extract(member, here, set_attrs=False)
    packed.unlink()


def _close_unused(made: Future[AgentConnection]) -> None:
    if made.exception() is None:
        threading.Thread(target=made.result().close, daemon=True).start()
