"""How a command with --json that could not do its work ends: its error, in the keys of every result."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click
import msgspec

from ackproof.cli.main import COMMANDS
from ackproof.cli.output.exits import Exit
from ackproof.results import About, result_of

_LINE = re.compile(rf"ackproof (?:{'|'.join(COMMANDS)})\b[^`;\n]*")


def print_failure(arguments: Sequence[str], message: str, code: Exit) -> None:
    """Print an error as the result of the command that the arguments name.

    The lines to paste are those that the message shows. After wrong options, and where the message shows no
    line, it is the command's help, which says what its options are.
    """
    command = command_of(arguments)
    help_ = " ".join(filter(None, ("ackproof", command, "--help")))
    shown = () if code is Exit.USAGE else lines_in(message)
    lines = shown or (help_,)
    found = result_of(command, code, None, error=message, about=About(next=lines))
    click.echo(msgspec.json.encode(found))


def lines_in(message: str) -> tuple[str, ...]:
    """The commands that a message shows."""
    return tuple(line.strip().rstrip(".,)") for line in _LINE.findall(message))


def command_of(arguments: Sequence[str]) -> str:
    """The command that arguments name: `campaign run`; empty if they name none."""
    first = arguments[0] if arguments else ""
    if first not in COMMANDS:
        return ""
    command = COMMANDS[first].load()
    second = arguments[1] if len(arguments) > 1 else ""
    is_nested = isinstance(command, click.Group) and second in command.commands
    return f"{first} {second}" if is_nested else first
