"""Which module imports which, read from the source: nothing is imported for it.

Imports inside functions count, too; those for type checkers alone do not.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

Edge = tuple[str, str]
"""A module, and one that it imports."""
PACKAGES = ("ackproof", "harness", "reports", "checkers", "history", "node_impl")
ROOT = Path(__file__).parents[3]
"""The folder that holds our packages."""


def module_of(path: Path, root: Path = ROOT) -> str | None:
    """The module that a file under a package of ours is; None of any other file."""
    if not path.is_relative_to(root) or path.suffix != ".py":
        return None
    parts = path.relative_to(root).with_suffix("").parts
    if len(parts) < 2 or parts[0] not in PACKAGES:
        return None
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules(root: Path = ROOT) -> Mapping[str, Path]:
    """The files of all modules of our packages, by module."""
    return {
        module: path
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
        if (module := module_of(path, root)) is not None
    }


@cache
def imported(module: str, root: Path = ROOT) -> frozenset[str]:
    """The modules of ours that a module imports, the packages above them and itself included."""
    files = modules(root)
    if module not in files:
        return frozenset()
    return frozenset(_known(_named(files[module], module), files)) | frozenset(_above(module))


def reached(
    roots: Iterable[str], is_followed: Callable[[Edge], bool] = lambda _edge: True, root: Path = ROOT
) -> frozenset[str]:
    """The modules that these import, directly or not, themselves included.

    Args:
        is_followed: whether an import counts.
        root: the folder that holds the packages.
    """
    found: set[str] = set()
    left = list(roots)
    while left:
        module = left.pop()
        if module not in found:
            found.add(module)
            left += [other for other in imported(module, root) if is_followed((module, other))]
    return frozenset(found)


def _known(names: Iterable[str], files: Mapping[str, Path]) -> Iterator[str]:
    """Those names that are modules, each with the packages above it, whose code runs, too."""
    for name in names:
        while name and name not in files:
            name = name.rpartition(".")[0]
        if name:
            yield name
            yield from _above(name)


def _above(module: str) -> Iterator[str]:
    while module := module.rpartition(".")[0]:
        yield module


def _named(path: Path, module: str) -> Iterator[str]:
    """What a file's import statements name: modules, or things in modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_for_types(child.test):
            for other in child.orelse:
                yield other
                yield from _statements(other)
        else:
            yield child
            yield from _statements(child)


def _is_for_types(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))
