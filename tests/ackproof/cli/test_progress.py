"""Work that takes long shows a line that fits 80 columns, and short work shows none."""

from __future__ import annotations

import pytest

from ackproof.cli import progress
from ackproof.cli.progress import COLUMNS, Steps, Working


class _Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    """The clock of the lines."""
    made = _Clock()
    monkeypatch.setattr("ackproof.cli.progress.time.monotonic", made)
    return made


def test_steps_show_how_much_is_done_and_the_time_left(
    clock: _Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Steps("reading " + "x" * 200, quiet=False) as steps:
        steps.show(1, 100)
        assert capsys.readouterr().err == ""
        clock.now_s = 20
        steps.show(25, 100)
    [line] = capsys.readouterr().err.splitlines()
    assert len(line) <= COLUMNS
    with Steps("reading", quiet=False) as steps:
        clock.now_s = 40
        steps.show(25, 100)
    assert capsys.readouterr().err == "reading: 25 of 100, 60 s left\n"


def test_quiet_work_shows_nothing(clock: _Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Steps("reading", quiet=True) as steps:
        clock.now_s = 20
        steps.show(1, 2)
    assert capsys.readouterr().err == ""


def test_work_of_unknown_length_shows_for_how_long_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Working("judging", quiet=False):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.001)
    seen = ""
    with Working("judging", quiet=False):
        while not seen:
            seen = capsys.readouterr().err
    assert seen.splitlines()[0] == "judging: 0 s"
