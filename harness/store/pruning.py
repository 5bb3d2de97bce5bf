"""Removes old runs of a store: by age, and until the store is small enough.

What is kept, whatever its age:

- a run in progress, and one that was changed in the last hour without being judged: it may be one whose
  judging goes on, or one of another user, whose ledger is not seen here;
- a run that a newer version wrote: only that version knows what it is for;
- the example of a finding: the folder of the run that `ackproof findings` names;
- everything that is not the folder of a run, and everything behind a link.

The journals of campaigns stay, too: they are small, and say whether a finding is new, ongoing or resolved.
The folders of their real runs go as other runs do.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun
from harness.store.entry import RunEntry
from harness.store.index import Progress, entries, existing
from harness.store.overview import readable_campaigns
from history.files import brief

HOUR_S = 3600.0
DAY_S = 86_400.0
PARTS = 3
"""A run of a campaign lies at CAMPAIGN/runs/RUN in the store."""


class PrunedRun(msgspec.Struct, frozen=True):
    """One run that goes, or would."""

    folder: str
    """From the store."""
    bytes: int
    why: str
    problem: str = ""
    """Why it could not be removed; empty if it was, or was not tried."""


class KeptRun(msgspec.Struct, frozen=True):
    """One run that stays although its age or the size of the store asks for it."""

    folder: str
    why: str


class Pruned(msgspec.Struct, frozen=True):
    """What goes, and what stays."""

    removed: tuple[PrunedRun, ...]
    kept: tuple[KeptRun, ...]
    bytes: int
    """Of all that goes."""
    left_bytes: int
    """Of the runs that stay."""
    runs_left: int
    is_done: bool
    """False if it was only said what would go."""


class _Sized(msgspec.Struct, frozen=True):
    entry: RunEntry
    bytes: int
    changed_s: float
    """When anything in it was changed last."""


def prune(
    store: Path,
    *,
    older_than_s: float | None,
    most_bytes: int | None,
    only_say: bool,
    now_s: float | None = None,
    tell: Progress = lambda _done, _of: None,
) -> Pruned:
    """Remove runs that began longer ago than this, then the oldest until the rest is small enough.

    Args:
        older_than_s: None for any age.
        most_bytes: what all runs may take together; None for any size.
        only_say: whether nothing is removed.
        now_s: the time since 1970; None for now.
        tell: is given how many steps are done, of how many: each run is measured, and each that goes removed.

    Raises:
        CouldNotRun: there is no such store, or the campaigns, which say what must stay, cannot be read.
    """
    store = existing(store)
    now_s = time.time() if now_s is None else now_s
    examples = _examples(store)
    listed = entries(store, tell)
    oldest_first = []
    for entry in reversed(listed):
        oldest_first.append(_sized(store, entry))
        tell(len(oldest_first), len(listed))
    total = sum(one.bytes for one in oldest_first)
    going: list[PrunedRun] = []
    kept: list[KeptRun] = []
    for one in oldest_first:
        why = _why(one, older_than_s, most_bytes, total, now_s)
        if why is None:
            continue
        reason = _reason_to_stay(one, examples, now_s)
        if reason is not None:
            kept.append(KeptRun(one.entry.folder, reason))
            continue
        total -= one.bytes
        going.append(PrunedRun(one.entry.folder, one.bytes, why))
    if not only_say:
        for place, run in enumerate(going):
            going[place] = _removed(store, run)
            tell(place + 1, len(going))
    failed = sum(one.bytes for one in going if one.problem)
    gone = [one for one in going if not one.problem]
    return Pruned(
        removed=tuple(going),
        kept=tuple(kept),
        bytes=sum(one.bytes for one in gone),
        left_bytes=total + failed,
        runs_left=len(oldest_first) - len(gone),
        is_done=not only_say,
    )


def _why(
    one: _Sized, older_than_s: float | None, most_bytes: int | None, total: int, now_s: float
) -> str | None:
    """Why a run should go; None if it need not."""
    age_s = now_s - _began_s(one)
    if older_than_s is not None and age_s > older_than_s:
        return f"{age_s / DAY_S:.0f} days old"
    if most_bytes is not None and total > most_bytes:
        return "the store is too large"
    return None


def _began_s(one: _Sized) -> float:
    """When a run began, in seconds since 1970; where that is not known, when it was changed last."""
    began_at = one.entry.began_at
    return one.changed_s if began_at is None else datetime.fromisoformat(began_at).timestamp()


def _reason_to_stay(one: _Sized, examples: frozenset[str], now_s: float) -> str | None:
    """Why a run must stay; None if it may go."""
    if one.entry.state == "in progress":
        return "it is in progress"
    if one.entry.state == "newer":
        return one.entry.why
    if one.entry.state != "judged" and now_s - one.changed_s < HOUR_S:
        return "it was changed in the last hour, and is not judged"
    if one.entry.folder in examples:
        return "it is the example of a finding"
    return None


def _examples(store: Path) -> frozenset[str]:
    """The folders of the runs that findings name as their examples, from the store, wherever it was then."""
    from harness.campaign.findings.gathering import findings  # here, since few stores have campaigns

    campaigns, problem = readable_campaigns(store)
    if problem:
        raise CouldNotRun(f"{problem}; it says which runs must stay, so nothing was removed")
    named = (one.example.folder for one in findings(campaigns, {}) if one.example.folder)
    return frozenset("/".join(Path(folder).parts[-PARTS:]) for folder in named)


def _sized(store: Path, entry: RunEntry) -> _Sized:
    sizes, times = [0], [0.0]
    for found in _below(store / entry.folder):
        sizes.append(found.st_blocks * 512)
        times.append(found.st_mtime)
    return _Sized(entry, sum(sizes), max(times))


def _below(folder: Path) -> Iterator[os.stat_result]:
    """The folder itself and all below it; no link is followed."""
    try:
        yield folder.lstat()
        with os.scandir(folder) as found:
            below: Sequence[os.DirEntry[str]] = list(found)
    except OSError:
        return
    for one in below:
        if one.is_dir(follow_symlinks=False):
            yield from _below(Path(one.path))
        else:
            try:
                yield one.stat(follow_symlinks=False)
            except OSError:
                continue


def _removed(store: Path, one: PrunedRun) -> PrunedRun:
    """Remove a run's folder; the answer says why that failed, if it did."""
    path = store / one.folder
    try:
        if not stat.S_ISDIR(path.lstat().st_mode) or path.resolve() != path:
            return msgspec.structs.replace(one, problem="it is no folder of this store any more")
        shutil.rmtree(path)
        latest = store / "latest"
        if latest.is_symlink() and not latest.exists():
            latest.unlink()
    except OSError as error:
        return msgspec.structs.replace(one, problem=brief(error.strerror or error))
    return one
