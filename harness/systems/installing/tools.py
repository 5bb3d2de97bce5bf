"""Runs the tools that bring things here (apt-get, pip, go, mvn), each within a bound of time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from harness.errors import CouldNotRun

PACKAGES: Mapping[str, str] = {
    "apt-get": "apt",
    "apt-cache": "apt",
    "dpkg-deb": "dpkg",
    "go": "golang-go",
    "mvn": "maven",
    "java": "default-jre-headless",
    "javac": "default-jdk-headless",
    "pip": "python3-pip",
}
"""By name of each tool: the Debian package that has it."""
HEARTBEAT_S = 20.0
"""After so long without news of a tool, a line says that it still runs."""
_PR_SET_PDEATHSIG = 1
_MARKS = ("E: ", "ERROR: ", "[ERROR] ", "error: ", "fatal: ")
_libc = ctypes.CDLL(None, use_errno=True)

Say = Callable[[str], object]
"""Shows one line of progress."""


def demand(tools: Sequence[str], for_what: str) -> None:
    """Find that all these tools are here.

    Raises:
        CouldNotRun: one is missing; the message names the package that has it.
    """
    for tool in tools:
        here = find_spec("pip") is not None if tool == "pip" else shutil.which(tool) is not None
        if not here:
            raise CouldNotRun(
                f"{for_what} needs `{tool}`, which is not here: Debian has it in {PACKAGES[tool]}"
            )


def run(
    argv: Sequence[str],
    *,
    log: Path,
    bound_s: float,
    say: Say,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a tool to its end, and return what it printed.

    The tool and all that it started are ended if the bound is over or if we are interrupted; the tool itself
    also if we are killed.

    Args:
        argv: the command.
        log: the file for what it prints; overwritten.
        bound_s: how long it may take, in seconds.
        say: shows that it still runs.
        cwd: the folder to run it in.
        environment: variables in addition to ours.

    Raises:
        CouldNotRun: it failed; the message is the line of its output that says why.
    """
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the commands are those of the recipes
            argv,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    try:
        status = _wait(process, begun, bound_s, lambda: say(f"`{_short(argv)}` still runs"))
    except BaseException as error:
        _end_with_children(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise CouldNotRun(f"`{_short(argv)}` did not end within {bound_s:g} s") from None
        raise
    text = log.read_text(encoding="utf-8", errors="replace")
    if status != 0:
        raise ToolFailed(f"`{_short(argv)}` failed: {complaint(text)}", text)
    return text


def answer(argv: Sequence[str], *, bound_s: float, environment: Mapping[str, str] | None = None) -> str:
    """What a program prints on both outputs before it ends, whatever its exit status.

    A program that is a script may have started others: all end with it if the bound is over or if we are
    interrupted.

    Args:
        bound_s: how long it may take, in seconds.
        environment: variables in addition to ours.

    Raises:
        OSError: it cannot be started; TimeoutError, which is one, if it does not end within the bound.
    """
    process = subprocess.Popen(  # noqa: S603 - the program that the user wants to run
        argv,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=bound_s)
    except BaseException as error:
        _end_with_children(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise TimeoutError(f"it did not end within {bound_s:g} s") from None
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
    return printed.decode(errors="replace")


def _end_with_children(process: subprocess.Popen[bytes]) -> None:
    """End a program that leads a session of its own, and all that it started there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(process: subprocess.Popen[bytes], begun: float, bound_s: float, beat: Callable[[], object]) -> int:
    """The exit status, with a heartbeat; raises TimeoutExpired after the bound."""
    while True:
        left_s = max(0.0, begun + bound_s - time.monotonic())
        try:
            return process.wait(min(HEARTBEAT_S, left_s))
        except subprocess.TimeoutExpired:
            if left_s <= HEARTBEAT_S:
                raise
            beat()


class ToolFailed(CouldNotRun):
    """A tool ended with an error."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


def complaint(output: str) -> str:
    """The line of a tool's output that says what is wrong: the first with a mark of errors, or the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(_MARKS)]
    return (marked or lines[-1:] or ["it printed nothing"])[0]


def _short(argv: Sequence[str]) -> str:
    """The command's first words, as a person would write them; without options, paths and settings."""
    words = [word for word in argv[1:] if not word.startswith("-") and "/" not in word and "=" not in word]
    return " ".join([Path(argv[0]).name, *(word.rpartition(":")[2] for word in words[:2])])


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
