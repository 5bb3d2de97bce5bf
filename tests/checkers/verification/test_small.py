"""What rechecks a certificate is small enough to be read by those who rely on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers import verification

ROOM = Path(verification.__file__).parent
RECHECKING = sorted(path for path in ROOM.rglob("*.py") if path.name not in ("__init__.py", "certificate.py"))
"""All modules but the form of a certificate's file."""


@pytest.mark.parametrize("path", RECHECKING, ids=lambda path: path.stem)
def test_a_module_that_rechecks_has_less_than_two_hundred_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 200
