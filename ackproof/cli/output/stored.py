"""How the runs of a store are shown to people; for the commands about all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.store.entry import RunEntry

LONGEST_NAME = 40
"""Longer names are cut where they are listed."""


def row_of(entry: RunEntry) -> str:
    """One run in one line: when it began, how it ended, what was run, its folder, which checkers failed."""
    began = "" if entry.began_at is None else entry.began_at[:16].replace("T", " ")
    if entry.state in ("damaged", "newer"):
        return f"{began:16}  {entry.state:11}  {entry.folder}: {entry.why}"
    ended = entry.state if entry.validity is None else entry.validity.value
    failed = f"  {entry.failed[0]}" if entry.failed else ""
    more = f" and {len(entry.failed) - 1} more" if len(entry.failed) > 1 else ""
    return f"{began:16}  {ended:11}  {what_ran(entry)}  {entry.folder}{failed}{more}"


def what_ran(entry: RunEntry) -> str:
    """What was run, in a few words: system, workload, faults, seeded bug, seed."""
    parts = [
        "recorded" if entry.kind == "recorded" else entry.world or "",
        _short(entry.system or ""),
        _short(entry.workload or ""),
        _short(entry.faults_in_words) if entry.kind != "recorded" else "",
        f"mutant {_short(entry.mutant)}" if entry.mutant else "",
        f"seed {entry.seed}" if entry.seed is not None else "",
    ]
    return " ".join(filter(None, parts))


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
