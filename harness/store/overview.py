"""From a store to what the pages over all its runs show (reports/site/model.py)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from checkers.verdict import Validity
from harness.campaign.cells import Cell, units
from harness.campaign.findings.baseline import read_baseline
from harness.campaign.findings.gathering import Finding
from harness.campaign.findings.gathering import findings as findings_of
from harness.campaign.journal import EndLine, RunLine, Stored, read, stored_campaigns
from harness.errors import CouldNotRun
from harness.mutants.catalogue import MUTANTS
from harness.store.choice import Choice, chosen, verdict_of
from harness.store.entry import RunEntry, own_version
from harness.store.files import JOURNAL, REPORT
from history.files import brief, is_regular
from reports.site.model import (
    CampaignRow,
    FindingRow,
    MutantRow,
    RunList,
    RunRow,
    SeedBin,
    SeedMap,
    SeedRow,
    SiteAbout,
    Trend,
    TrendPoint,
)

ROWS_A_PAGE = 500
POINTS_OF_A_TREND = 60
MOST_TRENDS = 200
MOST_BINS = 120
"""Fields of one cell in the map of seeds; of more seeds, each field stands for several."""
BASELINE = Path("baseline.toml")
"""The baseline that is read if it is there."""


class Links(NamedTuple):
    """Which files there are besides the pages."""

    archives: bool
    """Whether each run is to be had as one zip."""


def about(store: Path, *, is_live: bool) -> SiteAbout:
    """What all pages say."""
    return SiteAbout(
        store=str(store),
        made_at=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        version=own_version(),
        is_live=is_live,
    )


# ---- runs ----------------------------------------------------------------------------------------------


def run_list(
    store: Path,
    entries: Sequence[RunEntry],
    links: Links,
    *,
    text: str = "",
    ended: str = "",
    page: int = 1,
    rows: int = ROWS_A_PAGE,
) -> RunList:
    """One page of the runs that hold a text and ended so, the newest first; the pages are numbered from 1."""
    found = chosen(entries, Choice(text=text, verdicts=(ended,) if ended else ()))
    page = max(1, min(page, -(-len(found) // rows)))
    shown = found[(page - 1) * rows : page * rows]
    return RunList(
        rows=tuple(row_of(store, entry, links) for entry in shown),
        of=len(found),
        text=text,
        ended=ended,
        page=page,
    )


def with_neighbours(runs: RunList, pages: int, name: Callable[[int], str]) -> RunList:
    """A page of runs with the links to the pages before and after it."""
    return msgspec.structs.replace(
        runs,
        later=name(runs.page - 1) if runs.page > 1 else None,
        earlier=name(runs.page + 1) if runs.page < pages else None,
    )


def row_of(store: Path, entry: RunEntry, links: Links) -> RunRow:
    """One run in a list."""
    mutant = f", seeded bug {entry.mutant}" if entry.mutant else ""
    faults = "" if entry.kind == "recorded" else f", {entry.faults_in_words}"
    what = f"{entry.system or 'recorded'} {entry.workload or ''} ({entry.world or entry.kind})"
    return RunRow(
        name=entry.folder,
        began="" if entry.began_at is None else entry.began_at[:16].replace("T", " "),
        ended=verdict_of(entry),
        what=f"{what}{faults}{mutant}",
        seed="" if entry.seed is None else str(entry.seed),
        why=entry.why,
        commit=(entry.commit or "")[:10],
        report=report_link(store, entry),
        archive=f"runs/{quoted(entry.folder)}.zip" if links.archives else None,
    )


def report_link(store: Path, entry: RunEntry) -> str | None:
    """Where the report of a run is, from the folder of the pages; None if there is none."""
    has_report = is_regular(store / entry.folder / REPORT, store)
    return f"runs/{quoted(entry.folder)}/{REPORT}" if has_report else None


def quoted(folder: str) -> str:
    """A folder of the store in a link."""
    return quote(folder)


def trends(store: Path, entries: Sequence[RunEntry]) -> list[Trend]:
    """The judged runs by system, workload and faults; those with a violation in their last runs first."""
    groups: dict[tuple[str, str, str], list[RunEntry]] = {}
    for entry in entries:
        if entry.validity is not None and not entry.mutant:
            key = (entry.system or "recorded", entry.workload or "", entry.faults_in_words)
            groups.setdefault(key, []).append(entry)
    made = [_trend(store, key, group) for key, group in groups.items()]
    made.sort(key=lambda one: (-sum(point.ended == "invalid" for point in one.points), -one.runs))
    return made[:MOST_TRENDS]


def _trend(store: Path, key: tuple[str, str, str], group: Sequence[RunEntry]) -> Trend:
    counts = {validity: sum(entry.validity is validity for entry in group) for validity in Validity}
    latest = list(reversed(group[:POINTS_OF_A_TREND]))
    return Trend(
        system=key[0],
        workload=key[1],
        faults=key[2],
        points=tuple(
            TrendPoint(
                verdict_of(entry),
                f"{verdict_of(entry)}, {entry.began_at or ''}, {entry.name}",
                report_link(store, entry),
                entry.latency_ms,
                entry.unavailable_s,
            )
            for entry in latest
        ),
        runs=len(group),
        valid=counts[Validity.VALID],
        invalid=counts[Validity.INVALID],
        unknown=counts[Validity.UNKNOWN],
    )


def mutants(entries: Sequence[RunEntry], campaigns: Sequence[Stored]) -> list[MutantRow]:
    """The seeded bugs, and how many runs with each of them found a violation: folders and campaigns."""
    ended: dict[str, list[bool]] = {}
    for entry in entries:
        if entry.mutant and entry.validity is not None and entry.campaign is None:
            ended.setdefault(entry.mutant, []).append(entry.validity is Validity.INVALID)
    for stored in campaigns:
        for line in stored.runs:
            mutant = stored.plan.cells[line.cell].mutant
            if mutant:
                ended.setdefault(mutant, []).append(line.outcome.validity is Validity.INVALID)
    return [
        MutantRow(
            name=mutant.name,
            about=mutant.about,
            caught_by=mutant.caught_by,
            command=f"ackproof sim --seed {mutant.seed} --mutant {mutant.name} --workload {mutant.workload}"
            + ("" if mutant.faults is None else f" --nemesis {','.join(mutant.faults) or 'none'}"),
            caught=sum(ended.get(mutant.name, ())),
            runs=len(ended.get(mutant.name, ())),
        )
        for mutant in MUTANTS.values()
    ]


# ---- campaigns -----------------------------------------------------------------------------------------


def campaign_folders(store: Path) -> list[str]:
    """The folders of campaigns, the newest first by their names."""
    found = (path.parent for path in store.glob(f"*/{JOURNAL}") if not path.parent.is_symlink())
    return sorted((path.name for path in found), key=lambda name: name.partition("-")[2], reverse=True)


def campaign_file(name: str) -> str:
    """The page of a campaign, by the name of its folder."""
    return f"seeds-of-{name}.html"


def campaign_rows(store: Path) -> list[CampaignRow]:
    """The campaigns of a store; one that cannot be read says why."""
    return [campaign_row(store, name) for name in campaign_folders(store)]


def campaign_row(store: Path, name: str) -> CampaignRow:
    """One campaign in the list."""
    try:
        return _row_of(read(store / name))
    except CouldNotRun as error:
        return CampaignRow(name=name, link=None, began="", ended="", problem=brief(error))


def _row_of(stored: Stored) -> CampaignRow:
    lines = [line for line in stored.runs if not line.again]
    counts = {validity: sum(line.outcome.validity is validity for line in lines) for validity in Validity}
    last = stored.lines[-1] if stored.lines else None
    name = stored.folder.name
    return CampaignRow(
        name=name,
        link=quoted(campaign_file(name)),
        began=stored.header.began_at[:16].replace("T", " "),
        ended=last.why if isinstance(last, EndLine) else "",
        runs=len(lines),
        asked=len({line.unit for line in lines}.union(unit for unit in units(stored.plan) if not unit.again)),
        valid=counts[Validity.VALID],
        invalid=counts[Validity.INVALID],
        unknown=counts[Validity.UNKNOWN],
    )


def seed_map(store: Path, name: str) -> SeedMap:
    """The seeds of a campaign by cell.

    Raises:
        CouldNotRun: the campaign cannot be read.
    """
    stored = read(store / name)
    done: dict[int, dict[int, RunLine]] = {}
    for line in stored.runs:
        if not line.again:
            done.setdefault(line.cell, {})[line.seed] = line
    rows = (_seed_row(cell, done.get(number, {})) for number, cell in enumerate(stored.plan.cells))
    return SeedMap(_row_of(stored), tuple(rows))


def _seed_row(cell: Cell, done: Mapping[int, RunLine]) -> SeedRow:
    seeds = sorted({*range(cell.first_seed, cell.first_seed + cell.seeds), *done})
    width = max(1, -(-len(seeds) // MOST_BINS))
    bins = [_bin(seeds[start : start + width], done) for start in range(0, len(seeds), width)]
    return SeedRow(cell.name, tuple(bins))


def _bin(seeds: Sequence[int], done: Mapping[int, RunLine]) -> SeedBin:
    ended = [done[seed].outcome.validity for seed in seeds if seed in done]
    valid, invalid, unknown = (
        ended.count(validity) for validity in (Validity.VALID, Validity.INVALID, Validity.UNKNOWN)
    )
    return SeedBin(seeds[0], seeds[-1], valid, invalid, unknown, len(seeds) - len(ended))


def findings(campaigns: Sequence[Stored]) -> list[FindingRow]:
    """The findings of all campaigns, what to look at first on top.

    Raises:
        CouldNotRun: the baseline cannot be read.
    """
    try:
        known = read_baseline(BASELINE) if BASELINE.exists() else {}
    except ValueError as error:
        raise CouldNotRun(str(error)) from error
    names = {stored.folder.name for stored in campaigns}
    return [_finding_row(one, names) for one in findings_of(campaigns, known)]


def readable_campaigns(store: Path) -> tuple[list[Stored], str]:
    """The campaigns that can be read; and in one line why others cannot, if there are such."""
    problems: list[CouldNotRun] = []
    found = stored_campaigns(store, leave_out=problems.append)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return found, f"{brief(problems[0])}{more}" if problems else ""


def _finding_row(one: Finding, campaigns: set[str]) -> FindingRow:
    return FindingRow(
        fingerprint=one.fingerprint,
        state=one.state,
        checker=one.checker,
        kind=one.kind,
        title=one.example.title,
        subject=one.subject.in_words,
        times=one.times,
        runs=one.runs,
        first_seen=one.first_seen,
        last_seen=one.last_seen,
        command=one.example.command,
        campaign=one.last_campaign,
        campaign_link=quoted(campaign_file(one.last_campaign)) if one.last_campaign in campaigns else None,
        is_expected=one.is_expected,
        why_known=one.why,
        only_with=one.only_with,
    )
