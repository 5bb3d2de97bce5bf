"""Writes docs/commands.md: every command of `ackproof` with its options, from the help texts themselves.

python scripts/commands.py            writes the page
python scripts/commands.py --check    only compares: exits 1 if the page is not what would be written
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ackproof.cli.main import cli

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
HEAD = """\
# Every command and option

This page is made from the commands' own help texts by `scripts/docs`. `ackproof COMMAND --help` shows
the same in a terminal. [What the exit codes mean](ci.md#exit-codes).

## Completion in a shell

With its line, the Tab key of a shell completes commands and options, and offers the names of workloads,
faults, systems, models and seeded bugs. The first line is for `~/.bashrc`, the second for `~/.zshrc` after
`compinit`, the third for `~/.config/fish/completions/ackproof.fish`:

```
eval "$(_ACKPROOF_COMPLETE=bash_source ackproof)"
eval "$(_ACKPROOF_COMPLETE=zsh_source ackproof)"
_ACKPROOF_COMPLETE=fish_source ackproof | source
```
"""


def commands(command: click.Command, parent: click.Context | None = None) -> Iterator[click.Context]:
    """The context of this command and of each command below it, in the order of the help text."""
    name = command.name if parent else "ackproof"
    context = click.Context(command, parent=parent, info_name=name)
    yield context
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None and not child.hidden:
                yield from commands(child, context)


def paragraphs(text: str | None) -> Iterator[str]:
    """A help text as Markdown: paragraphs that Click must not wrap become blocks of code."""
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        if paragraph.startswith("\b"):
            head, indented = split_block(paragraph.removeprefix("\b").strip("\n").splitlines())
            if head:
                yield head
            if indented:
                yield "```\n" + inspect.cleandoc("\n".join(indented)) + "\n```"
        elif paragraph:
            yield " ".join(paragraph.split())


def split_block(lines: list[str]) -> tuple[str, list[str]]:
    """A heading line such as `Examples:`, and the lines below it."""
    if len(lines) > 1 and lines[0].rstrip().endswith(":"):
        return lines[0].strip(), lines[1:]
    return "", lines


def cell(text: str) -> str:
    """A text that can stand in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def section(context: click.Context) -> str:
    """One command: its usage, what it does, and a table of its options."""
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## {context.command_path}", f"`{usage}`", *paragraphs(command.help)]
    records = [
        option.get_help_record(context) for option in command.params if isinstance(option, click.Option)
    ]
    rows = [
        f"| `{cell(record[0]).replace(' RANGE', '')}` | {cell(record[1])} |"
        for record in records
        if record is not None
    ]
    if rows:
        parts.append("\n".join(["| option | what it does |", "|---|---|", *rows]))
    return "\n\n".join([*parts, *paragraphs(command.epilog)])


def page() -> str:
    """The whole page."""
    return "\n\n".join([HEAD.rstrip(), *(section(context) for context in commands(cli))]) + "\n"


def main() -> int:
    """Write the page or compare it."""
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write("docs/commands.md is not what the commands' help texts say: run scripts/docs\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
