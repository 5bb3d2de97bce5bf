"""A history on disk survives a kill at any instant, and Parquet gives back what was written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from history import HistoryError, HistoryWriter, Operation, read_history, write_parquet
from history.history import History
from history.stored import store
from history.stored.store import same_operations
from tests.history.test_history import legal_histories, op


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=legal_histories())
def test_json_lines_and_parquet_give_back_every_operation(
    tmp_path: Path, operations: list[Operation]
) -> None:
    lines = tmp_path / "history.jsonl"
    lines.unlink(missing_ok=True)
    with HistoryWriter(lines) as writer:
        for operation in operations:
            writer.append(operation)
    from_lines = read_history(lines)
    assert list(from_lines) == operations
    write_parquet(from_lines, tmp_path / "history.parquet")
    assert list(read_history(tmp_path / "history.parquet")) == operations


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(operations=legal_histories(), cut=st.integers(0, 10_000))
def test_a_history_cut_anywhere_is_a_readable_prefix(
    tmp_path: Path, operations: list[Operation], cut: int
) -> None:
    whole = b"".join(msgspec.json.encode(operation) + b"\n" for operation in operations)
    path = tmp_path / "history.jsonl"
    path.write_bytes(whole[: min(cut, len(whole))])
    read = list(read_history(path))
    assert read == operations[: len(read)]
    assert len(read) >= whole[: min(cut, len(whole))].count(b"\n")


@pytest.mark.parametrize("damage", [b"{torn", b'{"f":"\x80"}', b"\x00"])
def test_damage_in_the_middle_is_refused_with_its_line(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(
        msgspec.json.encode(op(0, 0, "invoke"))
        + b"\n"
        + damage
        + b"\n"
        + msgspec.json.encode(op(1, 0, "ok"))
        + b"\n"
    )
    with pytest.raises(HistoryError, match="line 2") as refused:
        read_history(path)
    assert refused.value.line == 2


def test_an_existing_history_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("precious")
    with pytest.raises(FileExistsError):
        HistoryWriter(tmp_path / "history.jsonl")


def test_a_full_disk_is_an_error_and_leaves_whole_lines(tmp_path: Path) -> None:
    """A file-size limit stands in for the full disk: the kernel then writes short, as a full disk does."""
    program = f"""
import resource, signal
from pathlib import Path
from history import HistoryWriter, Operation
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
writer = HistoryWriter(Path({str(tmp_path / "history.jsonl")!r}))
for index in range(100):
    try:
        writer.append(Operation(index=index, time=index, process=index, type="invoke", f="register"))
    except OSError as error:
        print("refused", index)
        break
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert result.stdout.startswith("refused"), result.stderr
    refused_at = int(result.stdout.split()[1])
    assert len(read_history(tmp_path / "history.jsonl")) == refused_at > 5


def test_a_killed_writer_leaves_every_line_whose_write_returned(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from history import HistoryWriter, Operation
writer = HistoryWriter(Path({str(tmp_path / "history.jsonl")!r}))
for index in range(10**9):
    writer.append(Operation(index=index, time=index, process=index, type="invoke", f="register"))
    os.write(1, b"%d\\n" % index)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        told = 0
        while told < 2000:
            told = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        told = max([told, *(int(line) for line in writer.stdout.read().split(b"\n")[:-1])])
    assert len(read_history(tmp_path)) >= told + 1


def test_an_empty_history_is_a_history(tmp_path: Path) -> None:
    write_parquet(History([]), tmp_path / "history.parquet")
    assert list(read_history(tmp_path)) == []


def test_a_folder_without_a_history_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="neither"):
        read_history(tmp_path)


def test_a_file_that_is_not_parquet_says_so(tmp_path: Path) -> None:
    (tmp_path / "history.parquet").write_text("no")
    with pytest.raises(HistoryError, match="not a Parquet file"):
        read_history(tmp_path)


def test_a_column_that_says_nothing_takes_no_memory_when_lines_are_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_BYTES_AT_ONCE", 0)
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as writer:
        writer.append(Operation(0, 1, 0, "invoke", "write", "k", 3))
        writer.append(Operation(1, 2, 0, "ok", "write", "k", 3))
    columns = read_history(path).columns
    assert [columns.error.strides, columns.node.strides, columns.raft_index.strides] == [(0,)] * 3
    assert columns.raft_index.tolist() == [-1, -1]
    write_parquet(read_history(path), tmp_path / "history.parquet")
    assert same_operations(read_history(path), read_history(tmp_path / "history.parquet"))


@given(legal_histories())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_of_several_groups_of_rows_holds_the_same(tmp_path: Path, operations: list[Operation]) -> None:
    history, path = History(operations), tmp_path / "history.parquet"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "ROWS_A_GROUP", 3)
        write_parquet(history, path)
    assert same_operations(read_history(path), history)
    path.unlink()
