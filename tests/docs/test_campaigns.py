"""docs/campaigns.md: its files are read, its commands run, and its tables are those of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from harness.campaign.cells import WORLDS
from harness.campaign.findings.baseline import read_baseline
from harness.campaign.findings.states import CONFIDENCE, FindingState
from harness.campaign.reading import CampaignKeys, CellKeys, plan_in
from harness.campaign.refusals import checked
from tests import REPOSITORY
from tests.docs.markdown import names

PATH = REPOSITORY / "docs" / "campaigns.md"
PAGE = PATH.read_text(encoding="utf-8")
FILES = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
SMALL = '[[cells]]\nworkload = ["registry", "cas"]\nnodes = 3\ntime_limit_s = 2\nrate = 40\nseeds = 1\n'
"""What the page's file becomes here: its own takes ten minutes."""


def test_the_files_of_the_page_are_read(tmp_path: Path) -> None:
    campaign, baseline = FILES
    file = tmp_path / "nightly.toml"
    file.write_text(campaign)
    assert len(checked(plan_in(file)).cells) == 8
    file.write_text(baseline)
    assert len(read_baseline(file)) == 2


def test_the_tables_of_the_page_are_complete() -> None:
    keys = {*CampaignKeys.__struct_fields__, *CellKeys.__struct_fields__} - {"cells", "canary"}
    assert {*keys, *get_args(FindingState), *WORLDS} - names(PATH) == set()
    assert CONFIDENCE == 0.99


@pytest.mark.campaign
def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    (tmp_path / "nightly.toml").write_text(SMALL)
    program = f"{sys.executable} -m ackproof "
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-c", command.replace("ackproof ", program, 1)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode in (0, 2), (command, done.stdout, done.stderr)
