"""Public files of transactions, each in its format, are one and the same log."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from history import History, HistoryError, kernels
from history.formats import FORMATS, read
from history.formats.transactions import TRANSACTION_FORMATS, TransactionHistory
from tests.history.formats.transactions.files import Txn, awdit, bincode, cobra, dbcop_text, plume

SMALL = (
    Txn(0, (("w", 1, 1), ("w", 2, 2))),
    Txn(1, (("r", 1, 1), ("r", 2, 0))),
    Txn(0, (("w", 1, 3), ("r", 1, 3))),
    Txn(1, (("w", 2, 4),), committed=False),
)


def written(name: str, txns: tuple[Txn, ...], folder: Path) -> Path:
    """The transactions in a file or folder of that format."""
    path = folder / "history"
    if name == "cobra":
        return cobra(txns, path)
    if name == "dbcop-json":
        path.write_text(as_json(txns))
    else:
        writers = {"plume": plume, "dbcop": bincode, "awdit": awdit, "dbcop-text": dbcop_text}
        path.write_bytes(writers[name](txns))
    return path


def as_json(txns: tuple[Txn, ...]) -> str:
    """The transactions in the JSON of the present dbcop."""
    sessions: dict[int, list[Any]] = {}
    kind = {"w": "Write", "r": "Read"}
    for txn in txns:
        events = [{kind[f]: {"variable": key, "version": value or None}} for f, key, value in txn.steps]
        sessions.setdefault(txn.session, []).append({"events": events, "committed": txn.committed})
    return json.dumps(list(sessions.values()))


def by_session(history: History) -> dict[int, list[tuple[str, str]]]:
    """The transactions of each process, in order: (type, value)."""
    found: dict[int, list[tuple[str, str]]] = {}
    for operation in history:
        if operation.type != "invoke":
            value = [[f, str(key).removeprefix("k"), value] for f, key, value in operation.value]
            found.setdefault(operation.process, []).append((operation.type, str(value)))
    return found


@pytest.mark.parametrize("name", TRANSACTION_FORMATS)
def test_each_format_is_recognized_and_read(name: str, tmp_path: Path) -> None:
    txns = SMALL[:3] if name == "awdit" else SMALL
    recorded = read(written(name, txns, tmp_path))
    assert isinstance(recorded.history, TransactionHistory)
    assert recorded.history.log.format_name == name
    first = [("ok", "[['w', '1', 1], ['w', '2', 2]]"), ("ok", "[['w', '1', 3], ['r', '1', 3]]")]
    second = [("ok", "[['r', '1', 1], ['r', '2', None]]"), ("fail", "[['w', '2', 4]]")]
    assert by_session(recorded.history) == {0: first, 1: second[:1] if name == "awdit" else second}
    assert any("initial value" in warning for warning in recorded.warnings)
    assert name in FORMATS


@pytest.mark.parametrize("name", [name for name in TRANSACTION_FORMATS if name not in ("cobra", "dbcop")])
def test_texts_come_over_standard_input_too(name: str, tmp_path: Path) -> None:
    path = written(name, SMALL[:3], tmp_path)
    assert by_session(read(None, path.read_text()).history) == by_session(read(path).history)


def random_transactions(seed: int) -> tuple[Txn, ...]:
    draw, written_keys = Random(seed), [0]
    return tuple(
        Txn(
            draw.randrange(4),
            tuple(
                (draw.choice("rw"), draw.randrange(5), draw.choice((number, 0, (1 << 63) - 1 - number)))
                for number in range(10 * txn + 1, 10 * txn + draw.randint(2, 6))
            ),
            draw.random() < 0.9,
        )
        for txn in range(draw.randint(1, 40) + len(written_keys))
    )


@pytest.mark.parametrize("seed", range(20))
def test_binary_and_text_agree_compiled_and_plain(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    txns = random_transactions(seed)
    plain: list[dict[int, list[tuple[str, str]]]] = []
    compiled: list[dict[int, list[tuple[str, str]]]] = []
    for form, little in ((plain, 1 << 60), (compiled, 0)):
        monkeypatch.setattr(kernels, "LITTLE", little)
        for name in ("plume", "cobra", "dbcop"):
            folder = tmp_path / f"{name}-{little}"
            folder.mkdir()
            form.append(by_session(read(written(name, txns, folder)).history))
    assert plain == compiled
    oks = [
        [[one for one in found[process] if one[0] == "ok"] for process in sorted(found)] for found in plain
    ]
    reads_of_aborted = any(not txn.committed and any(f == "r" for f, _, _ in txn.steps) for txn in txns)
    assert sorted(map(str, oks[1])) == sorted(map(str, oks[2]))
    if not reads_of_aborted:
        assert len(oks[0]) <= len(oks[1])


@pytest.mark.parametrize(
    ("content", "line", "rule"),
    [
        (b"r(1,2,3,4)\nr(1,2,3)\n", 2, "a line is r"),
        (b"w(1,2,3,4)\nw(1,x,3,4)\n", 2, "a line is r"),
        (b"w(1,2,3,4)\nw(1,123456789012345678901,3,4)\n", 2, "a line is r"),
        (b"w(1,2,3,4)\nw(1,2,3,-2)\n", 2, "a line is r"),
        (b"w(1,2,3,4)", 1, "a line is r"),
        (b"w 1 2\nr 1\n", 2, "a step is"),
        (b"[x:=1]\n[x==1 y]\n", 2, "not transactions"),
        (b'{"params": {}, "data": [[{"events": [{"Read": {}}], "committed": true}]]}', 1, "shape"),
    ],
)
def test_what_breaks_a_format_is_refused_with_its_line(
    content: bytes, line: int, rule: str, tmp_path: Path
) -> None:
    path = tmp_path / "history.txt"
    path.write_bytes(content)
    if content == b"w(1,2,3,4)":
        assert len(read(path).history) == 2  # the last line may lack its end
        return
    with pytest.raises(HistoryError, match=rule) as refusal:
        read(path)
    assert refusal.value.line == line


@pytest.mark.parametrize("name", ["cobra", "dbcop"])
@pytest.mark.parametrize("seed", range(5))
def test_a_binary_file_that_is_cut_or_changed_is_read_or_refused(
    name: str, seed: int, tmp_path: Path
) -> None:
    path, draw = written(name, SMALL, tmp_path), Random(seed)
    file = path / "T0.log" if name == "cobra" else path
    content = file.read_bytes()
    for _ in range(40):
        changed = bytearray(content[: draw.randint(1, len(content))])
        changed[draw.randrange(len(changed))] = draw.randrange(256)
        file.write_bytes(changed)
        try:
            read(path, format_=name)
        except HistoryError as refusal:
            assert refusal.rule  # noqa: PT017 - it may also be read


def test_steps_of_several_transactions_may_alternate(tmp_path: Path) -> None:
    path = tmp_path / "history.txt"
    path.write_text("w(1,5,0,7)\nr(1,5,1,9)\nw(2,6,0,7)\nr(2,6,1,9)\n")
    assert [op.value for op in read(path).history if op.type == "ok"] == [
        [["w", 1, 5], ["w", 2, 6]],
        [["r", 1, 5], ["r", 2, 6]],
    ]


def test_a_zero_that_is_written_is_no_initial_value(tmp_path: Path) -> None:
    path = tmp_path / "history.txt"
    path.write_text("r(1,0,0,1)\nr(2,0,0,1)\nw(1,0,1,2)\n")
    assert [op.value for op in read(path).history][1] == [["r", 1, 0], ["r", 2, None]]
