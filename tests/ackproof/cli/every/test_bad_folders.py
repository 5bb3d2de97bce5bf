"""A run's folder that lacks a file, or has a cut or newer one, and a store that is none: only one line each.

Each command that takes a folder or a file of ours is called with each broken one.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from ackproof.cli import entry
from tests.ackproof.cli.every.room import Room

LONG = "n" * 3000
ALWAYS_ONE_OF = 7
"""One in this number of all calls with broken runs is made always."""
DOCUMENTED = (0, 1, 2, 254, 255)
BUG = "a bug of ackproof itself"


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Callable[..., Done]]:
    """Calls a command in this process as the program would."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    handler = signal.getsignal(signal.SIGINT)

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["ackproof", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            entry.main()
        assert isinstance(ended.value.code, int)
        return Done(int(ended.value.code), *capsys.readouterr())

    yield call
    signal.signal(signal.SIGINT, handler)


def problem(done: Done) -> str | None:
    """What is wrong with how a command ended; None if nothing is."""
    said = done.out + done.err
    if done.code not in DOCUMENTED or "Traceback" in said or BUG in said:
        return f"{done.code}: {said[-500:]}"
    if done.code == 255 and len(done.err.strip().splitlines()) != 1:
        return f"not one line: {done.err[-500:]}"
    return None


# ---- folders of runs ------------------------------------------------------------------------------------

FILES = ("test.json", "history.jsonl", "history.parquet", "lives.json", "results.json", "evidence.json")


def remove(path: Path) -> None:
    """Leave the file out."""
    path.unlink()


def cut(path: Path) -> None:
    """Keep the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    """Keep nothing."""
    path.write_bytes(b"")


def renew(path: Path) -> None:
    """Make it one of a later version, which has more keys, and other values."""
    if path.suffix != ".json":
        path.write_bytes(path.read_bytes() + b'{"index": 99999999, "of_tomorrow": [1]}\n')
        return
    facts = json.loads(path.read_bytes())
    facts = facts if isinstance(facts, dict) else {"was": facts}
    path.write_text(json.dumps({**facts, "of_tomorrow": {"x": 1}, "format": 99, "world": "moon"}))


DAMAGES: Mapping[str, Callable[[Path], None]] = {
    "missing": remove,
    "cut": cut,
    "empty": empty,
    "newer": renew,
}


def broken_runs(room: Room, path: Path) -> Iterator[tuple[str, Path]]:
    """The room's run with one file damaged, and folders that are none."""
    for name in FILES:
        for damage, change in DAMAGES.items():
            if (room.run / name).exists():
                copy = Path(shutil.copytree(room.run, path / f"{name}-{damage}"))
                change(copy / name)
                yield f"{name} {damage}", copy
    (path / "nothing").mkdir()
    yield "an empty folder", path / "nothing"
    yield "a missing folder", path / "missing"
    yield "a long name", path / LONG
    yield "a file", room.history


def of_a_run(room: Room, run: Path, path: Path) -> Iterator[tuple[object, ...]]:
    """Each command that takes the folder of a run."""
    yield ("analyze", run)
    yield ("analyze", run, "--certificate", path / "certificate.json")
    yield ("analyze", run, "--mermaid", path / "picture.mmd")
    yield ("resimulate", run, "--seeds", 1, "--seconds", 1, "--out", path / "out.json", "--store", path)
    yield ("verify", run, room.proof)
    yield ("export", run, "--to", "edn", "--out", path / "out.edn")
    yield ("compare", run, room.run)
    yield ("compare", room.run, run)
    yield ("campaign", "merge", run, "--store", path)
    yield ("gate", room.plan, "--compare-with", run, "--latency-margin", 1, "--store", path, "--seconds", 0.1)


@pytest.mark.parametrize("one_of", [ALWAYS_ONE_OF, pytest.param(1, marks=pytest.mark.campaign)])
def test_each_broken_run_is_one_line_for_each_command(
    one_of: int, room: Room, tmp_path: Path, called: Callable[..., Done]
) -> None:
    wrong = []
    for number, (what, run) in enumerate(broken_runs(room, tmp_path)):
        for place, arguments in enumerate(of_a_run(room, run, tmp_path)):
            if (number + place) % one_of:
                continue
            found = problem(called(*arguments))
            wrong += [] if found is None else [f"{what}: {' '.join(map(str, arguments[:2]))}: {found}"]
    assert not wrong, "\n\n".join(wrong)


def is_folder(path: Path) -> bool:
    """Whether a folder is there; a name that is too long has none."""
    return path.name != LONG and path.is_dir()


# ---- stores ---------------------------------------------------------------------------------------------


def bad_stores(path: Path) -> Iterator[tuple[str, Path]]:
    """What is no store."""
    yield "missing", path / "missing"
    (path / "file").write_text("a file")
    yield "a file", path / "file"
    strange = path / "strange"
    for name in ("campaign-x", "2026-11-28T100000-register-7", "latest"):
        (strange / name).mkdir(parents=True)
    (strange / "campaign-x" / "campaign.jsonl").write_text("{}\n")
    (strange / "2026-11-28T100000-register-7" / "test.json").write_text("[]")
    (strange / "sim-registry-correct.jsonl").write_text("\0\0")
    yield "a folder of something else", strange
    yield "a long name", path / LONG


def of_a_store(room: Room, store: Path, path: Path) -> Iterator[tuple[object, ...]]:
    """Each command that reads or writes a store."""
    small = ("--nodes", 3, "--time-limit", 1, "--nemesis", "none")
    yield ("runs", "--store", store)
    yield ("findings", "--store", store)
    yield ("findings", "--shrink", room.finding, "--store", store)
    yield ("prune", "--older-than", "9w", "--store", store)
    yield ("site", path / "pages", "--store", store)
    yield ("clean", "--store", store)
    yield ("compare", "latest", "other", "--store", store)
    yield ("replay", room.finding, "--store", store, "--runs", 1, "--jobs", 1)
    yield ("bisect", room.finding, "--good", "HEAD~1", "--repository", room.repository, "--store", store)
    yield ("campaign", "run", "--resume", store)
    yield ("sim", "--seed", 1, *small, "--store", store)
    yield ("replay", room.schedule, "--store", store)
    if not is_folder(store):  # they serve where there is one
        yield ("serve", "--store", store, "--listen", "127.0.0.1:0")
        yield ("mcp", "--store", store)


def test_a_store_that_is_none_is_one_line_for_each_command(
    room: Room, tmp_path: Path, called: Callable[..., Done]
) -> None:
    wrong = []
    for what, store in bad_stores(tmp_path):
        for arguments in of_a_store(room, store, tmp_path):
            found = problem(called(*arguments))
            wrong += [] if found is None else [f"{what}: {' '.join(map(str, arguments[:2]))}: {found}"]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("words", [("serve",), ("record", "--model", "register")])
def test_a_second_server_on_a_port_is_one_line(
    words: tuple[str, ...], room: Room, tmp_path: Path, called: Callable[..., Done]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        store = room.store if words == ("serve",) else tmp_path
        done = called(*words, "--listen", f"127.0.0.1:{port}", "--store", store)
    assert (done.code, problem(done)) == (255, None)
    assert str(port) in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--system", LONG),
        ("run", "--workload", LONG),
        ("run", "--nemesis", LONG),
        ("run", "--nemesis", f"kill:{LONG}"),
        ("run", "--schedule", LONG),
        ("sim", "--mutant", LONG),
        ("sim", "--nemesis", LONG),
        ("check", LONG, "--model", "register"),
        ("check", "-", "--model", LONG),
        ("replay", LONG),
        ("bisect", LONG, "--good", "HEAD"),
        ("bisect", "0123456789", "--good", LONG),
        ("cause", LONG),
        ("verify", LONG, LONG),
        ("export", LONG, "--to", "edn", "--out", "x"),
        ("campaign", "run", LONG),
        ("findings", "--shrink", LONG),
        ("mutants", LONG),
        ("systems", "check", LONG),
        ("systems", "install", LONG),
        ("hosts", "check", "--nodes-file", LONG),
        ("maelstrom", "test", "-w", LONG, "--bin", "x"),
        ("maelstrom", "test", "-w", "echo", "--bin", f"/{LONG}"),
        ("explore", "--start", LONG),
        ("runs", "--since", LONG),
        ("prune", "--older-than", LONG),
        ("serve", "--listen", LONG),
        ("check", "x", "--model", "register", "--junit", f"/tmp/{LONG}"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_a_name_of_three_thousand_characters_is_shortened(
    arguments: tuple[str, ...], tmp_path: Path, called: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = called(*arguments)
    assert done.code in (254, 255)
    assert "n" * 300 not in done.err
    assert problem(done) is None
