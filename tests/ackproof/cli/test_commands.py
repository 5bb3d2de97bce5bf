"""The list of commands: its order, its summaries, and that showing it is quick."""

from __future__ import annotations

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ackproof.cli.main import COMMANDS, cli
from ackproof.cli.output.exits import Exit, exit_of
from checkers.verdict import Validity
from tests import REPOSITORY
from tests.ackproof.cli.test_json import COMMANDS as EACH

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_of_itself_what_the_list_says(name: str) -> None:
    command = COMMANDS[name].load()
    assert command.name == name
    assert (command.help or "").splitlines()[0] == COMMANDS[name].summary
    shown = CliRunner().invoke(cli, [name, "--help"])
    assert shown.exit_code == 0
    assert COMMANDS[name].summary in shown.output.replace("\n ", "")


def test_every_file_of_commands_is_listed() -> None:
    folder = REPOSITORY / "ackproof" / "cli" / "commands"
    assert {path.stem for path in folder.glob("*/*.py")} - {"__init__"} == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(EACH))
def test_the_help_of_each_command_has_an_example_and_fits_a_terminal_of_80_columns(name: str) -> None:
    shown = CliRunner().invoke(cli, [*name.split(), "--help"], env={"COLUMNS": "80"}).output
    assert f"    ackproof {name}" in shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []


READ = frozenset({"--store", "--nodes-file", "--resume", "--baseline", "--pictures"})
"""Options that name a path which is read, or a folder that is made with those above it."""


def path_options() -> Iterator[tuple[str, click.Command, click.Option]]:
    """Every option of every command that names a file or folder to be written."""
    for name, entry in COMMANDS.items():
        command = entry.load()
        nested = command.commands.values() if isinstance(command, click.Group) else ()
        for each in (command, *nested):
            for option in each.params:
                if not isinstance(option, click.Option) or not isinstance(option.type, click.Path):
                    continue
                if not option.type.exists and option.opts[0] not in READ:
                    yield f"{name} {each.name} {option.opts[0]}", each, option


def test_a_path_into_a_missing_folder_is_refused_before_the_work_by_every_option_that_writes() -> None:
    names = []
    for name, command, option in path_options():
        names.append(name)
        with pytest.raises(click.BadParameter, match="make it first"):
            option.process_value(click.Context(command), "/no-such-folder/file")
    assert len(names) > 30
    assert "run run --junit" in names


def processor_seconds_of_children() -> float:
    """How much processor time ended child processes took: on a busy machine it says more than the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_help_is_quick_and_loads_no_command() -> None:
    subprocess.run([ACKPROOF, "--help"], capture_output=True, check=True, timeout=60)
    took = []
    for _ in range(5):
        begin = processor_seconds_of_children()
        subprocess.run([ACKPROOF, "--help"], capture_output=True, check=True, timeout=60)
        took.append(processor_seconds_of_children() - begin)
    assert min(took) < 0.3
    program = (
        "import sys; sys.argv = ['ackproof', '--help']; from ackproof.cli.entry import main\n"
        "try: main()\n"
        "except SystemExit: print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert loaded & {"numpy", "msgspec", "aiohttp", "checkers", "history", "ackproof.cli.commands"} == set()


def test_the_help_of_each_command_loads_nothing_that_runs_or_judges() -> None:
    """What a user waits for before a help is shown is what is imported: arrays alone take 0.1 s."""
    program = (
        "import sys, click\n"
        "from click.testing import CliRunner\n"
        "from ackproof.cli.main import COMMANDS, cli\n"
        "for name in COMMANDS:\n"
        "    command = COMMANDS[name].load()\n"
        "    below = command.commands if isinstance(command, click.Group) else {'': command}\n"
        "    for each in below:\n"
        "        assert CliRunner().invoke(cli, [*f'{name} {each}'.split(), '--help']).exit_code == 0\n"
        "print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.partition("LOADED")[2].split())
    heavy = {"numpy", "numba", "pyarrow", "pandas", "aiohttp", "asyncio", "jinja2", "rich", "paramiko"}
    assert loaded & heavy == set()
    assert loaded & {"harness.systems.base", "harness.workload", "harness.run.test", "node_impl"} == set()


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    done = subprocess.run([ACKPROOF, "chek", "x"], capture_output=True, text=True, timeout=60)
    assert done.returncode == Exit.USAGE
    assert "unknown command 'chek': did you mean 'check'?" in done.stderr


def test_a_name_of_three_thousand_characters_is_shortened_in_the_answer() -> None:
    done = subprocess.run([ACKPROOF, "x" * 3000], capture_output=True, text=True, timeout=60)
    assert done.returncode == Exit.USAGE
    assert len(done.stderr) < 600


def test_exit_codes_are_jepsens() -> None:
    assert [exit_of(validity) for validity in Validity] == [0, 1, 2]
    assert [exit_of(outcome) for outcome in ("verified", "violation", "unknown")] == [0, 1, 2]
    assert (Exit.USAGE, Exit.COULD_NOT_RUN) == (254, 255)


def test_exit_codes_have_one_home() -> None:
    """No other file of the command or of the harness has a table of exit codes."""
    tables = []
    for root in ("ackproof", "harness"):
        for path in (REPOSITORY / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Name) and node.id in ("EXIT", "EXIT_CODES"):
                    tables.append(str(path.relative_to(REPOSITORY)))
    assert tables == []
