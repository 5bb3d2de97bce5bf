"""Writes `docs/glossary.md` from the glossary: `python -m reports.glossary.page`."""

from __future__ import annotations

from pathlib import Path

from reports.glossary.terms import GLOSSARY

PAGE = Path(__file__).parents[2] / "docs" / "glossary.md"
_INTRODUCTION = """\
# Glossary

The words that reports and messages use. Each has this one meaning everywhere. A report lists those that occur
in it at its end, and links the first use of each to its entry.

This page is made by `python -m reports.glossary.page`.
"""


def page() -> str:
    """The page as Markdown: a heading a group, a definition a line."""
    parts = [_INTRODUCTION]
    for group, terms in GLOSSARY.items():
        lines = [
            f'- <a id="{term.slug}"></a>**{term.name}**: {term.definition}'
            for term in sorted(terms, key=lambda term: term.name.lower())
        ]
        parts.append("\n".join([f"## {group}", "", *lines, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
