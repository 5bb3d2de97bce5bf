"""Joins the journals of shards into one campaign, in which each run counts once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from harness.campaign.cells import Unit
from harness.campaign.journal import (
    CrashLine,
    Journal,
    RunLine,
    Stored,
    read,
)
from harness.campaign.watching.figures import is_same
from harness.errors import CouldNotRun


def merged(
    folders: Sequence[Path], store: Path, tell_share: Callable[[float], None] = lambda _: None
) -> Stored:
    """Join these folders' journals into a new folder of the store.

    A run that several journals hold, as those of a canary, counts once. Of two results for one simulated seed
    that differ, the second becomes the repetition with which the first is compared, so the difference shows.
    Of two real runs, a violation is kept. `tell_share` is given, now and then, which share of this is done.

    Raises:
        CouldNotRun: a folder is no campaign's, or they do not belong together: by name, and why.
    """
    parts = []
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        parts.append(read(folder))
        tell_share(len(parts) / (len(folders) + 1))
    parts = list({part.header.id: part for part in parts}.values())
    first = parts[0]
    for part in parts[1:]:
        why = _why_apart(first, part)
        if why is not None:
            raise CouldNotRun(f"{first.folder} and {part.folder} cannot be merged: {why}")
    runs: dict[Unit, RunLine] = {}
    for part in parts:
        for line in part.runs:
            _add(runs, line, is_simulated=first.plan.cells[line.cell].world == "sim")
    crashes = {
        line.unit: line
        for part in parts
        for line in part.lines
        if isinstance(line, CrashLine) and line.unit not in runs
    }
    journal = Journal.create(store, first.plan.whole, merged=[part.header.id for part in parts])
    known: set[int] = set()
    for line in sorted(runs.values(), key=lambda line: (line.at, line.unit)):
        journal.add(msgspec.structs.replace(line, new=tuple(one for one in line.new if one not in known)))
        known.update(line.new)
    for crash in crashes.values():
        journal.add(crash)
    journal.close()
    return journal.now()


def _add(runs: dict[Unit, RunLine], line: RunLine, *, is_simulated: bool) -> None:
    there = runs.get(line.unit)
    if there is None:
        runs[line.unit] = line
    elif not is_simulated:
        if line.outcome.violations and not there.outcome.violations:
            runs[line.unit] = line
    elif not is_same(there, line):
        repeated = msgspec.structs.replace(line, again=True)
        runs[repeated.unit] = repeated


def _why_apart(one: Stored, other: Stored) -> str | None:
    """Why two journals do not belong to one campaign; None if they do."""
    for what, version in one.header.versions.items():
        if other.header.versions.get(what) != version:
            return f"the versions of {what} are {version} and {other.header.versions.get(what)}"
    changed = [part for part, digest in one.header.code.items() if other.header.code.get(part) != digest]
    if changed:
        return f"different code ran ({', '.join(changed)})"
    if one.plan.whole != other.plan.whole:
        return "they have different plans"
    return None
