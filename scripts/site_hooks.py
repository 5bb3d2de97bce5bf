"""What `scripts/site` changes in pages as it builds them: links to files outside of docs/ become names."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\[\]]+)\]\(((?:\.\./)+[^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Any, **_settings: Any) -> str:
    """Called by MkDocs with the text of each page."""
    depth = page.file.src_uri.count("/")

    def named(link: re.Match[str]) -> str:
        up = len(re.findall(r"\.\./", link[2]))
        return link[0] if up <= depth else f"{link[1]} (`{link[2].lstrip('./')}`)"

    return _OUTSIDE.sub(named, markdown)
