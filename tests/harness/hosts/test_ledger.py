from __future__ import annotations

import fcntl
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.hosts import processes
from harness.hosts.ledger import (
    TOKEN_VARIABLE,
    Head,
    Ledger,
    ProcessLine,
    clean,
    left_elsewhere,
    state_folder,
)
from harness.hosts.processes import Identity, carrying, identify, is_alive
from tests import REPOSITORY


def write_ledger(folder: Path, *lines: Head | ProcessLine, tail: bytes = b"") -> Path:
    """A ledger whose owner is dead."""
    path = folder / "dead.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines) + tail)
    return path


@pytest.fixture
def sleeper() -> Iterator[Identity]:
    """A process that carries no token."""
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        identity = identify(process.pid)
        assert identity is not None
        yield identity
        process.kill()


def test_kill_of_the_harness_at_any_instant_leaves_nothing_after_clean(tmp_path: Path) -> None:
    chance = random.Random(20260101)
    found = 0
    for attempt in range(20):
        folder, ledgers = tmp_path / str(attempt), tmp_path / "ledgers"
        folder.mkdir()
        with subprocess.Popen(
            [sys.executable, "-m", "tests.harness.hosts.doomed_harness", ledgers, folder],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
        ) as harness:
            assert harness.stdout is not None
            token = harness.stdout.readline().decode().strip()
            assert len(token) == 32
            for _ in range(chance.randrange(20)):
                harness.stdout.readline()
            time.sleep(chance.uniform(0, 0.02))
            harness.kill()
        removed = clean(ledgers)
        found += sum(len(run.processes) for run in removed)
        assert [problem for run in removed for problem in run.problems] == []
        assert carrying(TOKEN_VARIABLE, token) == []
        assert list(ledgers.iterdir()) == []
    assert found > 20, "the kills came while processes ran"


def test_the_ledger_of_a_living_run_and_its_processes_are_left_alone(
    tmp_path: Path, sleeper: Identity
) -> None:
    with Ledger("alive", tmp_path) as ledger:
        ledger.started("sleeper", sleeper)
        assert clean(tmp_path) == []
        assert is_alive(sleeper)


def test_a_recorded_process_is_ended_though_its_environment_shows_no_token(
    tmp_path: Path, sleeper: Identity
) -> None:
    path = write_ledger(tmp_path, Head("t" * 32, None, "run in a folder"), ProcessLine("sleeper", sleeper))
    (removed,) = clean(tmp_path)
    assert removed.processes == (sleeper,)
    assert str(removed) == f"processes {sleeper.pid} of the run in a folder"
    assert not is_alive(sleeper)
    assert not path.exists()


def test_a_stranger_with_a_recorded_number_is_left_alone(tmp_path: Path, sleeper: Identity) -> None:
    earlier = msgspec.structs.replace(sleeper, started="1")
    write_ledger(tmp_path, Head("t" * 32, None, "a run"), ProcessLine("sleeper", earlier))
    assert clean(tmp_path) == []
    assert is_alive(sleeper)
    assert list(tmp_path.iterdir()) == []


def test_a_torn_last_line_is_passed_over(tmp_path: Path, sleeper: Identity) -> None:
    write_ledger(
        tmp_path, Head("t" * 32, None, "a run"), ProcessLine("sleeper", sleeper), tail=b'{"type":"proc'
    )
    (removed,) = clean(tmp_path)
    assert removed.processes == (sleeper,)


def test_a_ledger_without_its_head_has_nothing_to_remove(tmp_path: Path) -> None:
    write_ledger(tmp_path, tail=b'{"type":"he')
    assert clean(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_ledger_is_kept_and_reported(tmp_path: Path) -> None:
    path = write_ledger(tmp_path, Head("t" * 32, None, "a run"), tail=b"rubbish\n")
    (removed,) = clean(tmp_path)
    assert "is damaged" in removed.problems[0]
    assert path.exists()


def test_what_runs_of_another_store_left_is_left_alone_and_named(tmp_path: Path, sleeper: Identity) -> None:
    ledgers, mine, other = tmp_path / "ledgers", tmp_path / "mine", tmp_path / "other"
    for folder in (ledgers, mine / "run", other):
        folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(mine)
    head = Head("t" * 32, None, "run in mine", str((mine / "run").resolve()))
    path = write_ledger(ledgers, head, ProcessLine("sleeper", sleeper))
    for store in (other, mine / "run" / "deeper", tmp_path / "min"):
        assert clean(ledgers, store) == []
        assert left_elsewhere(store, ledgers) == ["run in mine"]
    assert is_alive(sleeper)
    assert path.exists()
    assert left_elsewhere(tmp_path / "link", ledgers) == []
    (removed,) = clean(ledgers, tmp_path / "link")
    assert removed.processes == (sleeper,), "the same store by another path"


def test_a_ledger_names_the_folder_that_its_run_writes_into(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with Ledger("a run", tmp_path / "ledgers", tmp_path / "link" / "run"):
        (path,) = (tmp_path / "ledgers").iterdir()
        head = msgspec.json.decode(path.read_bytes().splitlines()[0], type=Head)
        assert head.folder == str(tmp_path.resolve() / "run")
        assert left_elsewhere(tmp_path / "other", tmp_path / "ledgers") == [], "its owner lives"


def test_a_closed_ledger_is_gone(tmp_path: Path, sleeper: Identity) -> None:
    with Ledger("a run", tmp_path):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_closed_while_one_of_its_processes_lives_is_kept_for_the_next_start(
    tmp_path: Path, sleeper: Identity
) -> None:
    with Ledger("a run", tmp_path) as ledger:
        ledger.started("sleeper", sleeper)
    (removed,) = clean(tmp_path)
    assert removed.processes == (sleeper,)


def test_an_owner_that_a_cleaner_overtook_before_its_lock_starts_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_lock = fcntl.flock
    overtaken: list[int] = []

    def overtake_once(file: int, how: int) -> None:
        if not overtaken:
            overtaken.append(file)
            for path in tmp_path.iterdir():
                path.unlink()
        real_lock(file, how)

    monkeypatch.setattr(fcntl, "flock", overtake_once)
    with Ledger("a run", tmp_path):
        (path,) = tmp_path.iterdir()
        assert b'"about":"a run"' in path.read_bytes()


def test_without_proc_recorded_processes_are_ended_and_the_limit_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PROC", Path("/nonexistent"))
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        identity = identify(process.pid)
        assert identity is not None
        write_ledger(tmp_path, Head("t" * 32, None, "a run"), ProcessLine("sleeper", identity))
        (removed,) = clean(tmp_path)
        assert process.wait(timeout=5) == -9
    assert removed.processes == (identity,)
    assert "no /proc: if `ps eww` shows" in removed.problems[0]


def test_the_lock_of_a_dead_owner_is_waited_for_while_a_child_of_its_still_holds_it(
    tmp_path: Path, sleeper: Identity
) -> None:
    """As between fork and exec: the child has the lock, but its parent and owner is dead."""
    dead = msgspec.structs.replace(sleeper, started="1")
    path = write_ledger(tmp_path, Head("t" * 32, dead, "a run"), ProcessLine("sleeper", sleeper))
    holding = path.open()
    fcntl.flock(holding, fcntl.LOCK_EX)
    release = threading.Timer(0.1, holding.close)
    release.start()
    (removed,) = clean(tmp_path)
    release.join()
    assert removed.processes == (sleeper,)


def test_the_state_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "ackproof" / "ledger"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert state_folder() == Path("/home/somebody/.local/state/ackproof/ledger")
