"""Cores that tests run: the example of the documentation, changed or not, and an odd register."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from harness.sim.lockstep.encodings import EncodingName
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import core_of
from tests import REPOSITORY

EXAMPLE = REPOSITORY / "docs" / "examples" / "lockstep" / "raft.py"
ODD = Path(__file__).with_name("odd.py")
FRAMED = Path(__file__).with_name("framed.py")


def command(program: Path, *arguments: str) -> str:
    return shlex.join([sys.executable, "-I", str(program), *arguments])


def odd(
    behaviour: str = "right", answer_within_s: float = 20.0, encoding: EncodingName = "json"
) -> ForeignCore:
    return core_of(command(ODD, behaviour, encoding), answer_within_s)


def framed() -> str:
    """The example, but it speaks MessagePack."""
    return command(FRAMED, str(EXAMPLE))


def changed_example(folder: Path, before: str, after: str) -> Path:
    """The example with one place changed."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"the example has this {text.count(before)} times: {before}"
    path = folder / "raft.py"
    path.write_text(text.replace(before, after), encoding="utf-8")
    return path
