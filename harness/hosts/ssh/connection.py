"""An SSH connection with an agent (agent.py) on it; blocking, for use on threads by remote.py."""

from __future__ import annotations

import asyncio
import os
import shlex
import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import paramiko

from harness.hosts import agent
from harness.hosts.host import HostError
from harness.hosts.inventory import HostSpec
from harness.hosts.ledger import TOKEN_VARIABLE
from harness.hosts.ssh.ssh import connect

HELLO_BOUND_S = 15.0
ANSWER_BOUND_S = 10.0
SUDO_PASSWORD_VARIABLE = "ACKPROOF_SUDO_PASSWORD"  # noqa: S105 (a variable's name)
LONGEST_COMPLAINT = 300


class RemoteRun(msgspec.Struct, frozen=True):
    """The names of a run on a host, by which it can be found and removed again."""

    spec: HostSpec
    token: str
    """A token of the run and the node, since several nodes may share a machine."""
    table: str
    folder_name: str


class AgentConnection:
    """An SSH connection with an agent on it. Blocking; made, written to and closed on threads."""

    def __init__(
        self,
        run: RemoteRun,
        hear: Callable[[AgentConnection, dict[str, Any]], None],
        lose: Callable[[AgentConnection, str], None],
    ) -> None:
        self._hear, self._lose = hear, lose
        self._name = str(run.spec)
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writing = threading.Lock()
        self._client = connect(run.spec)
        try:
            self._sftp = self._client.open_sftp()
            self.folder = self._make_folder(run)
            self._channel = self.start_agent(run)
            self.facts = self._hello()
        except (OSError, EOFError, paramiko.SSHException) as error:
            self._client.close()
            raise HostError(f"{self._name}: {error or type(error).__name__}") from error
        except BaseException:
            self._client.close()
            raise
        threading.Thread(target=self._read, name=f"hear {self._name}", daemon=True).start()

    def expect(self, loop: asyncio.AbstractEventLoop) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """A number for a question, and the future of its answer. On the loop's thread, like the next two."""
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
                f"{self._name}: cannot write to {folder} ({error}); make room, or let this user write there"
            ) from error
        return str(folder)

    def start_agent(self, run: RemoteRun, mode: str = "serve") -> paramiko.Channel:
        python = shlex.quote(run.spec.python)
        if self._output_of(f"command -v {python}")[0]:
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
        is_root = self._output_of("id -u")[1].strip() == "0"
        by_sudo, typed = "", ""
        if not is_root:
            if self._output_of("sudo -n true")[0] == 0:
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
            raise HostError(f"{self._name}: the agent sent nothing within {HELLO_BOUND_S:g} s") from None
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

    def _output_of(self, command: str) -> tuple[int, str]:
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


def sweep(run: RemoteRun) -> None:
    """Remove everything of a dead run from a host: processes, packet-filter table, folder. Blocking.

    Raises:
        HostError: it cannot be reached, or refuses.
    """
    connection = AgentConnection(run, lambda *_: None, lambda *_: None)
    try:
        channel = connection.start_agent(run, "sweep")
        words = channel.makefile_stderr("rb").read().decode(errors="replace").strip()
        if channel.recv_exit_status():
            raise HostError(f"{run.spec}: {words[-LONGEST_COMPLAINT:]}")
    finally:
        connection.close()
