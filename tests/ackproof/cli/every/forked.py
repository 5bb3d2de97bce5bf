"""Calls commands in forks of a process that has loaded them all, each with streams of its own.

A fork has file descriptors, a signal's default and an exit code as a process of a shell has them, and begins
at once, as Python and the commands are loaded already. `python -m tests.ackproof.cli.every.forked` reads
calls as lines of JSON, and answers each with the command's exit code and what it printed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, cast

from tests import REPOSITORY

LONGEST_S = 120.0
WINDOW = (24).to_bytes(2, sys.byteorder) + (80).to_bytes(2, sys.byteorder) + bytes(4)
"""A terminal of 24 lines and 80 columns, as the kernel keeps it."""


class Streams(NamedTuple):
    """What standard output and standard error lead to.

    Each is `kept` (read to the end), `gone` (a pipe whose reader is gone before the first byte), `cut` (a
    pipe whose reader goes after the first byte), `full` (/dev/full), `closed`, or `terminal` (of 80 columns).
    """

    out: str = "kept"
    err: str = "kept"
    environment: Mapping[str, str] = {}
    encoding: str = "utf-8"


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Forking:
    """A process that forks for each call; a context manager."""

    def __init__(self, state: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ackproof.cli.every.forked"],
            cwd=REPOSITORY,
            env={**os.environ, "XDG_STATE_HOME": str(state)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Forking:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(LONGEST_S)

    def call(
        self,
        arguments: Sequence[str],
        folder: Path,
        streams: Streams | None = None,
        *,
        interrupts_s: Sequence[float] = (),
        notes_progress: bool = False,
    ) -> Ended:
        """Call a command.

        Args:
            folder: where it works.
            interrupts_s: when it gets a SIGINT, in seconds after its start.
            notes_progress: whether standard error gets a note of each line of progress (noting.py).
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {
            "arguments": list(arguments),
            "folder": str(folder),
            "streams": (streams or Streams())._asdict(),
            "interrupts_s": list(interrupts_s),
            "notes_progress": notes_progress,
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


# ---- within the process that forks ----------------------------------------------------------------------


def main() -> None:
    """Answer calls until the input ends."""
    _load()
    for line in sys.stdin:
        print(json.dumps(_called(json.loads(line))._asdict()), flush=True)  # noqa: T201 - read by `Forking`


def _load() -> None:
    """Load what commands load late: all of them, and the judges with their compiled kernels."""
    import click

    from ackproof.cli import entry as _  # noqa: F401 - so that no fork has to
    from ackproof.cli.main import COMMANDS
    from harness.sim import command  # noqa: F401 - so that no fork has to
    from reports import html, terminal  # noqa: F401 - so that no fork has to

    for entry in COMMANDS.values():
        loaded = entry.load()
        if isinstance(loaded, click.Group):
            list(loaded.commands)


def _called(asked: Mapping[str, Any]) -> Ended:
    streams = Streams(**asked["streams"])
    reading, writing = zip(*(_ends(kind) for kind in (streams.out, streams.err)), strict=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # until the command itself begins
    child = os.fork()
    if child == 0:
        for number in (one for one in reading if one is not None):
            os.close(number)
        _become(asked, streams, writing)
    with contextlib.suppress(OSError):  # it has done that itself, and is another program by now
        os.setpgid(child, child)
    for one in {one for one in writing if one is not None}:
        os.close(one)
    texts = [bytearray(), bytearray()]
    readers = [
        threading.Thread(target=_read, args=(one, text, kind == "cut"))
        for one, text, kind in zip(reading, texts, (streams.out, streams.err), strict=True)
        if one is not None
    ]
    for reader in readers:
        reader.start()
    code = _waited(child, asked["interrupts_s"])
    for reader in readers:
        reader.join(10)
    return Ended(code, *(text.decode(streams.encoding, "replace") for text in texts))


def _ends(kind: str) -> tuple[int | None, int | None]:
    """The end to read from, if there is one, and the end that the command writes to; None if it is closed."""
    if kind == "closed":
        return None, None
    if kind == "full":
        return None, os.open("/dev/full", os.O_WRONLY)
    if kind == "terminal":
        import fcntl
        import termios

        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, WINDOW)
        return master, slave
    read, write = os.pipe()
    if kind == "gone":
        os.close(read)
        return None, write
    return read, write


def _read(number: int, text: bytearray, is_cut: bool) -> None:
    """Read all, or go away after the first byte."""
    while True:
        try:
            some = os.read(number, 1 if is_cut else 65_536)
        except OSError:  # a terminal whose last writer is gone
            some = b""
        text += some
        if not some or is_cut:
            os.close(number)
            return


def _waited(child: int, interrupts_s: Sequence[float]) -> int:
    """The exit code of a child, which gets interrupts; -N if a signal N ended it, as after a long time."""
    began_s, left = time.monotonic(), list(interrupts_s)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        took_s = time.monotonic() - began_s
        if left and took_s >= left[0]:
            del left[0]
            os.killpg(child, signal.SIGINT)
        elif took_s > LONGEST_S:
            os.killpg(child, signal.SIGKILL)
        select.select([], [], [], 0.002)


def _become(asked: Mapping[str, Any], streams: Streams, writing: Sequence[int | None]) -> None:
    """Be the command, in a process group of its own, and end with its exit code."""
    from ackproof.cli import entry

    os.setpgid(0, 0)
    os.environ.update(streams.environment)
    os.chdir(asked["folder"])
    sys.argv = ["ackproof", *asked["arguments"]]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it is the command's own
    for number, one in enumerate(writing, start=1):
        if one is None:
            os.close(number)
        else:
            os.dup2(one, number)
    os.closerange(3, 64)
    sys.stdout, sys.stderr = (
        _opened(number, one, streams.encoding) for number, one in enumerate(writing, start=1)
    )
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr  # type: ignore[misc]  # as Python keeps them
    if asked["notes_progress"]:
        from tests.ackproof.cli.every.noting import note_progress

        note_progress(lambda text: sys.stderr.write(f"{text}\n"))
    code = 0
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        entry.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - as Python ends what nothing caught
        import traceback

        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120  # as Python's own exit has it
    os._exit(code)


def _opened(number: int, one: int | None, encoding: str) -> Any:
    """The stream as Python opens it at its start; None if it is closed."""
    if one is None:
        return None
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(
        cast("BinaryIO", io.BufferedWriter(raw)),
        encoding=encoding,
        errors="strict" if number == 1 else "backslashreplace",
        line_buffering=number == 2 or raw.isatty(),
    )


if __name__ == "__main__":
    main()
