"""How soon a browser paints the report of a million operations, compared with a blank page.

    python -m benchmarks.first_paint [PAIRS]

Opens in turns a blank page and the report in headless Chromium, each in a context of its own, and prints the
medians of the time from the beginning of the navigation to the first contentful paint, how many of the
report's loads took longer than the bound, and the page's bytes. The blank page says how busy the machine is:
it is the time that no report can do without.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.reports.test_pages_in_chromium import huge

BOUND_S, MOST_BYTES = 0.5, 1_000_000
BLANK = "<!doctype html><meta charset=utf-8><title>blank</title><p>nothing"
PAINTED = """async () => {
  const found = () => performance.getEntriesByName("first-contentful-paint")[0];
  while (!found()) await new Promise(done => setTimeout(done, 5));
  return found().startTime / 1000;
}"""


def first_paint_s(browser: Any, page: Path) -> float:
    """Seconds until the first contentful paint of one load."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.goto(page.as_uri(), wait_until="commit")
    found: float = tab.evaluate(PAINTED)
    context.close()
    return found


def main(pairs: int) -> int:
    """Print the figures; 1 if the median or the size misses its bound."""
    html = huge()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        blank, report = Path(folder) / "blank.html", Path(folder) / "report.html"
        blank.write_text(BLANK, encoding="utf-8")
        report.write_text(html, encoding="utf-8")
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for page in (blank, report):  # once, so that the browser's own parts are loaded
            first_paint_s(browser, page)
        seen = [(first_paint_s(browser, blank), first_paint_s(browser, report)) for _ in range(pairs)]
        browser.close()
    blanks, reports = zip(*seen, strict=True)
    late = sum(one > BOUND_S for one in reports)
    size = len(html.encode())
    print(f"blank page:  median {statistics.median(blanks):.3f} s, longest {max(blanks):.3f} s")
    print(f"report:      median {statistics.median(reports):.3f} s, longest {max(reports):.3f} s")
    print(f"report less the blank page: median {statistics.median(b - a for a, b in seen):.3f} s")
    print(f"over {BOUND_S} s: {late} of {pairs} loads; the page has {size:,} bytes")
    return int(statistics.median(reports) > BOUND_S or size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
