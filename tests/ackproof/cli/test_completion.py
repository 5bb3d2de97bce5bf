"""A shell offers the names of commands, workloads, faults, systems and seeded bugs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ackproof ru", {"run", "runs"}),
        ("ackproof run --workload registr", {"registry"}),
        ("ackproof run --nemesis kill,partit", {"kill,partition"}),
        ("ackproof sim --nemesis pau", {"pause"}),
        ("ackproof sim --mutant vote-tw", {"vote-twice"}),
        ("ackproof run --system zookee", {"zookeeper"}),
    ],
)
def test_a_shell_offers_the_names_that_begin_so(words: str, offered: set[str]) -> None:
    asked = {
        "_ACKPROOF_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run([ACKPROOF], env={**os.environ, **asked}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert {line.removeprefix("plain,") for line in done.stdout.split()} == offered
