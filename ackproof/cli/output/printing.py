"""The one place through which a command prints text that files or other programs may have written.

A key, a path or an error of a hostile file may hold escape sequences, with which it could paint over a
verdict, or set the terminal's title. Nothing that a terminal would obey is printed.
"""

from __future__ import annotations

import re

LONGEST_WORD = 300
"""Characters without a space in a message about an error; a path that a person typed is shorter."""
BEGIN, END = 120, 60
"""What is kept of a longer one."""


def printable(text: str) -> str:
    """A text in which controls (but tab and newline) and changes of direction are visible escapes."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape", "replace").decode() for c in text
    )


def shortened(message: str) -> str:
    """A message in which a name or a path that is too long to read is cut in its middle."""
    return re.sub(rf"\S{{{LONGEST_WORD},}}", lambda found: f"{found[0][:BEGIN]}…{found[0][-END:]}", message)


def say(text: str, *, error: bool = False) -> None:
    """Print one text to standard output, or to standard error."""
    import click  # here, since `printable` is needed where click may not be loaded yet

    click.echo(printable(text), err=error)
