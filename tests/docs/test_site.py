"""The documentation as a site: it has every page and every public name, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import ackproof
from tests import REPOSITORY

DOCS = REPOSITORY / "docs"
SETTINGS = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
MODULES = {"generator", "models"}
"""Public names that are modules; docs/generators.md and docs/checkers.md have what is in them."""


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"- (\S+\.md)$", SETTINGS, re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    shown = re.findall(r"^::: ackproof\.(\w+)$", page, re.MULTILINE)
    assert set(shown) == set(ackproof.__all__) - MODULES


@pytest.mark.campaign
def test_the_site_is_built_without_a_warning_and_asks_for_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [REPOSITORY / "scripts" / "site", "--site-dir", tmp_path], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = [page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")]
    assert len(pages) > len(list(DOCS.glob("*.md")))
    loaded = re.compile(r'<(?:script|img|iframe|source)[^>]*\ssrc="([^"]+)"|<link[^>]*\shref="([^"]+)"')
    wanted = {one or other for page in pages for one, other in loaded.findall(page)}
    assert {address for address in wanted if "//" in address} == set()
    assert not any('class="mermaid"' in page for page in pages), (
        "the theme would bring Mermaid from elsewhere"
    )
    reference = (tmp_path / "reference.html").read_text(encoding="utf-8")
    assert 'id="ackproof.check"' in reference
