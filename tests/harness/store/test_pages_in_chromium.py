"""Each served page in a real Chromium: no complaint, no request elsewhere, accessible, in light and dark."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from checkers.verdict import Validity
from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.journal import Journal, RunLine, stamp
from harness.campaign.outcomes import Outcome, Violation
from harness.store import overview
from harness.store.serving import StoreServer
from history import HistoryWriter, Operation
from reports.site import pages
from tests.harness.store.stores import add_run
from tests.reports.pages.test_browser import BROWSER
from tests.reports.pages.test_in_chromium import NETWORK_OFF, SCREEN, playwright

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH")
A, B = "2026-11-28T100000-register-7", "2026-11-28T110000-register-8"
EVIL = '<img src=x onerror="alert(1)">'


def write_history(folder: Path, took_ms: int) -> None:
    """A history of twenty reads and writes, each of which took so long."""
    with HistoryWriter(folder / "history.jsonl") as writer:
        for number in range(20):
            at, f = number * 100_000_000, "read" if number % 2 else "write"
            writer.append(Operation(2 * number, at, 0, "invoke", f, "k", node="n1"))
            end = at + took_ms * 1_000_000 * (1 + number // 18)
            writer.append(Operation(2 * number + 1, end, 0, "ok", f, "k", node="n1"))


@pytest.fixture
def server(store: Path) -> Iterator[StoreServer]:
    """A server of a store with runs of each kind, one of which has hostile texts, and a campaign."""
    first = add_run(store, A, Validity.INVALID, title=EVIL, system=EVIL, mutant="forgetful")
    (first / "report.html").write_text("<!doctype html><title>report</title>", encoding="utf-8")
    write_history(first, 2)
    write_history(add_run(store, B, seed=8), 20)
    add_run(store, "2026-11-28T120000-register-9", Validity.UNKNOWN)
    add_run(store, "2026-11-28T130000-register-10", None)
    plan = CampaignPlan(cells=(Cell(seeds=300), Cell(workload="register", seeds=3)))
    journal = Journal.create(store, plan)
    found = Outcome(Validity.INVALID, (Violation("durability", "r# was lost", EVIL),))
    for seed, outcome in ((0, Outcome(Validity.VALID)), (1, found), (2, Outcome(Validity.UNKNOWN))):
        journal.add(RunLine(0, seed, outcome, stamp()))
    journal.close()
    with StoreServer(store, "127.0.0.1", 0) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", NETWORK_OFF])
        yield launched
        launched.close()


def test_each_served_page_has_no_complaint_no_request_elsewhere_and_no_serious_finding(
    browser: Any, server: StoreServer, store: Path
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    [campaign] = overview.campaign_folders(store)
    names = [name for name, _ in (*pages.NAVIGATION, pages.LIVE)]
    names += [overview.campaign_file(campaign), f"compare.html?a={A}&b={B}", "nothing.html"]
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport=SCREEN, color_scheme=scheme, bypass_csp=False)
        page = context.new_page()
        complaints: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message, kept=complaints: kept.append(message.text))
        page.on("pageerror", lambda error, kept=complaints: kept.append(str(error)))
        page.on("request", lambda request, kept=asked: kept.append(request.url))
        for name in names:
            page.goto(server.address + name)
            found = page.evaluate(
                axe
                + ";(async () => (await axe.run()).violations.map(v => [v.id, v.impact, v.nodes[0].html]))()"
            )
            assert [one for one in found if one[1] in ("serious", "critical")] == [], (name, scheme)
        missing = "Failed to load resource: the server responded with a status of 404 (Not Found)"
        assert complaints == [missing], "of the page that does not exist, and of nothing else"
        assert [url for url in asked if not url.startswith(server.address)] == []
        context.close()


def test_dark_and_light_are_a_choice_that_holds_on_the_next_page(browser: Any, server: StoreServer) -> None:
    page = browser.new_context(viewport=SCREEN, color_scheme="light").new_page()
    page.goto(server.address)
    paper = "getComputedStyle(document.body).backgroundColor"
    seen = [page.evaluate(paper)]
    for _ in range(2):
        page.locator("button.theme").press("Enter")
        seen.append(page.evaluate(paper))
    assert seen == ["rgb(252, 251, 248)", "rgb(252, 251, 248)", "rgb(20, 22, 26)"]
    page.goto(server.address + "trends.html")
    assert page.locator("button.theme").inner_text() == "colours: dark"
    assert page.evaluate(paper) == seen[-1]
    page.context.close()


def test_two_runs_are_compared_with_their_latencies_in_one_chart(browser: Any, server: StoreServer) -> None:
    page = browser.new_context(viewport=SCREEN).new_page()
    page.goto(server.address + "compare.html")
    page.fill("#a", A)
    page.fill("#b", B)
    page.click("form button")
    picture = page.locator("svg.overlay")
    picture.wait_for(timeout=20_000)
    assert picture.locator(".panel-title").all_text_contents() == ["read", "write"]
    assert (picture.locator(".curve-a").count(), picture.locator(".curve-b").count()) == (2, 2)
    for a, b in zip(picture.locator(".curve-a").all(), picture.locator(".curve-b").all(), strict=True):
        assert a.bounding_box()["y"] > b.bounding_box()["y"], "A was quicker"
    assert "durability" in page.locator("#verdicts").inner_text()
    assert "seed" in page.locator("#options").inner_text()
    page.fill("#b", "nothing")
    page.keyboard.press("Enter")
    assert "there is no run nothing" in page.locator(".damaged").inner_text()
    page.context.close()
