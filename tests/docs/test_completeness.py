"""Everything that a user can name is documented, and every generated page is what its script would write.

Where a name must stand: on the page of its kind, in backticks or in a block of code.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from ackproof.cli.main import cli
from checkers.judges import ISOLATION, JUDGES, options_of
from checkers.models import MODELS
from checkers.transactions.consistency import BASE, PREFIXES
from harness.mutants.catalogue import MUTANTS
from harness.nemesis import NEMESES
from harness.nemesis.schedule import SCHEDULES
from harness.systems import SYSTEMS
from harness.workload import WORKLOADS
from history.formats.reading import FORMATS
from tests import REPOSITORY
from tests.docs.markdown import names, pages

DOCS = REPOSITORY / "docs"
GENERATED = ("commands.md", "found.md")
WORLDS = ("local", "netns", "ssh", "sim")


def commands(command: click.Command, path: str = "ackproof") -> Iterator[tuple[str, click.Command]]:
    """The path of each command, and the command: `ackproof run`, `ackproof hosts check`, ..."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None and not child.hidden:
            yield from commands(child, f"{path} {name}")


COMMANDS = dict(commands(cli))


def lacking(page: str, expected: Iterable[str]) -> list[str]:
    """Which of these names a page of the documentation does not have."""
    found = names(DOCS / page)
    return sorted(name for name in set(expected) if name not in found)


def written() -> str:
    """The text of every page that a person writes."""
    return "\n".join(page.read_text(encoding="utf-8") for page in pages() if page.name not in GENERATED)


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_stands_with_all_its_options_on_the_page_of_commands(path: str) -> None:
    section = (DOCS / "commands.md").read_text(encoding="utf-8").partition(f"\n## {path}\n")[2]
    section = section.partition("\n## ")[0]
    assert section, f"docs/commands.md has no section {path!r}: run scripts/docs"
    options = [name for option in COMMANDS[path].params for name in option.opts if name.startswith("--")]
    assert [name for name in options if name not in section] == []


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_is_shown_on_a_page_that_a_person_writes(path: str) -> None:
    assert f"{path} " in written() or f"{path}`" in written() or f"{path}\n" in written()


def test_no_page_shows_a_command_that_does_not_exist() -> None:
    known = {path.split()[1] for path in COMMANDS}
    shown = {
        name.split()[1]
        for page in pages()
        for name in names(page)
        if name.startswith("ackproof ") and name.split()[1].isidentifier()
    }
    assert shown - known - {"COMMAND"} == set()


@pytest.mark.parametrize("script", ["commands.py", "openapi.py", "pictures.py", "schema.py"])
def test_what_a_script_makes_is_up_to_date(script: str) -> None:
    done = subprocess.run(
        [sys.executable, REPOSITORY / "scripts" / script, "--check"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_every_fault_and_each_of_its_targets_is_documented() -> None:
    targets = {target for fault in NEMESES.values() for target in fault.targets}
    assert lacking("faults.md", NEMESES) == []
    assert lacking("faults.md", {*targets} - set(names_with_fault())) == []


def names_with_fault() -> Iterator[str]:
    """Each target that the page shows together with its fault, as `drift:slow-leader`."""
    found = names(DOCS / "faults.md")
    for fault in NEMESES.values():
        yield from (target for target in fault.targets if f"{fault.name}:{target}" in found)


def test_every_schedule_of_faults_is_documented() -> None:
    assert lacking("faults.md", SCHEDULES) == []


def test_every_world_is_documented() -> None:
    assert lacking("architecture.md", WORLDS) == []
    assert lacking("hosts.md", ("local", "netns", "ssh")) == []


def test_every_system_is_documented() -> None:
    assert lacking("extending.md", SYSTEMS) == []


def test_every_workload_is_documented() -> None:
    assert lacking("workloads.md", WORKLOADS) == []


def test_every_checker_of_a_run_is_documented() -> None:
    judged = {checker.name for make in WORKLOADS.values() for checker in make(("n1", "n2", "n3"), 6).checkers}
    assert lacking("checkers.md", judged) == []


def test_every_model_and_every_checker_by_name_is_documented_with_its_options() -> None:
    assert lacking("checkers.md", [*MODELS, *JUDGES, *ISOLATION]) == []
    assert lacking("checkers.md", [option for name in JUDGES for option in options_of(name)]) == []


def test_every_consistency_model_of_transactions_is_documented() -> None:
    """The page lists the seven models, and the prefixes that make the others of them."""
    assert lacking("checkers.md", [*BASE, *filter(None, PREFIXES)]) == []


def test_every_format_of_histories_is_documented() -> None:
    assert lacking("checkers.md", FORMATS) == []


def test_every_seeded_bug_is_documented_with_the_checker_that_catches_it() -> None:
    page = (DOCS / "found.md").read_text(encoding="utf-8")
    missing = [
        bug.name
        for bug in MUTANTS.values()
        if f"--mutant {bug.name}" not in page or bug.caught_by not in page
    ]
    assert missing == []


def test_the_table_of_violations_in_released_systems_has_a_row_for_each() -> None:
    text = (DOCS / "found.md").read_text(encoding="utf-8").partition("\n## In released systems\n")[2]
    first, *parts = re.split(r"^### ", text, flags=re.MULTILINE)
    reported = [part for part in parts if not part.startswith("Controls")]
    found = [
        re.findall(r"^(?:\*\*|#### )(?:Violations?|Wider than documented|Published):?", part, re.MULTILINE)
        for part in reported
    ]
    rows = [line for line in first.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == sum(map(len, found))
    assert len(re.findall(r"\]\(#", "".join(rows))) == len([some for some in found if some])


def test_every_folder_of_the_code_is_described_by_the_architecture() -> None:
    described = (DOCS / "architecture.md").read_text(encoding="utf-8")
    folders = [f"{root}/" for root in ("ackproof", "checkers", "reports", "history")]
    for parent in ("harness", "node_impl"):
        folders += [f"{parent}/{child}/" for child in packages(REPOSITORY / parent)]
    assert [folder for folder in folders if f"`{folder}`" not in described] == []


def packages(folder: Path) -> list[str]:
    """The names of the packages directly in this one."""
    return sorted(init.parent.name for init in folder.glob("*/__init__.py"))
