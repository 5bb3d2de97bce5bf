"""What the pages over all runs show. Links are relative to the folder of the pages."""

from __future__ import annotations

from typing import Literal

import msgspec


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run in a list."""

    name: str
    began: str
    """In UTC, to the minute."""
    ended: str
    """valid, invalid, unknown, in progress, not judged, damaged or newer."""
    what: str
    """System, workload, faults, in a few words."""
    seed: str
    why: str
    """Why it is not valid."""
    commit: str
    """Its first digits."""
    report: str | None = None
    """A link to the report; None if there is none."""
    archive: str | None = None
    """A link to all files of the run as one zip."""


class RunList(msgspec.Struct, frozen=True, kw_only=True):
    """One page of runs."""

    rows: tuple[RunRow, ...]
    of: int
    """How many runs the store has, or those that were asked for."""
    text: str = ""
    """What was searched for."""
    ended: str = ""
    page: int = 1
    earlier: str | None = None
    """A link to the page of earlier runs."""
    later: str | None = None


class TrendPoint(msgspec.Struct, frozen=True):
    """One run of a trend."""

    ended: str
    title: str
    link: str | None
    latency_ms: float | None
    unavailable_s: float | None


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of one system with one workload under the same faults, the latest last."""

    system: str
    workload: str
    faults: str
    points: tuple[TrendPoint, ...]
    runs: int
    valid: int
    invalid: int
    unknown: int


class CampaignRow(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign in a list."""

    name: str
    link: str | None
    began: str
    ended: str
    """Why its work ended."""
    runs: int = 0
    asked: int = 0
    valid: int = 0
    invalid: int = 0
    unknown: int = 0
    problem: str = ""
    """Why it cannot be read."""


class SeedBin(msgspec.Struct, frozen=True):
    """Some seeds that follow each other, in one field of the map."""

    first: int
    last: int
    valid: int
    invalid: int
    unknown: int
    not_run: int

    @property
    def ended(self) -> str:
        """The gravest of them."""
        for name in ("invalid", "unknown", "valid"):
            if getattr(self, name):
                return name
        return "not run"

    @property
    def sign(self) -> str:
        """The gravest of them in one sign."""
        return {"invalid": "✕", "unknown": "?", "valid": "✓"}.get(self.ended, "·")

    @property
    def title(self) -> str:
        """What the field stands for."""
        seeds = f"seed {self.first}" if self.first == self.last else f"seeds {self.first} to {self.last}"
        counts = ((self.invalid, "invalid"), (self.unknown, "unknown"), (self.valid, "valid"))
        parts = [f"{number} {word}" for number, word in (*counts, (self.not_run, "not run")) if number]
        return f"{seeds}: {', '.join(parts)}"


class SeedRow(msgspec.Struct, frozen=True):
    """The seeds of one cell."""

    cell: str
    bins: tuple[SeedBin, ...]


class SeedMap(msgspec.Struct, frozen=True):
    """The seeds of a campaign by cell."""

    campaign: CampaignRow
    rows: tuple[SeedRow, ...]


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One finding."""

    fingerprint: str
    state: str
    checker: str
    kind: str
    title: str
    subject: str
    times: int
    runs: int
    first_seen: str
    last_seen: str
    command: str
    campaign: str
    campaign_link: str | None
    is_expected: bool
    why_known: str
    only_with: str | None = None
    """The fingerprint of a finding that every run with this one shows, too."""


class MutantRow(msgspec.Struct, frozen=True, kw_only=True):
    """One seeded bug, and what the store's runs with it show."""

    name: str
    about: str
    caught_by: str
    command: str
    caught: int
    runs: int


class LiveRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run or a campaign that goes on."""

    kind: Literal["run", "campaign"]
    name: str
    what: str
    state: str
    """Counts, in one line."""
    done: float | None = None
    """The share that is done, from 0 to 1; None if it is not known."""
    left: str = ""
    """About how long it takes yet."""


class LatencyCurves(msgspec.Struct, frozen=True):
    """The latencies of one kind of operation in two runs."""

    f: str
    a: tuple[float, ...]
    """Milliseconds at each quantile; empty where no operation ended ok."""
    b: tuple[float, ...]
    ok_a: int
    ok_b: int


class Differing(msgspec.Struct, frozen=True):
    """Something that two runs do not have in common: an option, what a checker says, a figure."""

    name: str
    a: str
    b: str


class ComparedRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs next to each other; all empty until both are chosen."""

    a: str = ""
    """The folder of the run."""
    b: str = ""
    report_a: str | None = None
    report_b: str | None = None
    problem: str = ""
    """Why they cannot be compared."""
    parting: str = ""
    """Of two simulated runs: that they are the same, or where they part."""
    parting_a: str = ""
    """What A has there."""
    parting_b: str = ""
    options: tuple[Differing, ...] = ()
    verdicts: tuple[Differing, ...] = ()
    same_verdicts: int = 0
    measures: tuple[Differing, ...] = ()
    quantiles: tuple[float, ...] = ()
    latencies: tuple[LatencyCurves, ...] = ()


class ComparedPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs that a written page shows next to each other."""

    link: str
    what: str
    """What both were, in a few words."""
    a: str
    """The folder of the earlier run."""
    b: str
    ended_a: str
    ended_b: str


class SiteAbout(msgspec.Struct, frozen=True, kw_only=True):
    """What all pages say."""

    store: str
    made_at: str
    version: str
    is_live: bool
    """Whether the pages are served, and not written as files."""
