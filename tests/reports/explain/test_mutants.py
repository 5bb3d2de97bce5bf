"""The headline and the story of a run with a seeded bug name what the bug did: node, term and operation."""

from __future__ import annotations

import pytest

from harness.mutants.catalogue import MUTANTS
from tests.reports.explain.deeds import explained, unnamed
from tests.reports.pages.first_screen import in_words

QUICK = frozenset({"count-old-votes", "never-fsync", "read-before-first-commit"})
"""Those that are always run: each takes about a second."""


TEN = (
    "count-old-votes",
    "last-entry-unchecked",
    "snapshot-applied-again",
    "never-fsync",
    "quorum-of-old-set",
    "read-before-first-commit",
    "late-beat-resurrects",
    "acknowledge-early",
    "vote-without-log-check",
    "count-own-unsynced",
)
"""One of each area, then three of the others, drawn with seed 17 before any of them was looked at."""
MENDED = ("sessions-never-forgotten", "forwards-never-forgotten")
"""Two that were drawn later and named no operation until the evidence of `resources` had one."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.campaign]) for name in (*TEN, *MENDED)],
)
def test_headline_and_story_name_node_term_and_operation_of_what_the_bug_did(name: str) -> None:
    explanation, deeds, ran = explained(MUTANTS[name])
    assert explanation is not None
    assert unnamed(in_words(explanation), deeds, ran) == "", explanation.headline
