"""The page in a real browser, with the network off: it renders, its script runs, nothing is refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from checkers.verdict import Validity
from reports.html import render
from tests.reports import synthetic
from tests.reports.page import Page
from tests.reports.pages.test_html import evil_run

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--proxy-server=127.0.0.1:9",  # nothing listens there: the network is off
    "--virtual-time-budget=10000",  # ms; most of the script runs after the first paint
)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH to render the report with")
@pytest.mark.parametrize("kind", ["invalid", "evil"])
def test_a_browser_renders_the_page_offline_without_a_complaint(kind: str, tmp_path: Path) -> None:
    if kind == "evil":
        html = render(*evil_run())
    else:
        run = synthetic.recording()
        html = render(run, synthetic.invalid_verdicts(run.history), synthetic.about(Validity.INVALID))
    page = tmp_path / "report.html"
    page.write_text(html, encoding="utf-8")
    assert BROWSER is not None
    done = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []
    drawn = Page(done.stdout)
    assert drawn.by_class["tip"] == 1  # our script ran to its first line at least,
    assert drawn.by_class["copy"] == 2  # and to its last part: the command and the diagram can be copied
    assert "alert(1)" not in done.stdout or kind == "evil"
    assert not [tag for tag, _ in drawn.tags if tag == "img"]
