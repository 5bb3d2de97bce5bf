"""A commit is built by a program of the user's, never by a shell; a build that fails says why."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.campaign.bisect.running import build
from harness.campaign.performing import Place
from harness.errors import CouldNotRun


def test_a_build_runs_in_the_commits_folder_with_its_words_as_they_are(tmp_path: Path) -> None:
    program = "import pathlib, sys; pathlib.Path('built').write_text(sys.argv[1])"
    build(Place(tmp_path, None), f"'{sys.executable}' -c \"{program}\" '$HOME; touch other'")
    assert (tmp_path / "built").read_text() == "$HOME; touch other"
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (f"'{sys.executable}' -c 'print(\"no rule\"); raise SystemExit(2)'", "no rule"),
        ("no-such-program all", "its build 'no-such-program all' cannot be started"),
        ("make 'all", 'its build "make \'all" cannot be started: No closing quotation'),
        ("", "its build '' cannot be started"),
    ],
)
def test_a_build_that_fails_says_why(tmp_path: Path, command: str, why: str) -> None:
    with pytest.raises(CouldNotRun) as refusal:
        build(Place(tmp_path, None), command)
    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)
