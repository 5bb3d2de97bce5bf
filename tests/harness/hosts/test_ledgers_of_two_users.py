"""Two users' runs on one machine: what another user's run left is neither touched nor a failure."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from harness.hosts.ledger import Head, ProcessLine, left_elsewhere, of_other_users
from harness.hosts.processes import Identity, is_alive
from tests.harness.hosts.ordinary import folder_of_his, interpreter, run_as_ordinary
from tests.harness.hosts.test_ledger import sleeper

__all__ = ["sleeper"]  # the fixture

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave files as two users"),
    pytest.mark.skipif(interpreter() is None, reason="no Python here that an ordinary user may execute"),
]


def leave(ledgers: Path, store: Path, *lines: ProcessLine) -> Path:
    """What a dead run of root's leaves, as `Ledger` writes it: readable by root alone."""
    ledgers.mkdir(parents=True, exist_ok=True)
    path = ledgers / "roots.jsonl"
    head = Head("t" * 32, None, f"run in {store}", str(store / "run"))
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in (head, *lines)))
    path.chmod(0o600)
    return path


def test_clean_passes_over_another_users_run_in_the_same_state_folder_and_names_it(
    sleeper: Identity,
) -> None:
    with folder_of_his() as home:
        ledgers = home / ".local" / "state" / "ackproof" / "ledger"
        path = leave(ledgers, home / "store", ProcessLine("sleeper", sleeper))
        os.chown(ledgers, *(os.stat(home).st_uid,) * 2)
        for arguments in (("--store", str(home / "store")), ("--all",)):
            done = run_as_ordinary(home, "-m", "ackproof", "clean", *arguments)
            assert done.returncode == 0, done.stderr
            assert "nothing was left behind" in done.stdout
            assert f"a run of user root, whose clean-up record is {path}" in " ".join(done.stdout.split())
        assert is_alive(sleeper)
        assert path.exists()
        assert left_elsewhere(home / "other", ledgers) == [f"run in {home / 'store'}"], "root may read it"
        assert of_other_users(ledgers) == []


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_state_folder_of_another_user_is_said_in_one_line_with_what_helps(mode: int) -> None:
    with folder_of_his() as home:
        ledgers = home / ".local" / "state" / "ackproof" / "ledger"
        leave(ledgers, home / "store")
        ledgers.chmod(mode)
        (ledgers.parent).chmod(mode)
        ran = run_as_ordinary(
            home,
            *("-m", "ackproof", "run", "--nodes", "1", "--world", "local", "--nemesis", "none"),
            *("--time-limit", "2", "--json"),
        )
        assert ran.returncode == 255
        assert "\n" not in ran.stderr.strip()
        assert f"no clean-up record can be kept in {ledgers} (Permission denied): set XDG_STATE" in ran.stderr
