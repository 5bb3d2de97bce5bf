"""docs/json.md: its commands end as the page says, and each prints one object."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import REPOSITORY
from tests.docs.page import blocks, commands

COMMANDS = [
    one for block in blocks(REPOSITORY / "docs" / "json.md") if block.kind == "sh" for one in commands(block)
]


@pytest.mark.parametrize(("words", "status"), COMMANDS)
def test_a_command_of_the_page_ends_as_it_says(words: list[str], status: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == status == json.loads(done.stdout)["exit_code"], done.stderr
