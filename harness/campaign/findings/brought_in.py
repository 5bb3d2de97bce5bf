"""The commit that brought in a finding, as a bisection found it: kept next to the finding's example."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.campaign.findings.shrunk import EXAMPLES
from harness.campaign.journal import Stored
from harness.errors import CouldNotRun
from history.files import RefusedFile, decode_json, read_regular, replace_file


class BroughtIn(msgspec.Struct, frozen=True):
    """One commit."""

    id: str
    date: str
    subject: str
    error: float
    """How likely it is, at most, that it was another one."""


def keep_commit(campaign: Stored, fingerprint: str, commit: BroughtIn) -> None:
    """Write it into the folder of a campaign that saw the finding.

    Raises:
        CouldNotRun: it cannot be written.
    """
    path = _path(campaign.folder, fingerprint)
    try:
        path.parent.mkdir(exist_ok=True)
        replace_file(path, msgspec.json.encode(commit), root=campaign.folder)
    except (OSError, RefusedFile) as error:
        raise CouldNotRun(f"cannot write {path}: {error}") from error


def commit_of(stored: Sequence[Stored], fingerprint: str) -> BroughtIn | None:
    """The commit that the latest bisection of a finding found; None if there is none."""
    for campaign in reversed(stored):
        path = _path(campaign.folder, fingerprint)
        try:
            return decode_json(read_regular(path), BroughtIn, where=path)
        except (OSError, RefusedFile):
            continue
    return None


def _path(folder: Path, fingerprint: str) -> Path:
    return folder / EXAMPLES / f"{fingerprint}-commit.json"
