"""docs/faults.md says of every fault what the catalogue says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from tests import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "faults.py"
PAGE = REPOSITORY / "docs" / "faults.md"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_faults_is_the_catalogues() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert loaded(SCRIPT).with_table(page) == page, "run scripts/docs, or python scripts/faults.py"


def test_the_page_names_every_target() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [target for target in loaded(SCRIPT).targets() if f"`{target}`" not in page] == []
