"""The process of a core: it is given one line, and answers one within a bound."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import NoReturn

from harness.sim.lockstep.protocol import LockstepError, shown

MOST_ANSWER_BYTES = 64 << 20
_READ_BYTES = 1 << 16
_MILLISECONDS = 1000


class Child:
    """A core's process. What it writes to standard error is kept, and its last line is part of errors.

    Raises:
        LockstepError: the command cannot be started.
    """

    def __init__(self, command: Sequence[str], answer_within_s: float) -> None:
        self._bound_s = answer_within_s
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user names the core, no file does
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=0,
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

    def ask(self, line: bytes) -> bytes:
        """Give one line, without its end; the line that the core answers.

        Raises:
            LockstepError: the core wrote a line that no event asked for, is late, or has ended.
        """
        if self._readable.poll(0):
            self._refuse_unasked()
        self._last = line
        deadline = time.monotonic() + self._bound_s
        self._write(line + b"\n", deadline)
        return self._read(deadline)

    def _write(self, data: bytes, deadline: float) -> None:
        while data:
            try:
                data = data[os.write(self._in, data) :]
            except BlockingIOError:
                if not self._writable.poll(self._left_ms(deadline)):
                    self._fail(f"does not read its standard input, for {self._bound_s:g} s by now")
            except BrokenPipeError:
                self._fail(f"has ended{self._status()}")

    def _read(self, deadline: float) -> bytes:
        found = b""
        while True:
            if not self._readable.poll(self._left_ms(deadline)):
                self._fail(f"did not answer within {self._bound_s:g} s")
            piece = os.read(self._out, _READ_BYTES)
            if not piece:
                self._fail(f"has ended{self._status()}")
            found += piece
            line, end, more = found.partition(b"\n")
            if end:
                if more:
                    self._fail(f"wrote more than one line: {shown(more)} came after its answer")
                return line
            if len(found) > MOST_ANSWER_BYTES:
                self._fail(f"wrote more than {MOST_ANSWER_BYTES >> 20} MiB without the end of a line")

    def _refuse_unasked(self) -> None:
        try:
            more = os.read(self._out, _READ_BYTES)
        except BlockingIOError:
            return
        if more:
            self._fail(f"wrote a line that no event asked for: {shown(more)}")
        self._fail(f"has ended{self._status()}")

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
                self._fail(f"wrote a line that no event asked for: {shown(more)}")
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
