"""A client in a process of its own, for a library that may stop the whole harness.

A client normally runs in a thread of the harness. A library in C that computes without end and keeps Python's
global lock stops all threads: no operation ends, no fault is healed, no time-out is noticed. So does one
that crashes, or ends the process. In a process of its own, it stops only its own operation:

    clients = {"register": in_own_process(MyClient)}

The process is started in the network of the nodes, and killed when its operation is given up, and when the
harness ends. A start takes about half a second of a processor, and each client has a process, so this is not
the default. What the library prints to the standard output is dropped. The class of the client must not be
defined inside a function, since the process finds it by its module.

Over a socket pair go frames: four bytes of length, then the content. First the parent sends how to make the
client, then operations (JSON); the process answers each with an `Answer`.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import pickle  # of what the harness itself sends to the process that it started
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.clients import (
    Client,
    MakeClient,
    NotDone,
    ReportedError,
    Site,
    client_of,
    close_by,
    completion_by,
    completion_of,
    in_words,
    open_by,
)
from history import Operation

START_S = 15.0
"""How long the process may take to start, on a busy machine, in addition to the time-out of its operation."""
CLOSE_S = 1.0
"""How long the client may take to close before its process is killed."""
EXIT_S = 0.3
"""How long a process that has closed its end of the socket may take to end."""
_PR_SET_PDEATHSIG = 1
_LENGTH_BYTES = 4


class Answer(msgspec.Struct, frozen=True):
    """What the process says of an operation, or of the client's start."""

    outcome: Literal["done", "not-done", "broken"]
    completion: Operation | None = None
    why: str = ""


def in_own_process(make: MakeClient) -> MakeClient:
    """A maker of clients that run in a process each, and are otherwise those of `make`.

    Raises:
        ValueError: another process cannot make them; in words.
    """
    return _OwnProcess(make)


class _OwnProcess:
    start_s: ClassVar[float] = START_S

    def __init__(self, make: MakeClient) -> None:
        self._make = make
        name = getattr(_class_of(make), "__module__", "")
        self._module = (name, str(getattr(sys.modules.get(name), "__file__", None) or ""))
        try:
            pickle.dumps(make)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                f"another process cannot make {make!r}: {in_words(error)}; define the class in a module"
            ) from error

    def __call__(self, site: Site) -> Client:
        """A client for its site."""
        return _Elsewhere(pickle.dumps((self._module, pickle.dumps((self._make, site)))))


def _class_of(make: Any) -> Any:
    """The class, or function, behind `functools.partial`s."""
    while isinstance(make, partial):
        make = make.func
    return make


class _Elsewhere:
    """The harness's end: it starts the process, and sends it what is to be done.

    Args:
        made_by: how the process makes the client, in bytes for `pickle`.
    """

    def __init__(self, made_by: bytes) -> None:
        self._made_by = made_by
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> None:
        """Start the process from this thread, so that it is in the network that the thread is in."""
        here, there = socket.socketpair()
        with there:
            self._process = _started(there)
        self._reader, self._writer = await asyncio.open_connection(sock=here)
        await self._ask(self._made_by)

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation there."""
        answer = await self._ask(msgspec.json.encode(operation))
        assert answer.completion is not None
        return answer.completion

    async def close(self) -> None:
        """Let the client close, within a bound."""
        if self._process is None:
            return
        try:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    self._writer.write_eof()
                    await self._reader.read()  # until the process has closed its end
        finally:
            self._ended(EXIT_S)

    async def _ask(self, content: bytes) -> Answer:
        """Send one frame; the answer, if it is `done`.

        Raises:
            NotDone, ReportedError: as the process answers, or because it ended.
        """
        try:
            await _send(self._writer, content)
            answer = msgspec.json.decode(await _frame(self._reader), type=Answer)
        except (EOFError, OSError) as error:
            raise ReportedError(f"the client's process ended: {self._ended(EXIT_S)}") from error
        except asyncio.CancelledError:  # it was given up
            self._ended(0)
            raise
        match answer.outcome:
            case "not-done":
                raise NotDone(answer.why)
            case "broken":
                raise ReportedError(answer.why)
        return answer

    def _ended(self, patience_s: float) -> str:
        """End the process, if it does not end by itself; in words, how it ended."""
        assert self._process is not None
        self._writer.close()
        try:
            status = self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return f"exit status {status}" if status >= 0 else signal.Signals(-status).name


def _started(channel: socket.socket) -> subprocess.Popen[bytes]:
    """The process; it finds modules where this one does."""
    paths = [path or str(Path.cwd()) for path in sys.path]
    return subprocess.Popen(  # noqa: S603 - this Python, with a module of ours
        [sys.executable, "-P", "-m", __name__, str(channel.fileno())],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(channel.fileno(),),
        start_new_session=True,  # Ctrl-C is for the harness
    )


async def _frame(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(_LENGTH_BYTES)))


async def _send(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(len(content).to_bytes(_LENGTH_BYTES) + content)
    await writer.drain()


def main() -> None:
    """The process: make the client, and carry out what comes over the socket that the arguments name."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    channel = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(channel.fileno(), False)
    with asyncio.Runner() as runner:
        runner.run(_serve(channel))
        os._exit(0)  # whatever threads and tasks the library has left


async def _serve(channel: socket.socket) -> None:
    """Answer the harness until it closes the socket, and let the client close."""
    reader, writer = await asyncio.open_connection(sock=channel)
    client: Client | None = None
    with suppress(EOFError, OSError):
        made_by = await _frame(reader)
        try:
            make, site = _made(made_by)
            client = client_of(make, site)
            await open_by(client)
            answer = Answer("done")
        except Exception as error:  # noqa: BLE001 - a library, or a user's code, may raise anything
            certain = isinstance(error, NotDone) and str(error)
            answer = Answer("not-done", why=str(error)) if certain else Answer("broken", why=in_words(error))
        await _send(writer, msgspec.json.encode(answer))
        while client is not None:
            operation = msgspec.json.decode(await _frame(reader), type=Operation)
            await _send(writer, await _answer(client, operation))
    if client is not None:
        await close_by(client)


async def _answer(client: Client, operation: Operation) -> bytes:
    try:
        done = completion_of(operation, await completion_by(client, operation))
        return msgspec.json.encode(Answer("done", done))
    except Exception as error:  # noqa: BLE001 - as above, or its value is not JSON
        return msgspec.json.encode(Answer("broken", why=in_words(error)))


def _made(made_by: bytes) -> tuple[MakeClient, Site]:
    """How to make the client, and its site; its module is loaded from its file if no import finds it."""
    (name, file), pickled = pickle.loads(made_by)  # noqa: S301 - from the harness alone
    if file:
        sys.meta_path.append(_Found(name, file))
    make, site = pickle.loads(pickled)  # noqa: S301 - as above
    return make, site


class _Found(MetaPathFinder):
    """Finds one module by its file: that of a user's system has a name which no folder has."""

    def __init__(self, name: str, file: str) -> None:
        self._name = name
        self._file = file

    def find_spec(self, fullname: str, _path: Any, _target: ModuleType | None = None) -> ModuleSpec | None:
        """How the module is loaded; None if it is another one."""
        return spec_from_file_location(fullname, self._file) if fullname == self._name else None


if __name__ == "__main__":
    main()
