"""Transactions are judged alike with and without numba."""

from __future__ import annotations

import subprocess
import sys

import pytest

from history.kernels import can_compile

JUDGED = """
import sys
if sys.argv[1] == "plain":
    sys.modules["numba"] = None
from history import kernels
from history.kernels import can_compile
from tests.checkers.transactions.minimal import anomalies
from tests.checkers.transactions.test_anomalies import ONE_BY_ONE, TOGETHER_OF_LISTS, TOGETHER_OF_REGISTERS
assert can_compile() == (sys.argv[1] == "compiled")
kernels.LITTLE = 0
for cases, together, lists in (
    (TOGETHER_OF_LISTS, True, True), (TOGETHER_OF_REGISTERS, True, False), (ONE_BY_ONE, False, True)
):
    for case, (lines, expected) in cases.items():
        print(case, sorted(anomalies(*lines, together=together, lists=lists)), sorted(expected))
"""


@pytest.mark.skipif(not can_compile(), reason="there is nothing to compare with")
def test_plain_python_and_compiled_code_name_the_same_anomalies() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", JUDGED, form], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for form in ("plain", "compiled")
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 40
