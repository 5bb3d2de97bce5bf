"""The Markdown pages of the repository: their links, headings, and words in backticks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests import REPOSITORY

_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)


_FOLDERS = ("benchmarks", "docs", "examples", "tests")


def pages() -> list[Path]:
    """Every Markdown file of the repository, but for what runs and builds leave behind."""
    below = (path for folder in _FOLDERS for path in (REPOSITORY / folder).rglob("*.md"))
    return sorted([*REPOSITORY.glob("*.md"), *below])


@dataclass(frozen=True)
class Link:
    """A link to a place in the repository; `path` is empty for a place on the same page."""

    page: Path
    path: str
    anchor: str

    @property
    def target(self) -> Path:
        """The file or folder that the link names."""
        return (self.page.parent / self.path).resolve() if self.path else self.page


def prose(page: Path) -> str:
    """A page without its blocks of code and what stands in backticks."""
    return _CODE.sub("``", _FENCE.sub("", page.read_text(encoding="utf-8")))


def links(page: Path) -> list[Link]:
    """Each link of a page that is no address on the web."""
    found = []
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        found.append(Link(page, path, anchor))
    return found


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number, name = 0, anchor
        while name in found:
            number += 1
            name = f"{anchor}-{number}"
        found.add(name)
    return found


def names(page: Path) -> set[str]:
    """What stands in backticks on a page, whole and word by word, and the words of code blocks."""
    text = page.read_text(encoding="utf-8")
    found: set[str] = set()
    for code in (*_CODE.findall(_FENCE.sub("", text)), *(match[0] for match in _FENCE.finditer(text))):
        found.add(code)
        found.update(re.split(r"[\s,|=]+", code))
    return found
