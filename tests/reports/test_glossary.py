"""The glossary: a word has one meaning, the documentation holds the same, a report explains its own words."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from checkers.verdict import Validity
from reports.glossary.linking import Linker, anchor, meaning, terms_in
from reports.glossary.page import PAGE, page
from reports.glossary.terms import GLOSSARY, TERMS
from reports.html import render
from tests.reports import synthetic
from tests.reports.page import Page, assert_sound


def test_each_form_belongs_to_one_term_and_each_entry_has_an_address_of_its_own() -> None:
    forms = Counter(form.lower() for term in TERMS for form in (term.name, *term.forms))
    assert [form for form, times in forms.items() if times > 1] == []
    assert len({anchor(term) for term in TERMS}) == len(TERMS)


def test_a_definition_is_one_or_two_plain_sentences() -> None:
    for term in TERMS:
        sentences = re.findall(r"[.?](?:\s|$)", term.definition)
        assert term.definition[0].isupper(), term.name
        assert term.definition.endswith("."), term.name
        assert 1 <= len(sentences) <= 3, term.name
        assert len(term.definition) < 220, term.name


def test_the_page_of_the_documentation_is_made_from_the_glossary() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
    for group in GLOSSARY:
        assert f"## {group}\n" in page()


def names(text: str) -> set[str]:
    return {term.name for term in terms_in(text)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A stale read of two leases", {"stale read", "lease"}),
        ("election-safety", {"election-safety"}),
        ("pre-election: an-info", set()),
        ("Acknowledged by a MAJORITY.", {"acknowledged", "majority"}),
        ("store/run/7", set()),
    ],
)
def test_terms_are_found_as_whole_words_and_the_longest_wins(text: str, found: set[str]) -> None:
    assert names(text) == found


def test_only_the_first_use_is_linked_and_the_rest_is_escaped() -> None:
    linked = Linker()
    first = str(linked("<b>leader</b> and leaders"))
    assert first.count('href="#word-leader"') == 1
    assert first.startswith("&lt;b&gt;<a class=")
    assert first.endswith("&lt;/b&gt; and leaders")
    assert "href" not in linked("the leader")


def test_a_name_that_is_explained_where_it_stands_is_neither_linked_nor_listed() -> None:
    linked = Linker(explained=["durability", "a checker that the glossary does not have"])
    assert "href" not in linked("durability")
    assert [term.name for term in linked.terms_of_page("<p>durability of a leader</p>")] == ["leader"]
    assert meaning("durability")
    assert "`" not in meaning("world")
    assert meaning("a checker that the glossary does not have") == ""


@pytest.mark.parametrize("kind", ["valid", "invalid", "unknown"])
def test_a_report_lists_the_terms_that_occur_in_it_and_links_each_once(kind: str) -> None:
    run = synthetic.recording()
    verdicts = {
        "valid": synthetic.valid_verdicts(),
        "invalid": synthetic.invalid_verdicts(run.history),
        "unknown": synthetic.unknown_verdicts(),
    }[kind]
    html = render(run, verdicts, synthetic.about(Validity(kind)))
    found = assert_sound(html)
    entries = {id_ for id_ in found.ids if id_.startswith("word-")}
    links = [link[1:] for link in found.links if link.startswith("#word-")]
    assert set(links) <= entries
    assert max(Counter(links).values()) == 1
    assert {"word-leader", "word-nemesis", "word-latency", "word-ok"} <= entries
    before = re.sub(r"<[^>]*>", " ", html[: html.index('<section id="words">')])
    assert entries <= {anchor(term) for term in terms_in(before)}


def test_each_checker_says_what_it_judges() -> None:
    run = synthetic.recording()
    html = render(run, synthetic.valid_verdicts(), synthetic.about())
    assert "At most one leader is elected in a term." in Page(html).words
