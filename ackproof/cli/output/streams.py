"""Standard output and error that cannot change how a command ends: its exit code is the verdict's.

A reader that goes away (`| head -1`), a full disk, or an encoding that lacks a sign must not turn VALID into
exit code 1. What cannot be written is dropped; signs that an encoding lacks are written in ASCII.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import Any, BinaryIO, TextIO, cast

_IN_ASCII = {
    "\N{CHECK MARK}": "+",
    "\N{MULTIPLICATION X}": "x",
    "\N{WHITE CIRCLE}": "o",
    "\N{MIDDLE DOT}": ".",
}
"""The marks of verdicts (reports/about.py). Any other sign becomes its escape."""
_ERRORS = "ackproof.in_ascii"


class _Steady(io.RawIOBase):
    """The bytes of one stream; from the first error on, what is written is dropped."""

    def __init__(self, below: io.FileIO) -> None:
        self._below = below
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._below.fileno()

    def isatty(self) -> bool:
        return self._below.isatty()

    def write(self, data: Any) -> int:
        view = memoryview(data)
        if self.error is None:
            try:
                return self._below.write(view)
            except BlockingIOError:
                raise
            except OSError as error:
                self.error = error
        return view.nbytes


def make_steady() -> None:
    """Replace `sys.stdout` and `sys.stderr` for the rest of this process."""
    codecs.register_error(_ERRORS, _in_ascii)
    sys.stdout = _steady(sys.stdout, 1)
    sys.stderr = _steady(sys.stderr, 2)


def say_what_was_lost() -> None:
    """Say on standard error why standard output got nothing more, unless its reader went away."""
    flush()
    buffer = getattr(sys.stdout, "buffer", None)
    below = getattr(buffer, "raw", buffer)
    error = below.error if isinstance(below, _Steady) else None
    if error is not None and error.errno != errno.EPIPE:
        print(f"ackproof: standard output could not be written: {error.strerror}", file=sys.stderr)  # noqa: T201 - click is gone
        flush()


def flush() -> None:
    """Write what is still held back."""
    sys.stdout.flush()
    sys.stderr.flush()


def _steady(stream: TextIO | None, number: int) -> TextIO:
    if (
        stream is None
    ):  # closed; the next file that is opened must not get its number, which children write to
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
        return open(number, "w", encoding="utf-8", errors=_ERRORS, closefd=False)
    buffer = getattr(stream, "buffer", None)
    below = getattr(buffer, "raw", buffer)  # Python itself leaves the buffer out under PYTHONUNBUFFERED
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(below, io.FileIO):
        return stream  # a test's own
    stream.flush()
    steady = _Steady(below)
    return io.TextIOWrapper(
        cast("BinaryIO", steady if buffer is below else io.BufferedWriter(steady)),
        encoding=stream.encoding,
        errors=_ERRORS,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(c) or c.encode("unicode_escape").decode() for c in lacking), error.end
