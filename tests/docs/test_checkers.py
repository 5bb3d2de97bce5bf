"""docs/checkers.md lists every checker and every model that the code has, and no other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from checkers.judges import ISOLATION, JUDGES, options_of
from checkers.models import MODELS
from checkers.registry.suite import registry_checkers
from harness.workload import WORKLOADS, workload
from history.formats import FORMATS
from tests import REPOSITORY

PAGE = (REPOSITORY / "docs" / "checkers.md").read_text()
FIRST_CELL = re.compile(r"^\| `([a-z][a-z0-9-]*)` \|", re.MULTILINE)
NODES = ("n1", "n2", "n3")


def section(title: str) -> str:
    """The text below a heading of the page."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_page_lists_every_checker_of_every_workload_and_no_other() -> None:
    of_suites = {checker.name for checker in registry_checkers()}
    for name in WORKLOADS:
        of_suites |= {checker.name for checker in workload(name, NODES, 5).checkers}
    listed = set(FIRST_CELL.findall(section("All checkers")))
    by_name = set(FIRST_CELL.findall(section("By name")))
    assert of_suites - listed - by_name == set()
    assert listed - of_suites - set(JUDGES) == set()


def test_the_page_lists_every_judge_with_its_options() -> None:
    rows = {row.split("`")[1]: row for row in section("By name").splitlines() if row.startswith("| `")}
    assert set(rows) - {"--model"} == set(JUDGES)
    missing = [
        (name, option)
        for name in JUDGES
        for option in options_of(name)
        if f"`{option}`" not in rows[name].split(" | ")[-1]
    ]
    assert missing == []


def test_the_page_names_every_model_every_kind_of_transaction_and_every_format() -> None:
    assert [name for name in MODELS if f"`{name}`" not in section("Models")] == []
    assert [name for name in ISOLATION if name not in section("Transactions")] == []
    assert set(FIRST_CELL.findall(section("Formats"))) == set(FORMATS)


def test_the_first_example_says_what_the_page_shows(tmp_path: Path) -> None:
    example = section("Judge a file")
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```", example, re.MULTILINE | re.DOTALL))
    (tmp_path / "history.edn").write_text(blocks["edn"])
    command, code = blocks["sh"].split("# exits ")
    words = [str(Path(sys.executable).with_name("ackproof")), *command.split()[1:]]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert done.returncode == int(code), done.stderr
    shown = re.sub(r"  \(read .*\)$", "", done.stdout, flags=re.MULTILINE)
    assert shown.startswith(blocks["text"])
