"""The shrunk examples that lie in the folders of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.campaign.journal import Stored
from harness.sim.cause import CAUSE_SUFFIX
from history.files import RefusedFile, decode_json, read_regular

EXAMPLES = "examples"
"""The folder of a campaign in which they are."""


class ShrunkFile(msgspec.Struct, frozen=True):
    """One of them."""

    file: str
    lines: int
    cause: str = ""
    """The picture of what brought it about, which `ackproof cause` draws next to the file; empty if there is
    none."""


class _Story(msgspec.Struct):
    story: list[str]


def shrunk_example(stored: Sequence[Stored], fingerprint: str) -> ShrunkFile | None:
    """The latest shrunk example of a finding in the folders of these campaigns; None if there is none."""
    for campaign in reversed(stored):
        path = campaign.folder / EXAMPLES / f"{fingerprint}.json"
        lines = _lines(path)
        if lines is not None:
            curve = path.with_suffix(CAUSE_SUFFIX)
            return ShrunkFile(str(path), lines, str(curve) if curve.is_file() else "")
    return None


def _lines(path: Path) -> int | None:
    """How many lines a schedule's file tells; None if it cannot be read."""
    try:
        return len(decode_json(read_regular(path), _Story, where=path).story)
    except (OSError, RefusedFile):
        return None
