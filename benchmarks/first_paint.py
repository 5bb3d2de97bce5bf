"""How soon a browser paints the report of a million operations, compared with a bare page of the same size.

    python -m benchmarks.first_paint [PAIRS]

The report has everything that makes a page long: traces of five nodes, resources, lag of the harness, a
violation. Opens in turns a bare page of as many bytes, whose text is not shown, and the report in headless
Chromium, each in a context of its own, and prints the medians of the time from the beginning of the
navigation to the first contentful paint, the processor time of the main thread until then, which hardly
depends on what else the machine does, how many of the report's loads took longer than the bound, and the
page's bytes. The bare page says how busy the machine is: it is the time that no report can do without.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from checkers.verdict import Evidence, Validity, Verdict
from history import Recording
from history.units import MILLISECOND_NS, SECOND_NS
from reports.html import render
from tests.reports import synthetic
from tests.reports.pages.test_html import million

BOUND_S, MOST_BYTES = 0.5, 1_000_000
OPERATIONS, SECONDS = 1_000_000, 3600
BARE = "<!doctype html><meta charset=utf-8><title>bare</title><p>nothing<script type=text/plain>{}</script>"
PAINTED = """async () => {
  const found = () => performance.getEntriesByName("first-contentful-paint")[0];
  while (!found()) await new Promise(done => setTimeout(done, 5));
  return found().startTime / 1000;
}"""


def report_of_a_million() -> str:
    """The page of a run of an hour with a million operations and all that can be recorded."""
    verdict = Verdict("durability", Validity.INVALID, "lost", (Evidence("lost", "x", (10, 400_000)),))
    recording = Recording(
        nodes=synthetic.NODES,
        history=million(OPERATIONS),
        traces=synthetic.traces(float(SECONDS), filler=4_000),
        lives=synthetic.lives(),
        options={"monotonic_start_ns": synthetic.CLOCK, "lag_bound_ms": 100},
        resources=synthetic.resources(synthetic.lives()),
        harness_lag=tuple((at * SECOND_NS // 10, (at % 7) * MILLISECOND_NS) for at in range(SECONDS * 10)),
    )
    return render(recording, [verdict], synthetic.about(Validity.INVALID, duration_s=float(SECONDS)))


def first_paint_s(browser: Any, page: Path) -> float:
    """Seconds until the first contentful paint of one load."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.goto(page.as_uri(), wait_until="commit")
    found: float = tab.evaluate(PAINTED)
    context.close()
    return found


def spent_until_paint_ms(browser: Any, page: Path) -> float:
    """Processor time of the page's main thread from the navigation to the first contentful paint."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    browser.start_tracing(
        page=tab, categories=["disabled-by-default-devtools.timeline", "blink.user_timing", "loading"]
    )
    tab.goto(page.as_uri())
    tab.evaluate(PAINTED)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    context.close()
    by_navigation = {
        one["args"]["data"]["navigationId"]: one["ts"]
        for one in events
        if one["name"] == "navigationStart" and one["args"]["data"].get("documentLoaderURL") == page.as_uri()
    }
    paint = next(
        one
        for one in events
        if one["name"] == "firstContentfulPaint" and one["args"]["data"]["navigationId"] in by_navigation
    )
    mine = [one for one in events if (one["pid"], one["tid"]) == (paint["pid"], paint["tid"])]
    begin = by_navigation[paint["args"]["data"]["navigationId"]]
    tasks = [one for one in mine if one["name"] == "RunTask" and begin <= one["ts"] <= paint["ts"]]
    return sum(float(one.get("tdur", 0)) for one in tasks) / 1e3


def main(pairs: int) -> int:
    """Print the figures; 1 if the median or the size misses its bound."""
    html = report_of_a_million()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        bare, report = Path(folder) / "bare.html", Path(folder) / "report.html"
        bare.write_text(BARE.format("x" * len(html.encode())), encoding="utf-8")
        report.write_text(html, encoding="utf-8")
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for page in (bare, report):  # once, so that the browser's own parts are loaded
            first_paint_s(browser, page)
        seen = [(first_paint_s(browser, bare), first_paint_s(browser, report)) for _ in range(pairs)]
        spent = [spent_until_paint_ms(browser, report) for _ in range(pairs)]
        spent_bare = [spent_until_paint_ms(browser, bare) for _ in range(pairs)]
        browser.close()
    bares, reports = zip(*seen, strict=True)
    late = sum(one > BOUND_S for one in reports)
    size = len(html.encode())
    print(f"bare page: median {statistics.median(bares):.3f} s, longest {max(bares):.3f} s")
    print(f"report:    median {statistics.median(reports):.3f} s, longest {max(reports):.3f} s")
    print(f"report less the bare page: median {statistics.median(b - a for a, b in seen):.3f} s")
    print(
        f"processor time of the main thread until then: median {statistics.median(spent):.0f} ms, "
        f"bare page {statistics.median(spent_bare):.0f} ms"
    )
    print(f"over {BOUND_S} s: {late} of {pairs} loads; the page has {size:,} bytes")
    return int(statistics.median(reports) > BOUND_S or size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
