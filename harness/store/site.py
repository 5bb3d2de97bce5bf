"""Writes the pages over all runs as files, for a CI job to keep."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from harness.errors import CouldNotRun
from harness.store import overview
from harness.store.choice import verdict_of
from harness.store.entry import RunEntry
from harness.store.index import Progress, entries, existing
from harness.store.overview import Links
from harness.store.side_by_side import compared_runs, pairs_to_compare
from history.files import RefusedFile, open_regular
from reports.site import pages
from reports.site.model import ComparedPair, ComparedRuns, SiteAbout

MOST_PAIRS = 40
"""Of runs that are compared: both histories are read for each."""
ROWS_A_PAGE = 5_000
"""More than of served pages, as the search looks at one page."""


def write_site(store: Path, folder: Path, progress: Progress | None = None) -> int:
    """Write all pages, and the reports of the runs, into a folder.

    Returns:
        How many pages were written, reports not counted.

    Raises:
        CouldNotRun: the store cannot be read, or the folder not written.
    """
    store = existing(store)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        for name, content in _pages(store, progress):
            (folder / name).write_bytes(content)
            number += 1
        for entry in entries(store):
            link = overview.report_link(store, entry)
            if link is not None:
                target = folder / unquote(link)
                target.parent.mkdir(parents=True, exist_ok=True)
                source = store / entry.folder / target.name
                with open_regular(source, root=store) as report, target.open("wb") as file:
                    shutil.copyfileobj(report, file)
    except (OSError, RefusedFile) as error:
        raise CouldNotRun(f"cannot write the pages into {folder}: {error}") from error
    return number


def _pages(store: Path, progress: Progress | None) -> Iterator[tuple[str, bytes]]:
    about = overview.about(store, is_live=False)
    links = Links(archives=False)
    for name in pages.ASSETS:
        yield name, pages.asset(name)
    found = entries(store, progress)
    number_of_pages = max(1, -(-len(found) // ROWS_A_PAGE))
    for page in range(1, number_of_pages + 1):
        runs = overview.run_list(store, found, links, page=page, rows=ROWS_A_PAGE)
        runs = overview.with_neighbours(runs, number_of_pages, page_name)
        yield page_name(page), pages.runs_page(about, runs).encode()
    yield "trends.html", pages.trends_page(about, overview.trends(store, found)).encode()
    yield "campaigns.html", pages.campaigns_page(about, overview.campaign_rows(store)).encode()
    campaigns, problem = overview.readable_campaigns(store)
    for stored in campaigns:
        name = stored.folder.name
        yield (
            overview.campaign_file(name),
            pages.campaign_page(about, overview.seed_map(store, name)).encode(),
        )
    findings = overview.findings(campaigns)
    yield "findings.html", pages.findings_page(about, findings, problem).encode()
    yield from _comparisons(store, about, found)
    yield "mutants.html", pages.mutants_page(about, overview.mutants(found, campaigns)).encode()


def _comparisons(store: Path, about: SiteAbout, found: Sequence[RunEntry]) -> Iterator[tuple[str, bytes]]:
    """A page for each pair of runs that follow each other, and the list of these."""
    listed = []
    for number, (a, b) in enumerate(pairs_to_compare(found, MOST_PAIRS), 1):
        name = f"compare-{number}.html"
        yield (
            name,
            pages.compare_page(about, compared_runs(store, found, a.folder, b.folder)).encode(),
        )
        listed.append(
            ComparedPair(
                link=name,
                what=overview.row_of(store, b, Links(archives=False)).what,
                a=a.folder,
                b=b.folder,
                ended_a=verdict_of(a),
                ended_b=verdict_of(b),
            )
        )
    yield pages.COMPARE, pages.compare_page(about, ComparedRuns(), pairs=listed).encode()


def page_name(page: int) -> str:
    """The file of one page of runs."""
    return "index.html" if page == 1 else f"runs-{page}.html"
