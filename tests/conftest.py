"""Settings for every test: Hypothesis never judges by the clock, and tries the same examples each time.

`HYPOTHESIS_PROFILE=wander pytest` tries others, and prints how to reproduce what it finds.

A test whose name holds an address in memory is refused: each process would have another name for it, so that
two processes could not share the tests out.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("ackproof", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("wander", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ackproof"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that are named by an address in memory."""
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"give the parameters of this test ids: {item.nodeid[:200]}")
