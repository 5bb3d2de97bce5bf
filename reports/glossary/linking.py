"""Finds the glossary's terms in a text, and links the first use of each in a page to its entry there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from reports.glossary.terms import TERMS, Term
from reports.text import clean

_BY_FORM: dict[str, Term] = {form.lower(): term for term in TERMS for form in (term.name, *term.forms)}
# The longest first, so that "stale read" is found and not "stale".
_FORMS = "|".join(re.escape(form) for form in sorted(_BY_FORM, key=len, reverse=True))
_TERM = re.compile(rf"(?<![\w/.:-])(?:{_FORMS})(?!/?\w|-)", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


class Linker:
    """Links terms to their entries, each only where it occurs first; one linker serves one page.

    `explained` are names whose meaning the page gives where they stand: they need neither link nor entry.
    """

    def __init__(self, explained: Iterable[str] = ()) -> None:
        found = (_BY_FORM.get(name.lower()) for name in explained)
        self._explained = {term for term in found if term is not None}
        self._linked: set[Term] = set()

    def __call__(self, text: str) -> Markup:
        """The text, escaped, with a link on each term that the page has not linked before."""
        text = clean(text)
        done, parts = 0, []
        for match in _TERM.finditer(text):
            term = _BY_FORM[match.group().lower()]
            if term in self._linked or term in self._explained:
                continue
            self._linked.add(term)
            parts.append(escape(text[done : match.start()]))
            parts.append(
                Markup('<a class="term" href="#{}" title="{}">{}</a>').format(
                    anchor(term), meaning(term.name), match.group()
                )
            )
            done = match.end()
        parts.append(escape(text[done:]))
        return Markup("").join(parts)

    def terms_of_page(self, html: str) -> list[Term]:
        """The terms to explain at the end of the page, by the alphabet: those that its reader sees in it."""
        seen = terms_in(_TAG.sub(" ", html)) - self._explained
        return sorted(seen | self._linked, key=lambda term: term.name.lower())


def anchor(term: Term) -> str:
    """The id of a term's entry in a report's page."""
    return f"word-{term.slug}"


def terms_in(text: str) -> set[Term]:
    """The terms that occur in a text."""
    return {_BY_FORM[form.lower()] for form in set(_TERM.findall(text))}


def meaning(name: str) -> str:
    """What the glossary says of a name; empty for a name that it does not have."""
    term = _BY_FORM.get(name.lower())
    return "" if term is None else term.definition.replace("`", "")
