"""The documentation uses plain words, not the private dialect that earlier versions were written in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import REPOSITORY
from tests.docs.markdown import pages, prose

PAGES = [page for page in pages() if page.is_relative_to(REPOSITORY / "docs") or page.parent == REPOSITORY]
AVOIDED = {
    "told": "write who does what: `the node gets`, `the option sets`, `the message says`",
    "whoever": "name who it is",
    "nobody": "write `no client`, `no node`",
    "befall": "write `happen to`",
    "befalls": "write `happens to`",
    "anew": "write `again`",
    "as of": "write `from`, or `since`",
    "weather": "write `fault rates`",
    "seasons": "write `profiles`",
    "fates": "write `what happens to`",
    "ordeal": "write `scheduled fault`",
    "ordeals": "write `scheduled faults`",
    "hush": "write `mute leader`",
    "coup": "write `crash after election`",
    "wishes": "write `options`",
    "prey": "write `target`",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_a_page_is_written_in_plain_words(page: Path) -> None:
    text = prose(page).lower()
    found = {word: advice for word, advice in AVOIDED.items() if re.search(rf"\b{word}\b", text)}
    assert found == {}
