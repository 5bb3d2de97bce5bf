"""Notices another package that hides one of Ackproof's own.

Ackproof's packages have common names: `checkers`, `harness`, `history`, `node_impl`, `reports`. Python takes
the first package of a name that it finds, and it looks first in the current folder, or next to the user's
own script. A project's own `reports`, say, would be loaded in place of Ackproof's, and something would fail
later with an error that explains nothing. So this module looks before any of them is imported. It imports
the standard library only.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("checkers", "harness", "history", "node_impl", "reports")
HOME = Path(__file__).resolve().parent.parent
"""The folder that holds all of Ackproof's packages."""


def shadow() -> str | None:
    """One line about the first package that hides one of ours: its file, and what to do; None without one."""
    for name in PACKAGES:
        file = _found(name)
        if file is None:
            return f"Ackproof's package {name!r} is missing in {HOME}: install ackproof again"
        if file.parent != HOME / name:
            shown = file.parent if file.name == "__init__.py" else file
            return f"{shown} hides Ackproof's own package {name!r}: {_advice(shown.parent)}"
    return None


def require_no_shadow() -> None:
    """Refuse to go on where another package hides one of ours.

    Raises:
        ImportError: one does; the message names its file and says what to do.
    """
    problem = shadow()
    if problem is not None:
        raise ImportError(problem)


def _found(name: str) -> Path | None:
    """The file that `import NAME` would load, or has loaded; None if there is no such package."""
    loaded = sys.modules.get(name)
    spec = getattr(loaded, "__spec__", None) or (None if loaded else find_spec(name))
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).resolve()
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve() / "__init__.py"
    file = getattr(loaded, "__file__", None)
    return None if file is None else Path(file).resolve()


def _advice(folder: Path) -> str:
    if folder.name in ("site-packages", "dist-packages"):
        return "install ackproof into a virtual environment of its own"
    listed = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if any(entry and Path(entry).resolve() == folder for entry in listed):
        return "rename it, or take its folder out of PYTHONPATH"
    if "_pytest" in sys.modules:
        return "rename it, or judge by the fixture `cluster`, which works in another process (docs/pytest.md)"
    return "run from another folder, rename it, or set PYTHONSAFEPATH=1"
