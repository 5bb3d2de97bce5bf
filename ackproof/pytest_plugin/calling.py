"""Starts Ackproof in other processes, where none of the project's modules can hide Ackproof's own.

The companion is one process for all tests of a pytest process: started at the first use, and ended with it.
A request is a line of JSON on its standard input, an answer one on its standard output. Several threads may
ask at the same time. It ends itself, and its clusters, when its standard input is closed; so nothing outlives
a pytest process that was killed.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ackproof.pytest_plugin.errors import NotJudged
from ackproof.shadows import HOME

COMPANION = "ackproof.pytest_plugin.companion"
LAST_BYTES = 2000
END_BOUND_S = 60.0
"""How long the companion may take to end its clusters."""


def environment() -> dict[str, str]:
    """The environment of Ackproof's processes: its own packages are found first."""
    listed = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(HOME), listed)))}


def python(*arguments: str) -> list[str]:
    """A command of this Python that does not look for modules in the current folder."""
    return [sys.executable, "-P", *arguments]


def finished(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the `ackproof` command with these arguments in a folder, to its end.

    Ctrl-C reaches the command too: it heals its cluster, and judges what there is.
    """
    return subprocess.run(  # noqa: S603 - an argument list, no shell
        python("-m", "ackproof", *arguments),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


class Companion:
    """The other process, and the requests to it that are not yet answered.

    folder: where the companion runs, so that paths of systems are found from there.
    """

    def __init__(self, folder: Path) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="ackproof-companion-")  # noqa: SIM115 - closed in close
        self._process = subprocess.Popen(  # noqa: S603 - an argument list, no shell
            python("-m", COMPANION),
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, name="ackproof-companion", daemon=True)
        self._reader.start()

    def ask(self, request: str, arguments: Mapping[str, Any]) -> Any:
        """Send a request and wait for its answer.

        Raises:
            NotJudged: the request was refused, or the companion has ended; the message says why.
        """
        answer: Future[Any] = Future()
        with self._lock:
            number = next(self._numbers)
            if not self._has_ended:
                self._waiting[number] = answer
                line = json.dumps({"number": number, "request": request, "arguments": arguments})
                try:
                    assert self._process.stdin is not None
                    self._process.stdin.write(line.encode() + b"\n")
                    self._process.stdin.flush()
                except OSError:
                    self._has_ended = True
            if self._has_ended:
                raise NotJudged(self._why_it_ended())
        return answer.result()

    def close(self) -> None:
        """Let the companion end its clusters and itself."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended already
            self._process.stdin.close()
        try:
            self._process.wait(END_BOUND_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._log.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._lock:
                waiting = self._waiting.pop(answer["number"])
            if "error" in answer:
                waiting.set_exception(NotJudged(answer["error"]))
            else:
                waiting.set_result(answer["result"])
        self._process.stdout.close()
        with self._lock:
            self._has_ended = True
            left = list(self._waiting.values())
            self._waiting.clear()
        for waiting in left:
            waiting.set_exception(NotJudged(self._why_it_ended()))

    def _why_it_ended(self) -> str:
        status = self._process.wait()
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - LAST_BYTES))
        said = self._log.read().decode(errors="replace").strip()
        return f"the process of ackproof's plugin has ended with status {status}: {said or 'no message'}"


_companions: dict[int, Companion] = {}
"""The companion of this process, by the process's number: a fork does not share its parent's."""


def ask(request: str, root: Path, /, **arguments: Any) -> Any:
    """Ask the companion, which is started if there is none.

    Args:
        request: the name of a request (companion/requests.py).
        root: the root of the project, where the companion runs if it is started now.
        arguments: plain values, as JSON has them.

    Raises:
        NotJudged: the request was refused, or the companion has ended; the message says why.
    """
    own = _companions.get(os.getpid())
    if own is None:
        own = _companions[os.getpid()] = Companion(root)
    return own.ask(request, arguments)


def close() -> None:
    """End the companion of this process, if there is one."""
    own = _companions.pop(os.getpid(), None)
    if own is not None:
        own.close()
