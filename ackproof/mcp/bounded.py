"""Answers of a bounded size: an agent pays for every character that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

MOST_CHARACTERS = 40_000
"""Of a whole answer as JSON."""
_STEPS = ((100, 4000), (30, 2000), (12, 800), (5, 400), (3, 200), (1, 120))
"""How many items of a list and characters of a text are kept, until the answer is small enough."""
CUT = "cut"
"""The key that says that something was left out."""


def bounded(value: object, most: int = MOST_CHARACTERS) -> dict[str, Any]:
    """A value as plain JSON that has at most `most` characters; what was cut says how much is left out.

    Args:
        value: an object with keys; a struct or a mapping.
        most: at least some hundred.
    """
    plain: dict[str, Any] = msgspec.to_builtins(value)
    if _size(plain) <= most:
        return plain
    for items, characters in _STEPS:
        cut: dict[str, Any] = {**_cut(plain, items, characters), CUT: True}
        if _size(cut) <= most:
            return cut
    scalars = {name: one for name, one in plain.items() if not isinstance(one, Mapping | list | str)}
    return {**dict(list(scalars.items())[:20]), CUT: True}


def _cut(value: Any, items: int, characters: int) -> Any:
    match value:
        case str():
            over = len(value) - characters
            return value if over <= 0 else f"{value[:characters]}... ({over} more characters)"
        case list():
            kept = [_cut(one, items, characters) for one in value[:items]]
            over = len(value) - items
            return kept if over <= 0 else [*kept, f"... ({over} more)"]
        case dict():
            # The keys of an object that has few are all kept: they are its shape.
            most = max(items, 24)
            kept_items = {name: _cut(one, items, characters) for name, one in list(value.items())[:most]}
            over = len(value) - most
            return kept_items if over <= 0 else {**kept_items, "...": f"({over} more)"}
    return value


def _size(value: object) -> int:
    return len(msgspec.json.encode(value))
