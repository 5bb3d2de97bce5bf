"""What a real Chromium shows of a run with a seeded bug before scrolling names what the bug did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.mutants.catalogue import MUTANTS
from harness.sim.judging import results_of
from reports.html import render
from tests.reports import synthetic
from tests.reports.explain.deeds import explained, unnamed
from tests.reports.pages.first_screen import first_screen
from tests.reports.pages.test_in_chromium import browser, opened, playwright, pytestmark

__all__ = ["browser", "playwright", "pytestmark"]

DRAWN = (
    ("forgetful", 515489470),
    ("beats-not-counted", 402892587),
    ("send-before-fsync", 103521270),
    ("commit-unmatched", 66517409),
    ("install-over-newer-state", 104840907),
    ("term-jumps-on-write", 940367005),
    ("deregister-forgotten", 271957409),
    ("renamed-before-synced", 913498015),
    ("lease-without-clock-bound", 936469999),
    ("plain-write-repeated", 691865441),
)
"""Ten bugs and the first of their drawn seeds that showed them: `deeds --draw 1443398705`."""


@pytest.mark.campaign
@pytest.mark.parametrize(("name", "seed"), DRAWN, ids=[name for name, _ in DRAWN])
def test_the_first_screen_names_node_term_and_operation_of_what_the_bug_did(
    browser: Any,
    name: str,
    seed: int,
    tmp_path: Path,
) -> None:
    explanation, deeds, ran = explained(MUTANTS[name], seed)
    assert explanation is not None
    found = results_of(ran)
    html = render(
        ran.recording(), found.verdicts, synthetic.about(explanation.validity, explanation=explanation)
    )
    page, _, _ = opened(browser, html, tmp_path)
    assert unnamed(first_screen(page, explanation), deeds, ran) == ""
    page.context.close()
