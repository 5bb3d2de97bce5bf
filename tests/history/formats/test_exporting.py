"""What is written for other tools is read again with the same operations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from ackproof.cli.main import cli
from ackproof.cli.output.exits import Exit
from history import NEMESIS, History, HistoryError, HistoryWriter, Operation
from history.formats import read
from history.formats.exporting import Written, jepsen_edn, porcupine_kv
from tests.reports.synthetic import history_of

TXN = [["append", "x", 1], ["r", "y", None]]
VALUES = (
    1,
    -2.5,
    'a "b" \\ c\n',
    True,
    None,
    [1, [2, "x"]],
    {"a": 1, "10.0.0.1:80": "r1", "7": []},
)


def client_operations(history: History) -> list[tuple[object, ...]]:
    """All but what only we write down."""
    return [
        (one.process, one.type, one.f, one.key, one.value, one.time, one.error)
        for one in history
        if one.process != NEMESIS
    ]


def again(lines: list[str], folder: Path, format_: str | None) -> History:
    """The history that a file with these lines holds."""
    file = folder / "history.edn"
    file.write_text("\n".join(lines) + "\n")
    return read(file, format_=format_).history


def of(*operations: tuple[str, str, str | None, object]) -> History:
    """A history of one process: type, f, key and value."""
    return History(
        [
            Operation(at, 1000 * at, 0, type_, f, key, value)  # type: ignore[arg-type]
            for at, (type_, f, key, value) in enumerate(operations)
        ]
    )


def test_a_run_with_faults_is_read_again_from_edn_with_every_operation(tmp_path: Path) -> None:
    history = history_of(3, faults=True, duration_s=8)
    found = again(jepsen_edn(history).lines, tmp_path, "jepsen-edn-independent")
    assert client_operations(found) == client_operations(history)
    assert [one.f for one in found if not one.is_client] == [one.f for one in history if not one.is_client]


@pytest.mark.parametrize("key", ["x", "7", "svc/10.0.0.1:80", 'a "b"'])
@pytest.mark.parametrize("value", VALUES)
def test_values_and_keys_are_the_same_after_edn(key: str, value: object, tmp_path: Path) -> None:
    history = of(("invoke", "write", key, value), ("ok", "write", key, value))
    found = again(jepsen_edn(history).lines, tmp_path, "jepsen-edn-independent")
    assert client_operations(found) == client_operations(history)


def test_steps_of_transactions_have_the_keywords_that_elle_knows(tmp_path: Path) -> None:
    history = of(("invoke", "txn", None, TXN), ("ok", "txn", None, TXN))
    lines = jepsen_edn(history).lines
    assert ':value [[:append "x" 1] [:r "y" nil]]' in lines[0]
    assert client_operations(again(lines, tmp_path, "jepsen-edn")) == client_operations(history)


def test_a_registry_is_read_again_from_porcupines_text_as_a_store_of_texts(tmp_path: Path) -> None:
    history = of(
        ("invoke", "register", "a", "r1"),
        ("ok", "register", "a", "r1"),
        ("invoke", "list", "svc", None),
        ("ok", "list", "svc", {"a": "r1"}),
        ("invoke", "deregister", "a", None),
        ("fail", "deregister", "a", None),
        ("invoke", "lookup", "a", None),
        ("ok", "lookup", "a", "r1"),
        ("invoke", "register", "a", "r2"),
        ("info", "register", "a", None),
    )
    written = porcupine_kv(history)
    assert written.left_out == 2
    assert written.lines[0] == '{:process 0, :type :invoke, :f :put, :key "a", :value "r1"}'
    found = again(written.lines, tmp_path, "porcupine-kv")
    assert [(one.type, one.f, one.key, one.value) for one in found] == [
        ("invoke", "put", "a", "r1"),
        ("ok", "put", "a", "r1"),
        ("invoke", "get", "a", None),
        ("ok", "get", "a", "r1"),
        ("invoke", "put", "a", "r2"),
    ]


def test_porcupines_own_files_are_written_as_they_are(tmp_path: Path) -> None:
    corpus = Path(__file__).parents[2] / "corpora" / "porcupine" / "kv" / "c10-bad.txt"
    written = porcupine_kv(read(corpus, format_="porcupine-kv").history)
    assert written.lines == corpus.read_text().splitlines()


def test_what_porcupines_text_lacks_is_refused(tmp_path: Path) -> None:
    for f, value in (("update", "r1"), ("write", 'a"b'), ("write", 1)):
        with pytest.raises(HistoryError, match="Porcupine's text"):
            porcupine_kv(of(("invoke", f, "a", value)))


@pytest.mark.parametrize(
    ("to", "model", "format_"),
    [("edn", "registry", "jepsen-edn-independent"), ("porcupine", "kv-append", "porcupine-kv")],
)
def test_the_command_writes_what_check_judges(to: str, model: str, format_: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    writer = HistoryWriter(run / "history.jsonl")
    for one in of(("invoke", "register", "s/a", "r1"), ("ok", "register", "s/a", "r1")):
        writer.append(one)
    writer.close()
    out = tmp_path / "out.txt"
    done = CliRunner().invoke(cli, ["export", str(run), "--to", to, "--out", str(out)])
    assert done.exit_code == Exit.VALID, done.output
    assert f"2 events; ackproof check reads them with --format {format_}" in done.output
    judged = CliRunner().invoke(cli, ["check", str(out), "--model", model, "--format", format_])
    assert judged.exit_code == Exit.VALID, judged.output


@pytest.mark.parametrize("write", [jepsen_edn, porcupine_kv])
def test_a_lost_write_is_judged_alike_once_it_is_exported(
    write: Callable[[History], Written], tmp_path: Path
) -> None:
    """An empty read becomes `[key nil]`, which is a value in files of others: so the format is named."""
    lost = of(("invoke", "write", "a", "r1"), ("ok", "write", "a", "r1"), ("invoke", "read", "a", None))
    history = History([*lost, replace(lost[2], index=3, time=3000, type="ok")])
    written = write(history)
    out = tmp_path / "out.txt"
    out.write_text("".join(f"{line}\n" for line in written.lines))
    model = "kv-append" if write is porcupine_kv else "register"
    judged = CliRunner().invoke(cli, ["check", str(out), "--model", model, "--format", written.read_as])
    assert judged.exit_code == Exit.INVALID, judged.output


def test_a_folder_that_is_not_there_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    words = ["export", str(tmp_path), "--to", "edn", "--out", str(tmp_path / "none" / "h.edn")]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2  # click's own, which `main` makes 254
    assert "make it first" in done.output
