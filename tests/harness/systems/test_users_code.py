"""What a user's system raises is said in one line, with its place; a bug of ours keeps its traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.run.test import Test
from harness.systems import system_of
from harness.systems.users_code import users_code

SYSTEM = """
class Mine:
    name = "mine"
    ports = {"client": 8000}
    links = "addresses"
    clients = {}
    def launch(self, place):
        raise KeyError("no\\ncolour")
    async def status(self, place, net): return None
"""
OPTIONS = Test(nodes=("n1",)).options()


def test_what_a_users_system_raises_is_said_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SYSTEM)
    mine = system_of(f"{tmp_path}/mine.py:Mine", OPTIONS)
    with pytest.raises(CouldNotRun) as ended, users_code(mine, "launch of n1"):
        mine.launch(None)  # type: ignore[arg-type]
    said = r"the system's launch of n1 raised KeyError: 'no\ncolour' (mine.py, line 8)"
    assert str(ended.value) == said
    with pytest.raises(ConnectionError), users_code(mine, "status of n1", (OSError,)):
        raise ConnectionRefusedError("what it may raise")


def test_what_a_listed_system_raises_is_a_bug_of_ours() -> None:
    ours = system_of("reference-node", OPTIONS)
    with pytest.raises(KeyError), users_code(ours, "launch of n1"):
        raise KeyError("colour")
