"""docs/simulate-your-core.md, followed to the letter."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import REPOSITORY
from tests.docs.page import blocks, commands, follow

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(600)]

PAGE = REPOSITORY / "docs" / "simulate-your-core.md"
CORE = re.compile(r"^\*\*`main.go`\*\*\n\n```go\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_leads_from_a_core_to_a_shrunk_failure_and_to_the_mended_core(tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("there is no Go toolchain here")
    core = CORE.search(PAGE.read_text(encoding="utf-8"))
    assert core is not None
    (tmp_path / "main.go").write_text(core[1], encoding="utf-8")
    for block in blocks(PAGE):
        if block.kind == "diff":
            follow(block, tmp_path)
            continue
        for words, status in commands(block):
            said = done([word.replace("$ACKPROOF", str(REPOSITORY)) for word in words], status, tmp_path)
            if "--shrink" in words:
                assert_is_the_story_of_the_page(said)


def assert_is_the_story_of_the_page(said: str) -> None:
    story = re.search(r"```text\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert story is not None
    assert "1279 lines shrunk to 8 in 137 runs" in said
    for line in story[1].splitlines():
        assert line.strip() in {"...", *map(str.strip, said.splitlines())}


def done(words: list[str], status: int, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=580
    )
    if "dial tcp" in ran.stderr or "no such host" in ran.stderr:
        pytest.skip("what the core needs cannot be fetched here")
    assert ran.returncode == status, f"{words}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout
