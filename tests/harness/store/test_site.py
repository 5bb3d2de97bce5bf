"""The written pages lead to each other and to the reports, and a real browser has nothing against them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from checkers.verdict import Validity
from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.journal import Journal, RunLine, stamp
from harness.campaign.outcomes import Outcome, Violation
from harness.store import site
from harness.store.index import entries
from harness.store.side_by_side import pairs_to_compare
from harness.store.site import write_site
from tests.harness.store.stores import add_run
from tests.reports.page import Page
from tests.reports.pages.test_browser import BROWSER, FLAGS

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def written(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pages of a store with runs of each kind and a campaign."""
    monkeypatch.chdir(tmp_path)
    for number, validity in enumerate(Validity):
        folder = add_run(
            store, f"2026-11-28T10000{number}-register-{number}", validity, title=EVIL, system=EVIL
        )
        (folder / "report.html").write_text("<!doctype html>", encoding="utf-8")
    add_run(store, "2026-11-28T110000-register-9", None)
    journal = Journal.create(store, CampaignPlan(cells=(Cell(seeds=300), Cell(workload="register", seeds=3))))
    found = Outcome(Validity.INVALID, (Violation("durability", "r# was lost", EVIL),))
    for seed, outcome in ((0, Outcome(Validity.VALID)), (1, found), (299, Outcome(Validity.UNKNOWN))):
        journal.add(RunLine(0, seed, outcome, stamp()))
    journal.close()
    write_site(store, tmp_path / "pages")
    return tmp_path / "pages"


def test_every_link_leads_to_a_file_that_was_written(written: Path) -> None:
    found = sorted(written.glob("*.html"))
    assert len(found) == 9
    for path in found:
        page = Page(path.read_text(encoding="utf-8"))
        assert page.errors == []
        assert set(page.fetched) == {"site.css", "theme.js", "site.js"}
        for link in page.links:
            target = unquote(link.partition("#")[0])
            assert target == "" or (written / target).is_file(), link
        assert "alert(1)" not in "".join(str(attributes) for tag, attributes in page.tags if tag == "script")


def test_the_map_of_seeds_shows_what_ran_and_what_did_not(written: Path) -> None:
    [path] = written.glob("seeds-of-*.html")
    page = Page(path.read_text(encoding="utf-8"))
    titles = [attributes["title"] for _, attributes in page.tags if "title" in attributes]
    assert titles[0] == "seeds 0 to 2: 1 invalid, 1 valid, 1 not run"
    assert titles[99] == "seeds 297 to 299: 1 unknown, 2 not run"
    assert titles[100:] == [f"seed {seed}: 1 not run" for seed in range(3)]


def test_each_run_is_compared_with_the_one_before_it_of_the_same_kind(written: Path) -> None:
    listed = Page((written / "compare.html").read_text(encoding="utf-8"))
    assert [link for link in listed.links if link.startswith("compare-")] == [
        "compare-1.html",
        "compare-2.html",
    ]
    newest = Page((written / "compare-1.html").read_text(encoding="utf-8"))
    first, second = (f"runs/2026-11-28T10000{number}-register-{number}/report.html" for number in (1, 2))
    assert [link for link in newest.links if link.startswith("runs/")] == [first, second]
    assert "durability" in newest.words
    assert not [tag for tag, _ in newest.tags if tag == "form"]


def test_runs_of_different_systems_or_not_judged_are_no_pair(store: Path) -> None:
    add_run(store, "2026-11-28T100000-register-0", system="etcd")
    add_run(store, "2026-11-28T100001-register-1", None, system="etcd")
    add_run(store, "2026-11-28T100002-register-2", system="redis")
    assert pairs_to_compare(entries(store), 10) == []
    add_run(store, "2026-11-28T100003-register-3", system="etcd")
    add_run(store, "2026-11-28T100004-register-4", system="etcd")
    pairs = pairs_to_compare(entries(store), 10)
    assert [(a.folder[-1], b.folder[-1]) for a, b in pairs] == [("3", "4"), ("0", "3")]
    assert pairs_to_compare(entries(store), 1) == pairs[:1]
    add_run(store, "2026-11-28T100005-register-5", system="etcd", nemesis=["pause"])
    add_run(store, "2026-11-28T100006-register-6", system="etcd")
    both = pairs_to_compare(entries(store), 2)
    assert [(a.folder[-1], b.folder[-1]) for a, b in both] == [("4", "6"), ("4", "5")]


def test_runs_are_split_over_pages_that_lead_to_each_other(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "ROWS_A_PAGE", 2)
    for number in range(5):
        add_run(store, f"2026-11-28T10000{number}-register-{number}")
    write_site(store, tmp_path / "pages")
    listed = [
        [
            link
            for link in Page((tmp_path / "pages" / name).read_text(encoding="utf-8")).links
            if "runs-" in link
        ]
        for name in ("index.html", "runs-2.html", "runs-3.html")
    ]
    assert listed == [["runs-2.html"], ["runs-3.html"], ["runs-2.html"]]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH to render the pages with")
def test_a_browser_shows_the_pages_offline_without_a_complaint(written: Path, tmp_path: Path) -> None:
    assert BROWSER is not None
    for name in ("index.html", "findings.html", "compare-1.html"):
        done = subprocess.run(
            [
                BROWSER,
                *FLAGS,
                f"--user-data-dir={tmp_path / 'profile'}",
                "--allow-file-access-from-files",
                "--dump-dom",
                (written / name).as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
        assert EVIL not in done.stdout.replace("&lt;", "")
