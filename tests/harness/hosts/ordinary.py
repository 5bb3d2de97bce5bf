"""For tests that need a user who is not root: a folder of his, and programs that he runs."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.hosts import rootless

NOBODY = 65534
ROOT_OF_SOURCES = Path(__file__).parents[3]
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", "--")


@contextmanager
def folder_of_his() -> Iterator[Path]:
    """A folder that belongs to the ordinary user; pytest's own folders may be closed to him."""
    folder = Path(tempfile.mkdtemp(prefix="ackproof-ordinary-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder)


def run_as_ordinary(
    folder: Path, *argv: str, python: str = "", timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run our Python as an ordinary user whose home is the folder; its output."""
    before = AS_NOBODY if os.geteuid() == 0 else ()
    modules = [str(ROOT_OF_SOURCES), *(path for path in sys.path if path.endswith("site-packages"))]
    return subprocess.run(
        [*before, python or interpreter() or sys.executable, *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join(modules),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )


@functools.cache
def interpreter() -> str | None:
    """A Python of this version that an ordinary user may execute: this one may lie in root's home folder."""
    version = f"python3.{sys.version_info.minor}"
    again = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import msgspec'], check=True)"
    with folder_of_his() as folder:
        for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
            try:
                if run_as_ordinary(folder, "-c", again, python=python).returncode == 0:
                    return python
            except OSError:
                continue
    return None


@functools.cache
def _why_not() -> str:
    """Why such tests cannot be had here; empty if they can."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "needs setpriv: apt-get install util-linux"
    if interpreter() is None:
        return "no Python of this version here that an ordinary user may execute"
    with folder_of_his() as folder:
        ask = f"from {rootless.__name__} import reasons_against; print(*reasons_against())"
        return run_as_ordinary(folder, "-c", ask).stdout.strip()


def skip_unless_ordinary_users_can() -> None:
    """Skip the test where an ordinary user can have no namespaces."""
    if _why_not():
        pytest.skip(_why_not())
