"""Which runs are wanted: by system, workload, fault, verdict, time and commit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal, get_args

import msgspec

from harness.store.entry import RunEntry

VerdictChoice = Literal["valid", "invalid", "unknown", "in progress", "not judged", "damaged", "newer"]
"""How a run ended: its validity, or why it has none."""
VERDICTS: tuple[VerdictChoice, ...] = get_args(VerdictChoice)
_AGO = re.compile(r"(?P<number>\d{1,6})(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What runs must have to be listed; what is None or empty is not asked for."""

    system: str | None = None
    workload: str | None = None
    fault: str | None = None
    """A fault, with or without its target."""
    verdicts: tuple[str, ...] = ()
    since: str | None = None
    """In UTC, as entries have it."""
    until: str | None = None
    commit: str | None = None
    """The first digits of a commit."""
    text: str = ""
    """What one of the entry's texts must hold."""

    def takes(self, entry: RunEntry) -> bool:
        """Whether a run is wanted."""
        began = entry.began_at or ""
        return (
            _like(entry.system, self.system)
            and _like(entry.workload, self.workload)
            and (self.fault is None or any(_is_fault(fault, self.fault) for fault in entry.nemesis))
            and (not self.verdicts or verdict_of(entry) in self.verdicts)
            and (self.since is None or began >= self.since)
            and (self.until is None or (began != "" and began <= self.until))
            and (self.commit is None or (entry.commit or "").startswith(self.commit.lower()))
            and (not self.text or any(self.text.lower() in part.lower() for part in texts_of(entry)))
        )


def chosen(found: Iterable[RunEntry], choice: Choice) -> list[RunEntry]:
    """The runs that are wanted, in their order."""
    return [entry for entry in found if choice.takes(entry)]


def verdict_of(entry: RunEntry) -> str:
    """How a run ended: its validity, or why it has none."""
    return entry.state if entry.validity is None else entry.validity.value


def texts_of(entry: RunEntry) -> Iterable[str]:
    """The texts by which a run may be searched for."""
    yield from (entry.folder, entry.system or "", entry.workload or "", entry.mutant or "", entry.why)
    yield from (*entry.nemesis, *entry.failed, entry.commit or "")
    yield f"seed {entry.seed}"


def moment(text: str, now: datetime | None = None) -> str:
    """A time in UTC, as entries have it: of a date, a date with time, or how long ago (90m, 24h, 7d, 2w).

    A date without a zone is in local time.

    Raises:
        ValueError: it is none of these.
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            found = (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago["unit"]]: int(ago["number"])})
        else:
            found = datetime.fromisoformat(text)
        return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:80]!r} is no time: give a date (2026-11-28), a date with time (2026-11-28T13:42), or "
            "how long ago (90m, 24h, 7d, 2w)"
        ) from None


def _like(value: str | None, wanted: str | None) -> bool:
    """Whether a name is the wanted one, or fits its pattern (`my.py:*`)."""
    return wanted is None or (value is not None and (value == wanted or fnmatchcase(value, wanted)))


def _is_fault(fault: str, wanted: str) -> bool:
    return wanted in (fault, fault.partition(":")[0])
