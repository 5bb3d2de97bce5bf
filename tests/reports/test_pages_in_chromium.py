"""Each kind of page in a real Chromium: no complaint, no request off the page, accessible, drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checkers.verdict import Evidence, Validity, Verdict
from history import History, Recording
from reports.html import render
from tests.reports import simulated, synthetic
from tests.reports.test_browser import BROWSER
from tests.reports.test_html import evil_run, million

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH")

SCREEN = {"width": 1280, "height": 800}
LONGEST_PAGE = 20_000
"""Pixels; the pages of invalid runs had 28,000."""
NETWORK_OFF = "--proxy-server=127.0.0.1:9"


def of_class(name: str) -> str:
    judged = simulated.judged(name)
    return render(judged.recording, judged.verdicts, judged.about)


def valid() -> str:
    return render(synthetic.recording(), synthetic.valid_verdicts(), synthetic.about())


def unknown() -> str:
    return render(synthetic.recording(), synthetic.unknown_verdicts(), synthetic.about(Validity.UNKNOWN))


def empty() -> str:
    nothing = Recording(nodes=("n1", "n2"), history=History([]))
    return render(nothing, [], synthetic.about(Validity.UNKNOWN, duration_s=0.0, seed=None))


def killed() -> str:
    """A run whose record ends in the middle: the last operations have no completion."""
    recording = synthetic.recording()
    cut = msgspec.structs.replace(recording, history=History(list(recording.history)[:9_001]))
    return render(cut, synthetic.unknown_verdicts(), synthetic.about(Validity.UNKNOWN))


def hostile() -> str:
    return render(*evil_run())


def huge() -> str:
    verdict = Verdict("durability", Validity.INVALID, "s", (Evidence("lost", "x", (10, 400_000)),))
    recording = Recording(nodes=synthetic.NODES, history=million(), options={})
    return render(recording, [verdict], synthetic.about(Validity.INVALID, duration_s=3600.0))


QUICK: dict[str, Callable[[], str]] = {
    "valid": valid,
    "two leaders": partial(of_class, "two leaders"),
    "empty": empty,
    "hostile": hostile,
}
OTHERS: dict[str, Callable[[], str]] = {
    **{name: partial(of_class, name) for name in simulated.OF_CLASS if name not in QUICK},
    "unknown": unknown,
    "killed": killed,
    "huge": huge,
}
PAGES = QUICK | OTHERS


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", NETWORK_OFF])
        yield launched
        launched.close()


def opened(browser: Any, html: str, folder: Path, **options: Any) -> tuple[Any, list[str], list[str]]:
    """A page that has drawn its charts, what it complained about, and what it asked for."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    page = browser.new_context(viewport=SCREEN, reduced_motion="reduce", **options).new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    if options.get("java_script_enabled", True):
        page.wait_for_selector("html[data-charts]", timeout=60_000)
    return page, complaints, [url for url in asked if not url.startswith(("data:", file.as_uri()))]


def check(browser: Any, html: str, folder: Path) -> None:
    page, complaints, asked = opened(browser, html, folder)
    assert complaints == []
    assert asked == []
    assert page.evaluate("document.documentElement.scrollHeight") < LONGEST_PAGE
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(axe)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map(v => [v.id, v.impact, v.nodes[0].html])"
    )
    assert [one for one in found if one[1] in ("serious", "critical")] == []
    page.context.close()


@pytest.mark.parametrize("name", QUICK)
def test_a_page_has_no_complaint_no_request_and_no_serious_finding(
    browser: Any, name: str, tmp_path: Path
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    check(browser, PAGES[name](), tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("name", OTHERS)
def test_each_other_page_has_no_complaint_no_request_and_no_serious_finding(
    browser: Any, name: str, tmp_path: Path
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    check(browser, PAGES[name](), tmp_path)


def test_verdict_story_and_picture_are_all_in_the_first_screen(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, of_class("two leaders"), tmp_path)
    for part in ("h1", ".why", ".story ol", "svg.scene"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= SCREEN["height"], part
    page.context.close()


def test_zooming_one_chart_zooms_all_and_the_keyboard_shows_the_whole_run_again(
    browser: Any, tmp_path: Path
) -> None:
    page, complaints, _ = opened(browser, of_class("two leaders"), tmp_path)
    page.evaluate("document.querySelector('#latency').scrollIntoView()")
    box = page.locator("#latency .u-over").bounding_box()
    assert page.locator(".range").inner_text() == "the whole run"
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 50, steps=3)
    page.mouse.up()
    assert " to " in page.locator(".range").inner_text()
    page.locator("#throughput .live").press("0")
    assert page.locator(".range").inner_text() == "the whole run"
    page.locator(".chart-bar select").nth(1).select_option("ok")
    assert "operations fit" in page.locator(".found").inner_text()
    assert complaints == []
    page.context.close()


def test_a_report_prints_on_at_most_eight_pages(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, of_class("lost registration"), tmp_path)
    printed = page.pdf(format="A4")
    assert 1 <= max(map(int, re.findall(rb"/Count (\d+)", printed))) <= 8
    page.context.close()


def test_without_a_script_the_static_pictures_are_there(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, of_class("two leaders"), tmp_path, java_script_enabled=False)
    for picture in ("svg.scene", "#plot-latency", "#plot-throughput", "#plot-roles", "#plot-commits"):
        assert page.locator(picture).is_visible()
    page.context.close()


def shown_moment(page: Any, share: float) -> Any:
    """Choose the moment at this share of the run by a click, and give the pane that it opens."""
    page.evaluate("document.querySelector('#latency').scrollIntoView()")
    box = page.locator("#latency .u-over").bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + 60)
    return page.locator("#moment")


def test_a_click_on_a_chart_shows_links_states_faults_and_lines_of_that_moment(
    browser: Any, tmp_path: Path
) -> None:
    page, complaints, _ = opened(browser, valid(), tmp_path)
    pane = shown_moment(page, 10 / 30)
    words = pane.inner_text()
    assert pane.locator("h2").inner_text().startswith("At 10.0") or "At 9.9" in words
    assert "faults: partition n3 (leader)" in words
    assert "n3: leader of term 2" in words
    assert "n5: leader of term 3" in words
    assert pane.locator("svg.partition circle").count() == 5
    assert pane.locator("svg.partition .cannot-lead").count() == 1
    assert pane.locator("tr.now").count() == 1
    times = [float(text.split()[0]) for text in pane.locator("td.n").all_inner_texts()]
    assert times == sorted(times)
    assert times[0] < 10 < times[-1]
    page.locator(".chart-bar select").nth(2).select_option("n4")
    assert set(pane.locator("tr td:nth-child(2)").all_inner_texts()) == {"n4"}
    assert page.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
    ) == page.evaluate("document.querySelectorAll('[id]').length")
    assert complaints == []
    page.context.close()


def test_the_keyboard_moves_and_closes_the_chosen_moment(browser: Any, tmp_path: Path) -> None:
    page, complaints, _ = opened(browser, valid(), tmp_path)
    charts = page.locator("#throughput .live")
    charts.press(".")
    first = page.locator("#moment h2").inner_text()
    charts.press(".")
    second = page.locator("#moment h2").inner_text()
    assert (first, second) == ("At 15.300 s", "At 15.600 s")
    charts.press("Escape")
    assert page.locator("#moment").count() == 0
    assert complaints == []
    page.context.close()


def test_a_time_without_an_ok_reply_leads_to_its_part_of_the_charts(browser: Any, tmp_path: Path) -> None:
    page, complaints, _ = opened(browser, valid(), tmp_path)
    page.locator("#outages a[data-from]").first.click()
    low, high = (
        float(text) for text in page.locator(".range").inner_text().removesuffix(" s").split(" s to ")
    )
    assert 0.1 < high - low < 3
    assert page.locator("#moment h2").inner_text().startswith("At ")
    assert complaints == []
    page.context.close()


def test_each_partition_is_drawn_also_without_a_script(browser: Any, tmp_path: Path) -> None:
    page, _, _ = opened(browser, valid(), tmp_path, java_script_enabled=False)
    graphs = page.locator("#partitions svg.partition")
    assert graphs.count() == 2
    assert graphs.first.is_visible()
    assert "could not: n3" in page.locator("#partitions figcaption").first.inner_text()
    page.context.close()
