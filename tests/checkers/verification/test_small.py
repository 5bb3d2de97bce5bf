"""What rechecks a certificate is small enough to be read by those who rely on it."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkers import verification

ROOM = Path(verification.__file__).parent
RECHECKING = sorted(path for path in ROOM.rglob("*.py") if path.name not in ("__init__.py", "certificate.py"))
"""All modules but the form of a certificate's file."""
OF_ONE_KIND = [path for path in RECHECKING if path.stem != "recheck"]
"""All that check one kind of proof; `recheck` only picks which of them does."""
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@pytest.mark.parametrize("path", RECHECKING, ids=lambda path: path.stem)
def test_a_module_that_rechecks_has_less_than_two_hundred_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 200


@pytest.mark.parametrize("path", OF_ONE_KIND, ids=lambda path: path.stem)
def test_a_verifier_has_less_than_two_hundred_lines_of_code_with_all_it_imports_of_its_room(
    path: Path,
) -> None:
    assert sum(len(code_lines(module)) for module in reached(path)) < 200


def test_every_module_of_the_room_is_counted_and_only_code_is() -> None:
    assert {module for path in OF_ONE_KIND for module in reached(path)} == set(OF_ONE_KIND)
    steps = ROOM / "transactions" / "steps.py"
    assert steps in reached(ROOM / "transactions" / "values.py")
    counted = [steps.read_text().splitlines()[number - 1].strip() for number in code_lines(steps)]
    assert all(line and not line.startswith(("#", '"""')) for line in counted)
    assert "class Step(NamedTuple):" in counted
    assert "return self.transactions[index]" in counted


def reached(path: Path) -> set[Path]:
    """A module and all of the room that it imports, but for the form of a certificate's file."""
    found, ahead = set(), [path]
    while ahead:
        module = ahead.pop()
        if module in RECHECKING and module not in found:
            found.add(module)
            ahead += imported(module)
    return found


def imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [one.name for one in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names += [f"{node.module}", *(f"{node.module}.{name}" for name in names)]
        yield from ((ROOM.parent.parent / name.replace(".", "/")).with_suffix(".py") for name in names)


def code_lines(path: Path) -> set[int]:
    """The numbers of lines with code: neither blank nor a comment nor a text that stands by itself."""
    source = path.read_text()
    counted: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            counted |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            counted -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return counted
