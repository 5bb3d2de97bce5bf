"""docs/library.md: its blocks run, and it has every public name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ackproof
from tests import REPOSITORY
from tests.docs.markdown import names

PAGE = REPOSITORY / "docs" / "library.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_public_name_is_documented() -> None:
    assert set(ackproof.__all__) - names(PAGE) == set()


@pytest.mark.parametrize("block", range(len(BLOCKS)))
def test_a_block_runs(block: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS[block]], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
