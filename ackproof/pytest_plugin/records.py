"""What the plugin keeps of each test: a folder, and what to show if the test fails.

A test's folder is `STORE/NAME-OF-THE-TEST/`, under pytest-xdist `STORE/WORKER/NAME-OF-THE-TEST/`. It is made
when the first thing is stored, and removed after a test that passed. So the store holds, of each test that
failed last, what it left.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest

from ackproof.pytest_plugin import KEPT

STORE = ".ackproof"
LONGEST_NAME = 60
_MADE_HERE = "made-by-ackproof"
"""The file in each folder that this module may remove."""


class Shown(Protocol):
    """Something that a test made, and that explains a failure of the test."""

    def explained(self) -> str:
        """What it found, in some lines; empty if it says nothing about a failure."""
        ...

    def reports(self) -> list[Path]:
        """The pages that it wrote."""
        ...


class Record:
    """What is kept of one test."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self.folder = _store(item.config) / _name(item)
        self.shown: list[Shown] = []
        self.has_failed = False
        _remove(self.folder)

    def made(self) -> Path:
        """The test's folder, which exists now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _MADE_HERE).touch()
        return self.folder

    @property
    def is_kept(self) -> bool:
        """Whether the folder stays after the test."""
        return self.has_failed or bool(self._item.config.getoption("--ackproof-keep"))


_RECORD = pytest.StashKey[Record]()


def record_of(item: pytest.Item) -> Record:
    """What is kept of a test; begun at the first call."""
    found = item.stash.get(_RECORD, None)
    if found is None:
        found = item.stash[_RECORD] = Record(item)
    return found


def add_to(report: pytest.TestReport, item: pytest.Item) -> None:
    """Note whether a phase of a test failed; add to its report what explains the failure."""
    record = item.stash.get(_RECORD, None)
    if record is None:
        return
    if report.failed:
        record.has_failed = True
        for shown in record.shown:
            _add_section(report, shown.explained())
    if record.is_kept and (report.failed or report.when == "teardown"):
        setattr(report, KEPT, [str(path) for shown in record.shown for path in shown.reports()])


def close(item: pytest.Item) -> None:
    """Remove the folder of a test, unless it is kept."""
    record = item.stash.get(_RECORD, None)
    if record is not None:
        del item.stash[_RECORD]  # a plugin that repeats tests runs the same item again
        if not record.is_kept:
            _remove(record.folder)


def _add_section(report: pytest.TestReport, text: str) -> None:
    """Add an explanation to a failure, also for JUnit files; unless the error's own message is the same."""
    lines = text.splitlines()
    if not lines or lines[-1].strip() in report.longreprtext:
        return
    add = getattr(report.longrepr, "addsection", None)
    if add is not None:
        add("ackproof", text)
    else:
        report.sections.append(("ackproof", text))


def _store(config: pytest.Config) -> Path:
    chosen = config.getoption("--ackproof-store")
    store = config.invocation_params.dir / chosen if chosen else config.rootpath / STORE
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return store / worker if worker else store


def _name(item: pytest.Item) -> str:
    """A name for a folder that is different for each test, and that a person recognizes."""
    digest = hashlib.sha256(item.nodeid.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', item.name)[:LONGEST_NAME].strip('.-')}-{digest}"


def _remove(folder: Path) -> None:
    if not (folder / _MADE_HERE).is_file() or folder.is_symlink():
        return
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # other tests have folders there
        folder.parent.rmdir()
