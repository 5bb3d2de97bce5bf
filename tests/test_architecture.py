"""The imports between parts point one way, and every part is held by a contract."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests import REPOSITORY

ROOTS = ("ackproof", "harness", "reports", "checkers", "history", "node_impl")


def test_no_import_points_the_wrong_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_root_folder_is_held_by_the_contracts_and_is_packaged() -> None:
    """The contracts know only the roots that they name."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]
    packaged = {name.removesuffix("*") for name in settings["setuptools"]["packages"]["find"]["include"]}
    on_disk = {
        path.parent.name for path in REPOSITORY.glob("*/__init__.py") if path.parent.name not in ("tests",)
    }
    assert on_disk == packaged == set(settings["importlinter"]["root_packages"]) == set(ROOTS)


def test_no_contract_is_dodged_by_an_import_at_run_time() -> None:
    """`importlib.import_module` and `__import__` would hide an import from the contracts."""
    dodging = [
        path
        for root in ROOTS
        for path in (REPOSITORY / root).rglob("*.py")
        if any(word in path.read_text() for word in ("import_module(", "__import__("))
    ]
    assert dodging == []


def test_importing_the_history_is_cheap_and_drags_nothing_of_ours_along() -> None:
    program = (
        "import sys, history; print(*[m for m in sys.modules if m.split('.')[0] in "
        "('ackproof', 'harness', 'node_impl', 'checkers', 'reports', 'pandas', 'aiohttp')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []
