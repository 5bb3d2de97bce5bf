"""Every link of every Markdown page leads to a file and a heading that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import REPOSITORY
from tests.docs.markdown import anchors, links, names, pages

PAGES = pages()
OUR_PATH = re.compile(
    r"(?:ackproof|harness|node_impl|checkers|reports|history|tests|benchmarks|scripts)/[a-z0-9_./]*"
)
MACHINE_PATH = re.compile(r"(?<![\w.~])/(?:home|root|work|Users|tmp/w|tmp/brief)/[\w.-]+")


def named(page: Path) -> str:
    """The page's path in the repository, as the name of its test."""
    return page.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_of_the_repository(page: Path) -> None:
    broken = [
        link.path
        for link in links(page)
        if not link.target.exists() or not link.target.is_relative_to(REPOSITORY)
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_anchor_is_a_heading_of_its_page(page: Path) -> None:
    broken = [
        f"{link.path}#{link.anchor}"
        for link in links(page)
        if link.anchor and link.target.suffix == ".md" and link.target.exists()
        if link.anchor not in anchors(link.target)
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_names_a_path_of_one_machine(page: Path) -> None:
    assert MACHINE_PATH.findall(page.read_text(encoding="utf-8")) == []


WRITES_FILES = ("extending.md", "comparison.md")
"""The first shows files for its reader to write; the second names files of other repositories."""


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in WRITES_FILES], ids=named)
def test_every_path_of_the_repository_that_a_page_names_exists(page: Path) -> None:
    paths = {name for name in names(page) if OUR_PATH.fullmatch(name)}
    assert sorted(path for path in paths if not (REPOSITORY / path).exists()) == []


def test_the_index_leads_to_every_page_of_the_documentation() -> None:
    docs = REPOSITORY / "docs"
    linked = {link.target for link in links(docs / "index.md")}
    results = {link.target for link in links(docs / "results" / "README.md")}
    missing = [
        named(page)
        for page in PAGES
        if page.is_relative_to(docs) and page != docs / "index.md" and page not in linked | results
    ]
    assert missing == []
