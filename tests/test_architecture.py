"""The arrows between parts point one way, and every part is under that law."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_no_import_points_the_wrong_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_part_of_the_harness_is_named_in_the_contracts() -> None:
    """import-linter knows only what is listed: a new part must be listed too."""
    parts = {
        f"harness.{path.stem}"
        for path in (ROOT / "harness").iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py"
    } - {"harness.__init__", "harness.history"}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for contract in contracts[:1] + contracts[2:4]:
        missing = parts - set(contract["forbidden_modules"])
        assert not missing, f"{contract['name']!r} does not name {sorted(missing)}"


def test_importing_the_history_is_cheap_and_drags_nothing_of_ours_along() -> None:
    program = (
        "import sys, harness.history; print(*[m for m in sys.modules if m.split('.')[0] in "
        "('harness', 'node_impl', 'checkers', 'reports', 'pandas', 'aiohttp')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [m for m in loaded if not m.startswith("harness.history") and m != "harness"] == []
