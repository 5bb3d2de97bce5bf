"""Each error says which command to give next, and that command exists, with its options."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ackproof.cli.main import COMMANDS
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.failing import print_failure
from tests import REPOSITORY

PLACEHOLDER = "PLACEHOLDER"
"""What stands in a message for a part that is known when it is shown."""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command by its name: `campaign run`."""
    for name, entry in COMMANDS.items():
        command = entry.load()
        if isinstance(command, click.Group):
            yield from ((f"{name} {second}", inner) for second, inner in command.commands.items())
        else:
            yield name, command


ALL = dict(commands())
WITH_JSON = sorted(
    name for name, command in ALL.items() if any("--json" in option.opts for option in command.params)
)


def problem(line: str) -> str | None:
    """What is wrong with a line to paste: a command or an option that does not exist; None if nothing is."""
    program, *words = shlex.split(line)
    assert program == "ackproof"
    if words[:1] == ["--help"]:
        return None
    entry = COMMANDS.get(words[0])
    if entry is None:
        return f"there is no command {words[0]}"
    name, command = words[0], entry.load()
    given = words[1:]
    if isinstance(command, click.Group):
        second = given[0] if given and given[0] in command.commands else None
        unless_named = "run" if "run" in command.commands else None  # `ackproof campaign` is `campaign run`
        chosen = second or unless_named
        if chosen is None and given[:1] != ["--help"]:
            return f"{name} has no command {given[:1]}"
        if chosen is not None:
            command, given = command.commands[chosen], given[1:] if second else given
    known = {opt for option in command.params for opt in (*option.opts, *option.secondary_opts)} | {"--help"}
    strange = [word for word in given if word.startswith("--") and word.partition("=")[0] not in known]
    return f"{name} has no option {strange}" if strange else None


@pytest.mark.parametrize("code", [Exit.USAGE, Exit.COULD_NOT_RUN])
@pytest.mark.parametrize("command", WITH_JSON)
@pytest.mark.parametrize("message", ["cannot write x: No space left on device", "the disk is full"])
def test_every_command_that_fails_says_a_command_that_exists(
    command: str, message: str, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    print_failure([*command.split(), "--json"], message, code)
    lines = json.loads(capsys.readouterr().out)["next"]
    assert lines
    assert [problem(line) for line in lines] == [None] * len(lines)


def shown_in_sources() -> Iterator[tuple[str, str]]:
    """Each place in the product's messages that shows a command, and the command."""
    for root in ("ackproof", "harness", "reports", "checkers"):
        for path in sorted((REPOSITORY / root).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Raise) and node.exc is not None:
                    yield from ((where(path, node), line) for line in lines_of(node.exc))


def where(path: Path, node: ast.Raise) -> str:
    return f"{path.relative_to(REPOSITORY)}:{node.lineno}"


def lines_of(node: ast.expr) -> Iterator[str]:
    """The commands in the texts of an expression, with a placeholder for each part that is filled in."""
    from ackproof.cli.output.failing import lines_in

    for inner in ast.walk(node):
        match inner:
            case ast.JoinedStr(values=parts):
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else PLACEHOLDER for part in parts
                )
            case ast.Constant(value=str(text)):
                pass
            case _:
                continue
        yield from lines_in(text)


def test_every_command_that_an_error_shows_exists_with_its_options() -> None:
    shown = list(shown_in_sources())
    assert len(shown) >= 15
    wrong = []
    for place, line in shown:
        try:
            found = problem(line.replace("`", "").strip("'\""))
        except ValueError as error:  # a quotation mark without its end
            found = str(error)
        if found is not None:
            wrong.append(f"{place}: {line}: {found}")
    assert not wrong, "\n".join(wrong)
