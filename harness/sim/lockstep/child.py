"""The process of a core: it is given one line or frame, and answers one within a bound."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from harness.sim.lockstep.encodings import LENGTH_BYTES, shown
from harness.sim.lockstep.protocol import LockstepError

MOST_ANSWER_BYTES = 64 << 20
_READ_BYTES = 1 << 16
_MILLISECONDS = 1000


class Child:
    """A core's process. What it writes to standard error is kept, and its last line is part of errors.

    Raises:
        LockstepError: the command cannot be started.
    """

    def __init__(
        self, command: Sequence[str], answer_within_s: float, environment: Mapping[str, str] | None = None
    ) -> None:
        self._bound_s = answer_within_s
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user names the core, no file does
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=0,
                env=environment,
                start_new_session=True,  # so that what the core starts ends with it
            )
        except OSError as error:
            self._stderr.close()
            raise LockstepError(f"cannot start the core {command[0]!r}: {error.strerror}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self._out, select.POLLIN)
        self._writable.register(self._in, select.POLLOUT)
        self._last = b""
        """The last event, for errors."""
        self._is_over = False
        self.is_framed = False
        """Whether events and answers are frames (encodings.py); lines otherwise."""

    @property
    def process(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ask(self, event: bytes) -> bytes:
        """Give one event; the answer, both without the end of a line or the length of a frame.

        Raises:
            LockstepError: the core wrote what no event asked for, is late, or has ended.
        """
        if self._readable.poll(0):
            self._refuse_unasked()
        self._last = event
        deadline = time.monotonic() + self._bound_s
        if self.is_framed:
            self._write(len(event).to_bytes(LENGTH_BYTES, "big") + event, deadline)
            return self._read_frame(deadline)
        self._write(event + b"\n", deadline)
        return self._read_line(deadline)

    def _write(self, data: bytes, deadline: float) -> None:
        while data:
            try:
                data = data[os.write(self._in, data) :]
            except BlockingIOError:
                if not self._writable.poll(self._left_ms(deadline)):
                    self._fail(f"does not read its standard input, for {self._bound_s:g} s by now")
            except BrokenPipeError:
                self._fail(f"has ended{self._status()}")

    def _read_line(self, deadline: float) -> bytes:
        found = bytearray()
        while True:
            piece = self._piece(deadline)
            found += piece
            if b"\n" in piece:
                line, _, more = bytes(found).partition(b"\n")
                if more:
                    self._fail(f"wrote more than one line: {shown(more)} came after its answer")
                return line
            if len(found) > MOST_ANSWER_BYTES:
                self._fail(f"wrote more than {MOST_ANSWER_BYTES >> 20} MiB without the end of a line")

    def _read_frame(self, deadline: float) -> bytes:
        found = bytearray()
        size: int | None = None
        while size is None or len(found) < size:
            found += self._piece(deadline)
            if size is None and len(found) >= LENGTH_BYTES:
                size = LENGTH_BYTES + int.from_bytes(found[:LENGTH_BYTES], "big")
                if size > MOST_ANSWER_BYTES:
                    self._fail(f"wrote what is no frame of MessagePack: {shown(bytes(found))}")
        if len(found) > size:
            more = bytes(found[size + LENGTH_BYTES :])
            self._fail(f"wrote more than one frame: {shown(more)} came after its answer")
        return bytes(found[LENGTH_BYTES:])

    def _piece(self, deadline: float) -> bytes:
        if not self._readable.poll(self._left_ms(deadline)):
            self._fail(f"did not answer within {self._bound_s:g} s")
        piece = os.read(self._out, _READ_BYTES)
        if not piece:
            self._fail(f"has ended{self._status()}")
        return piece

    def _refuse_unasked(self) -> None:
        try:
            more = os.read(self._out, _READ_BYTES)
        except BlockingIOError:
            return
        if more:
            self._fail(self._unasked(more))
        self._fail(f"has ended{self._status()}")

    def _unasked(self, more: bytes) -> str:
        """What is wrong with bytes that no event asked for."""
        what, shown_from = ("frame", LENGTH_BYTES) if self.is_framed else ("line", 0)
        return f"wrote a {what} that no event asked for: {shown(more[shown_from:])}"

    def _left_ms(self, deadline: float) -> int:
        return max(0, round((deadline - time.monotonic()) * _MILLISECONDS))

    def _fail(self, what: str) -> NoReturn:
        last = f"; the event was {shown(self._last)}" if self._last else ""
        said = self._last_words()
        self.kill()
        raise LockstepError(f"the core {what}{last}{said}")

    def _status(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(timeout=1)
            return f" with status {code}" if code >= 0 else f" by signal {-code}"
        return ""

    def _last_words(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            size = self._stderr.seek(0, os.SEEK_END)
            self._stderr.seek(max(0, size - 4096))
            lines = self._stderr.read().decode("utf-8", errors="replace").split("\n")
            for line in reversed(lines):
                if line.strip():
                    return f"; the last line of its standard error: {line.strip()[:200]}"
        return ""

    # ---- the end ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the process in order: close its standard input, and see that it writes nothing more.

        Raises:
            LockstepError: it wrote a line that no event asked for.
        """
        if self._is_over:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._readable.poll(round(self._bound_s * _MILLISECONDS)):
            more = b""
            with contextlib.suppress(OSError):
                more = os.read(self._out, _READ_BYTES)
            if more:
                self._fail(self._unasked(more))
        self.kill()

    def kill(self) -> None:
        """End the process at once, with all that it started."""
        if self._is_over:
            return
        self._is_over = True
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._stderr.close()
