"""How all pages are made from templates: every value is escaped, and none can deceive the reader."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from checkers.words import count, plural
from reports import text


def environment(folder: Path, longest: int | None = None) -> Environment:
    """The templates of a folder, with the filters for numbers and times.

    Args:
        longest: to how many characters each text is shortened; None for pages that shorten by themselves.
    """

    def shown(value: object) -> object:
        if not isinstance(value, str) or isinstance(value, Markup):
            return value
        return text.clean(value if longest is None else text.shorten(value, longest))

    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    made.filters.update(
        count=count,
        duration=text.duration,
        seconds=text.seconds,
        short=text.short,
        shortened=text.shorten,
        size=text.size,
        leaves=text.leaves,
        percent=text.percent,
        times=text.times,
    )
    made.globals.update(plural=plural)
    return made
