"""Takes the pictures of reports in README.md and docs/ anew: simulated runs, opened in headless Chromium.

python scripts/screenshots.py

It needs Playwright and a Chromium on PATH. The runs follow from their seeds, so only what pages look like
changes the pictures. Look at them before they are committed.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from checkers.verdict import Validity
from harness.sim.judging import results_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from history.units import SECOND_NS
from reports.about import ReportAbout
from reports.explain import explain
from reports.html import render

DOCS = Path(__file__).resolve().parents[1] / "docs"
VALID = 7, SeedOptions(nodes=5, concurrency=10, rate=100, time_limit_s=30, nemesis=("kill", "partition"))
STALE = 14, SeedOptions(mutant="unconfirmed-reads", workload="registry")

KEPT_CHECKERS = 4
SHORTENED = """(kept) => {
  [...document.querySelectorAll("#checkers > .checker")].slice(kept).forEach((one) => one.remove());
  document.querySelectorAll("#checkers > details, #checkers > .shared").forEach((one) => one.remove());
}"""
"""Removes all but the first checkers from a page, for a picture that is not too long."""


def report_of(seed: int, options: SeedOptions, logs: Path) -> str:
    """The report of a simulated run; its nodes' logs are written into the folder `logs`."""
    ran = run(plan_of(seed, options))
    found, test = results_of(ran, logs), ran.plan.test
    wanted = Validity.INVALID if options.mutant else Validity.VALID
    assert found.validity is wanted, f"seed {seed} is {found.validity} now: choose one that is {wanted}"
    recording = ran.recording(logs)
    mutant = f", mutant {test.mutant}" if test.mutant else ""
    about = ReportAbout(
        title=f"{test.workload}, {len(test.nodes)} nodes, {' + '.join(test.nemesis) or 'no faults'}{mutant}",
        started_at="simulated",
        duration_s=ran.ended_at / SECOND_NS,
        command=f"ackproof sim --seed {seed}" + (f" --mutant {test.mutant}" if test.mutant else ""),
        seed=seed,
        store="store/latest",
        options={},
        versions={},
        validity=found.validity,
        required=found.required,
        explanation=explain(recording, found.verdicts, found.required),
    )
    return render(recording, found.verdicts, about)


def opened(browser: Any, html: str, folder: Path, height: int) -> Any:
    """A page that has drawn its charts."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    page = browser.new_context(viewport={"width": 1280, "height": height}, reduced_motion="reduce").new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-charts]", timeout=60_000)
    return page


def main() -> None:
    """Write the three pictures."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        valid, stale = report_of(*VALID, folder), report_of(*STALE, folder)
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = opened(browser, valid, folder, 800)
        page.evaluate(SHORTENED, KEPT_CHECKERS)
        top = page.evaluate("document.querySelector('#progress').getBoundingClientRect().top + scrollY")
        page.screenshot(
            path=DOCS / "report.png", full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": top}
        )
        opened(browser, stale, folder, 800).screenshot(path=DOCS / "report-violation.png")
        page = opened(browser, valid, folder, 1000)
        page.locator("#latency").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('#latency').scrollIntoView()")
        cut = page.evaluate("+document.querySelector('.graph[data-from]').dataset.from")
        page.locator(".chart-bar label", has_text="moment").locator("input").fill(f"{cut + 1:.3f}")
        page.keyboard.press("Enter")
        page.screenshot(path=DOCS / "pictures" / "report-charts.png")
        browser.close()


if __name__ == "__main__":
    main()
