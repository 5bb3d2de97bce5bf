from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from node_impl.core.events import AppendRecord, Entry, HardState
from node_impl.core.storage import FolderInUse, OsDisk, WriteAheadLog


def test_a_log_on_the_real_disk_is_there_after_reopening(tmp_path: Path) -> None:
    disk = OsDisk(tmp_path / "a" / "data")
    log = WriteAheadLog(disk)
    assert log.recover().notes == ("log.wal: new",)
    entry = Entry(1, 3, "command", b"x" * 100_000, "op7")
    log.write([HardState(3, "n2"), AppendRecord((entry,))])
    log.sync()
    disk.close()
    found = WriteAheadLog(OsDisk(tmp_path / "a" / "data")).recover()
    assert found.hard_state == HardState(3, "n2")
    assert found.entries == (entry,)
    assert sorted(path.name for path in (tmp_path / "a" / "data").iterdir()) == ["lock", "log.wal"]


def test_a_torn_end_is_cut_on_the_real_disk(tmp_path: Path) -> None:
    disk = OsDisk(tmp_path)
    log = WriteAheadLog(disk)
    log.recover()
    log.write([HardState(1, None)])
    log.sync()
    whole = (tmp_path / "log.wal").stat().st_size
    log.write([HardState(2, None)])
    log.sync()
    disk.close()
    os.truncate(tmp_path / "log.wal", whole + 5)
    disk = OsDisk(tmp_path)
    found = WriteAheadLog(disk).recover()
    assert found.hard_state.term == 1
    assert (tmp_path / "log.wal").stat().st_size == whole


def test_two_processes_cannot_share_a_folder(tmp_path: Path) -> None:
    held = OsDisk(tmp_path)
    program = (
        "import pathlib, sys; from node_impl.core.storage import OsDisk; OsDisk(pathlib.Path(sys.argv[1]))"
    )
    other = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert other.returncode != 0
    assert "in use by another process; stop that node, or pass another --data" in other.stderr
    held.close()
    OsDisk(tmp_path).close()
    with pytest.raises(FolderInUse):
        _ = (OsDisk(tmp_path), OsDisk(tmp_path))


def test_a_failed_fsync_is_never_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = OsDisk(tmp_path)
    log = WriteAheadLog(disk)
    log.recover()
    log.write([HardState(1, None)])

    def broken(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(OSError, match="Input/output error"):
            log.sync()
    log.write([HardState(2, None)])
    with pytest.raises(OSError, match="failed before"):
        log.sync()
    with pytest.raises(OSError, match="failed before"):
        disk.read("log.wal")


def test_a_full_disk_is_an_error_and_leaves_a_log_that_recovers(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for the full disk: the kernel takes a part of the frame, then none."""
    program = """
import resource, signal, sys
from pathlib import Path
from node_impl.core.events import HardState, AppendRecord, Entry
from node_impl.core.storage import OsDisk, WriteAheadLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = WriteAheadLog(OsDisk(Path(sys.argv[1])))
log.recover()
log.write([HardState(1, None)])
log.sync()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
log.write([AppendRecord((Entry(1, 1, "command", b"x" * 9000),))])
try:
    log.sync()
except OSError as error:
    sys.exit(3)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert (tmp_path / "log.wal").stat().st_size == 4096
    found = WriteAheadLog(OsDisk(tmp_path)).recover()
    assert found.hard_state == HardState(1, None)
    assert found.entries == ()
    assert "torn" in found.notes[0]
