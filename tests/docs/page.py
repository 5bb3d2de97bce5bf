"""A documentation page as its reader follows it: files to write, lines to change, commands to run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^\*\*`(?P<file>[^`]+)`\*\*\n\n)?^```(?P<kind>python|diff|sh)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(r"^(?P<command>.+?) +# exits (?P<status>\d+)$")


@dataclass(frozen=True)
class Block:
    """One fenced block. `file` is the path in bold above it; `section` the heading it stands under."""

    section: str
    file: str
    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Every python, diff and sh block of a page, in order."""
    found = []
    for section in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        for match in _BLOCK.finditer(section):
            found.append(Block(heading, match["file"] or "", match["kind"], match["text"]))
    return found


def commands(block: Block) -> list[tuple[list[str], int]]:
    """The commands of an sh block, each with the exit status that its comment claims."""
    matches = [_COMMAND.match(line) for line in block.text.splitlines()]
    assert all(matches), f"a command without `# exits N`: {block.text}"
    return [(match["command"].split(), int(match["status"])) for match in matches if match]


def follow(block: Block, source: Path) -> None:
    """Write the file or change the lines that a python or diff block shows, in a copy of the source."""
    path = source / block.file
    if block.kind == "python":
        assert not path.exists(), f"{block.file} is to be new, but is there"
        path.write_text(block.text, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    for hunk in block.text.split("@@\n"):
        lines = [(line[:1], line[1:]) for line in hunk.splitlines(keepends=True)]
        before = "".join(line for mark, line in lines if mark in " -")
        after = "".join(line for mark, line in lines if mark in " +")
        assert text.count(before) == 1, (
            f"{block.file} holds these lines {text.count(before)} times, not once; show what is there:\n"
            f"{before}"
        )
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
