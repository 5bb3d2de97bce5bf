"""A remote host over SSH: one connection, one agent on it (agent.py), and files by SFTP.

The connection is made anew whenever it is needed and is not there, after the harness has learned of its
loss. With a connection its agent ends, and with the agent all that it had started: such a process is then
known to have ended by `host lost`, on nobody's account, with a status that nobody knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import tarfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import paramiko

from harness.control import agent
from harness.control.host import (
    COMMAND_BOUND_S,
    Background,
    Clock,
    HostError,
    Ran,
    StartError,
    eventually,
    within,
)
from harness.control.inventory import HostSpec
from harness.control.ledger import TOKEN_VARIABLE
from harness.control.processes import Identity
from harness.control.ssh import connect

HELLO_BOUND_S = 15.0
ANSWER_BOUND_S = 10.0
PING_EVERY_S = 3.0
LOST = "host lost"
SUDO_PASSWORD_VARIABLE = "ACKPROOF_SUDO_PASSWORD"  # noqa: S105 (a variable's name)
LONGEST_COMPLAINT = 300


class RemoteRun(msgspec.Struct, frozen=True):
    """What a run is called on a host, so that it can be found and removed again."""

    spec: HostSpec
    token: str
    """Of the run and the node: several nodes may share a machine."""
    table: str
    folder_name: str


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
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._processes: dict[int, Background] = {}
        self._stopped: set[int] = set()
        self._ended_early: dict[int, int] = {}
        """Exit status by number of processes that ended before their start had been told."""
        self._pinger: asyncio.Task[None] | None = None
        self._folder: Path | None = None
        self.facts: Mapping[str, Any] = {}
        """What the agent says of the host; empty until there is a connection."""

    @property
    def name(self) -> str:
        """For messages."""
        return str(self._run.spec)

    @property
    def was_reached(self) -> bool:
        """Whether there ever was a connection, and so perhaps something to remove."""
        return self._folder is not None

    @property
    def folder(self) -> Path:
        """The run's folder there, once it was reached."""
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
    ) -> Background:
        """See `Host`."""
        try:
            answer = await self._ask(
                "start",
                argv=list(argv),
                log=str(log),
                folder=str(folder),
                environment=dict(environment or {}),
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
            process.end(None, self._clock(), LOST)
        else:
            self._processes[pid] = process
        return process

    async def kill(self, process: Background, by: str, bound_s: float = 5.0) -> bool:
        """See `Host`."""
        await self._signal(process, "SIGKILL", by)
        return await within(bound_s, process.exited.wait())

    async def terminate(self, process: Background, by: str, bound_s: float) -> bool:
        """See `Host`."""
        await self._signal(process, "SIGTERM", by, also=0)
        await self._signal(process, "SIGCONT")
        return await within(bound_s, process.exited.wait())

    async def pause(self, process: Background, bound_s: float = 2.0) -> bool:
        """See `Host`."""
        return await self._signal(process, "SIGSTOP") and await eventually(
            lambda: process.is_stopped, bound_s
        )

    async def resume(self, process: Background, bound_s: float = 2.0) -> bool:
        """See `Host`."""
        return await self._signal(process, "SIGCONT") and await eventually(
            lambda: not process.is_stopped, bound_s
        )

    async def run(self, argv: Sequence[str], *, given: str = "", bound_s: float = COMMAND_BOUND_S) -> Ran:
        """See `Host`."""
        answer = await self._ask(
            "run", bound_s + ANSWER_BOUND_S, argv=list(argv), given=given, bound_s=bound_s
        )
        return msgspec.convert(answer, Ran)

    async def upload(self, here: Path, there: Path) -> None:
        """See `Host`."""
        connection = await self._connected()
        try:
            await asyncio.to_thread(connection.put, here, there)
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise HostError(f"{self.name}: cannot copy {here.name} to {there}: {error}") from error

    async def download(self, there: Path, here: Path) -> None:
        """See `Host`."""
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
        """Room in the run's folder."""
        return int(await self._ask("free", folder=str(self.folder)))

    async def remove_folder(self) -> None:
        """End what still runs of this run, and remove its folder."""
        await self._ask("remove", 10 * ANSWER_BOUND_S, folder=str(self.folder))

    async def make_folder(self, folder: Path) -> None:
        """See `Host`."""
        await self._ask("mkdir", folder=str(folder))

    async def names(self, folder: Path) -> tuple[str, ...]:
        """See `Host`."""
        return tuple(await self._ask("names", folder=str(folder)))

    async def tail(self, log: Path, lines: int) -> list[str]:
        """See `Host`."""
        return list(await self._ask("tail", log=str(log), lines=lines))

    # ---- the connection ------------------------------------------------------------------------------

    async def _signal(
        self, process: Background, name: str, by: str | None = None, also: int | None = None
    ) -> bool:
        """Signal; the exit status that this leads to is then on `by`'s account. Meant first, since the end may be
        told before the answer."""
        if not process.is_running:
            return False
        number = getattr(agent.signal, name)
        if by is not None:
            process.mean(-number, by)
            if also is not None:
                process.mean(also, by)
        return bool(await self._ask("signal", pid=process.pid, number=int(number)))

    async def _ask(self, do: str, bound_s: float = ANSWER_BOUND_S, **what: Any) -> Any:
        connection = await self._connected()
        number, answered = connection.expect(self._loop)
        line = msgspec.json.encode({"n": number, "do": do, **what}) + b"\n"
        try:
            async with asyncio.timeout(bound_s):
                await asyncio.to_thread(connection.write, line)
                answer = await answered
        except TimeoutError:
            self._lose(connection, f"no answer within {bound_s:g} s")
            raise HostError(
                f"{self.name}: no answer within {bound_s:g} s; the connection was given up"
            ) from None
        except (OSError, EOFError, paramiko.SSHException) as error:
            answered.cancel()
            self._lose(connection, str(error))
            raise HostError(f"{self.name}: the connection was lost: {error}") from error
        if "error" in answer:
            raise _RefusedError(self.name, answer["error"])
        return answer["ok"]

    async def _connected(self) -> _Connection:
        """The connection; made, if there is none."""
        async with self._connecting:
            if self._connection is None:
                self._connection = await asyncio.to_thread(_Connection, self._run, self._hear, self._lose)
                self.facts = self._connection.facts
                self._folder = Path(self._connection.folder)
            return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _hear(self, connection: _Connection, message: dict[str, Any]) -> None:
        """A line from the agent; called on a thread of the connection."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            self._loop.call_soon_threadsafe(self._take, connection, message)

    def _take(self, connection: _Connection, message: dict[str, Any]) -> None:
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

    def _lose(self, connection: _Connection, why: str) -> None:
        """The connection is gone; may be called on any thread, and again."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._forget, connection, why)

    def _forget(self, connection: _Connection, why: str) -> None:
        connection.fail(HostError(f"{self.name}: the connection was lost: {why}"))
        if self._connection is not connection:
            return
        self._connection = None
        for process in self._processes.values():
            process.end(None, self._clock(), LOST)
        self._processes.clear()
        self._stopped.clear()
        threading.Thread(target=connection.close, daemon=True).start()

    async def _ping(self) -> None:
        """Keep the agent from taking silence for death, and notice a lost host."""
        while True:
            await asyncio.sleep(PING_EVERY_S)
            if self._connection is not None:
                with contextlib.suppress(HostError):  # who next needs the host is told
                    await self._ask("ping")


class _RefusedError(HostError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


class _Connection:
    """An SSH connection with an agent on it. Blocking; made, written to and closed on threads."""

    def __init__(self, run: RemoteRun, hear: Any, lose: Any) -> None:
        self._hear, self._lose = hear, lose
        self._name = str(run.spec)
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writing = threading.Lock()
        self._client = connect(run.spec)
        try:
            self._sftp = self._client.open_sftp()
            self.folder = self._make_folder(run)
            self._channel = self._start_agent(run)
            self.facts = self._hello()
        except (OSError, EOFError, paramiko.SSHException) as error:
            self._client.close()
            raise HostError(f"{self._name}: {error or type(error).__name__}") from error
        except BaseException:
            self._client.close()
            raise
        threading.Thread(target=self._read, name=f"hear {self._name}", daemon=True).start()

    def expect(self, loop: asyncio.AbstractEventLoop) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """A number for a question, and where its answer will be. On the loop's thread, as `answer` and `fail`."""
        self._asked += 1
        self._waiting[self._asked] = loop.create_future()
        return self._asked, self._waiting[self._asked]

    def answer(self, number: int, message: dict[str, Any]) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def fail(self, error: Exception) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)
        self._waiting.clear()

    def write(self, line: bytes) -> None:
        with self._writing:
            self._channel.sendall(line)

    def put(self, here: Path, there: Path) -> None:
        self._sftp.put(str(here), str(there))

    def get(self, there: Path, here: Path) -> None:
        self._sftp.get(str(there), str(here))
        self._sftp.remove(str(there))

    def close(self) -> None:
        self._client.close()

    def _make_folder(self, run: RemoteRun) -> str:
        """The run's folder, and the agent's program in it."""
        home = self._sftp.normalize(".")
        folder = PurePosixPath(home) / run.spec.folder / run.folder_name
        for path in (*reversed(folder.parents), folder):
            try:
                self._sftp.stat(str(path))
            except FileNotFoundError:
                try:
                    self._sftp.mkdir(str(path), 0o755)
                except OSError as error:
                    raise HostError(f"{self._name}: cannot make the folder {path}: {error}") from error
        try:
            self._sftp.put(agent.__file__, str(folder / "agent.py"))
        except OSError as error:
            raise HostError(
                f"{self._name}: cannot write to {folder} ({error}); is there room, and may this user write there?"
            ) from error
        return str(folder)

    def _start_agent(self, run: RemoteRun, mode: str = "serve") -> paramiko.Channel:
        python = shlex.quote(run.spec.python)
        if self._said(f"command -v {python}")[0]:
            raise HostError(
                f"{self._name}: there is no {run.spec.python}; install Python, or give python=PATH"
            )
        words = [
            "env",
            f"{TOKEN_VARIABLE}={run.token}",
            run.spec.python,
            "-u",
            f"{self.folder}/agent.py",
            mode,
        ]
        command = shlex.join([*words, "--table", run.table, "--folder", self.folder])
        password = os.environ.get(SUDO_PASSWORD_VARIABLE)
        is_root = self._said("id -u")[1].strip() == "0"
        by_sudo, typed = "", ""
        if not is_root:
            if self._said("sudo -n true")[0] == 0:
                by_sudo = "sudo -n "
            elif password is not None:
                by_sudo, typed = "sudo -k -S -p '' ", password + "\n"
        channel = self._session()
        channel.exec_command("exec " + by_sudo + command)
        if typed:
            channel.sendall(typed.encode())
        return channel

    def _hello(self) -> dict[str, Any]:
        """Wait for the agent's first line."""
        self._channel.settimeout(HELLO_BOUND_S)
        try:
            self._lines = self._channel.makefile("rb")
            line = self._lines.readline()
        except TimeoutError:
            raise HostError(f"{self._name}: the agent says nothing within {HELLO_BOUND_S:g} s") from None
        self._channel.settimeout(None)
        if not line:
            words = (
                self._channel.makefile_stderr("rb")
                .read()
                .decode(errors="replace")
                .strip()[-LONGEST_COMPLAINT:]
            )
            raise HostError(
                f"{self._name}: the agent did not start: {words or 'no reason given'}"
                + (f"; is {SUDO_PASSWORD_VARIABLE} right?" if "sudo" in words or "incorrect" in words else "")
            )
        hello: dict[str, Any] = msgspec.json.decode(line)
        return hello

    def _read(self) -> None:
        why = "the agent ended"
        try:
            while line := self._lines.readline():
                self._hear(self, msgspec.json.decode(line))
        except (OSError, EOFError, paramiko.SSHException) as error:
            why = str(error)
        self._lose(self, why)

    def _said(self, command: str) -> tuple[int, str]:
        """A short command's status and output."""
        channel = self._session()
        channel.settimeout(ANSWER_BOUND_S)
        channel.exec_command(command)
        output = channel.makefile("rb").read().decode(errors="replace")
        return channel.recv_exit_status(), output

    def _session(self) -> paramiko.Channel:
        transport = self._client.get_transport()
        assert transport is not None
        return transport.open_session(timeout=ANSWER_BOUND_S)


def _fetch(connection: _Connection, archive: Path, here: Path) -> None:
    here.mkdir(parents=True, exist_ok=True)
    packed = here / archive.name
    connection.get(archive, packed)
    with tarfile.open(packed) as tar:
        tar.extractall(here, filter="data")
    packed.unlink()


def sweep(run: RemoteRun) -> None:
    """Remove everything of a dead run from a host: processes, packet-filter table, folder. Blocking.

    Raises:
        HostError: it cannot be reached, or refuses.
    """
    connection = _Connection(run, lambda *_: None, lambda *_: None)
    try:
        channel = connection._start_agent(run, "sweep")
        words = channel.makefile_stderr("rb").read().decode(errors="replace").strip()
        if channel.recv_exit_status():
            raise HostError(f"{run.spec}: {words[-LONGEST_COMPLAINT:]}")
    finally:
        connection.close()
