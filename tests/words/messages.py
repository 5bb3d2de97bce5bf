"""Collects the texts that people read: messages, help texts, verdicts and captions, out of the source itself.

A text is a literal (also an f-string) that holds a phrase, the docstring of a command, or what stands in a
template between its tags. A literal that is one token is a name, not a sentence. So is what stands in
backticks; and what a placeholder fills in is judged where it is made.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests import REPOSITORY

FILLED = "\0"
"""Stands where an f-string or a template fills something in."""

_PHRASE = re.compile(rf"[A-Za-z{FILLED}][,.:;)]?\s+[(]?[A-Za-z{FILLED}]")
_CODE = re.compile(r"`[^`]*`")
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?(?:-[A-Za-z]+)*")
_SURROUNDING = ".,;:!?()[]{}<>\"'…\u2013\u2014→·✓✕=|*"
_JINJA = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_LITERAL = re.compile(r'"([^"]*)"')
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class MessageText:
    """A text that somebody reads, and where it stands."""

    place: str
    text: str

    def words(self) -> Iterator[str]:
        """Its words as they stand; a token with digits, dots or underscores inside is a name and left out."""
        for token in _CODE.sub(" ", self.text).split():
            bare = token.strip(_SURROUNDING)
            parts = bare.split("/") if re.fullmatch(r"[A-Za-z]+(?:/[A-Za-z]+)+", bare) else [bare]
            yield from (part for part in parts if _WORD.fullmatch(part))


def messages(*folders: str) -> list[MessageText]:
    """The messages of the Python files and templates below these folders of the repository."""
    found: list[MessageText] = []
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            place = str(path.relative_to(REPOSITORY))
            found.extend(messages_of_python(path.read_text(encoding="utf-8"), place))
        for path in sorted((REPOSITORY / folder).rglob("*.j2")):
            place = str(path.relative_to(REPOSITORY))
            found.extend(messages_of_template(path.read_text(encoding="utf-8"), place))
    return found


def messages_of_python(source: str, place: str) -> Iterator[MessageText]:
    """The phrases among the literals of a module, and the docstrings of its commands."""
    tree = ast.parse(source)
    skipped = {id(node) for node in _docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(value) for value in node.values)
    for node in ast.walk(tree):
        text = None
        match node:
            case ast.JoinedStr(values=values):
                text = "".join(str(v.value) if isinstance(v, ast.Constant) else FILLED for v in values)
            case ast.Constant(value=str() as literal) if id(node) not in skipped:
                text = literal
            case ast.FunctionDef() if _is_command(node):
                text = ast.get_docstring(node)
        if text is not None and _PHRASE.search(text):
            yield MessageText(f"{place}:{getattr(node, 'lineno', 0)}", text)


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Docstrings, also those below a constant or a field: they are for readers of the code."""
    for node in ast.walk(tree):
        for statement in (
            getattr(node, "body", None) or () if not isinstance(node, ast.Lambda | ast.IfExp) else ()
        ):
            match statement:
                case ast.Expr(value=ast.Constant(value=str()) as docstring):
                    yield docstring


def _is_command(function: ast.FunctionDef) -> bool:
    return any(
        "command" in ast.unparse(mark) or "group" in ast.unparse(mark) for mark in function.decorator_list
    )


def messages_of_template(source: str, place: str) -> Iterator[MessageText]:
    """What a template writes between its tags, and the phrases that it hands to a macro or a function."""
    for match in _JINJA.finditer(source):
        for literal in _LITERAL.findall(match.group()):
            if _PHRASE.search(literal):
                yield MessageText(place, literal)
    for line in _TAG.sub("\n", _JINJA.sub(FILLED, source)).splitlines():
        if _PHRASE.search(line):
            yield MessageText(place, line)
