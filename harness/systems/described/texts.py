"""The texts of a description: what stands in braces is filled in. `{{` and `}}` are single braces."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from harness.errors import unknown_name

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_FORMS: Mapping[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url": lambda text: quote(text, safe=""),
}
"""After a bar, how a value is written: `{key|base64}`."""


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the value of each name in braces.

    Raises:
        ValueError: there is no such name or form, or a brace stands alone; in words.
    """
    outside = _BRACES.sub("", text)
    if "{" in outside or "}" in outside:
        raise ValueError(f"{{ or }} stands alone in {text!r}; write {{{{ or }}}} for one of them")

    def value(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        name, _, form = found[1].partition("|")
        if name not in values:
            raise ValueError(unknown_name("name in {}", name, values))
        if form and form not in _FORMS:
            raise ValueError(unknown_name("form after a bar", form, _FORMS))
        return _FORMS[form](values[name]) if form else values[name]

    return _BRACES.sub(value, text)
