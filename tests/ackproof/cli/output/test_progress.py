"""Work that takes long shows a line that fits 80 columns, and short work shows none."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from ackproof.cli.main import cli
from ackproof.cli.output import progress
from ackproof.cli.output.progress import COLUMNS, Steps, Working
from checkers.verdict import Validity
from harness.sim import command as sim_command
from harness.sim.cause import command as cause_command
from harness.sim.explore import command as explore_command
from harness.sim.explore.search import SearchProgress
from harness.sim.judging import Judged


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
    monkeypatch.setattr("ackproof.cli.output.progress.time.monotonic", made)
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


def test_what_is_printed_meanwhile_stands_above_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.001)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    seen = ""
    with Working("trying commits", quiet=False) as working:
        while "trying commits: 0 s" not in seen:
            seen += capsys.readouterr().err
        working.above(lambda: print("a1b2c3 good", file=sys.stderr))  # noqa: T201 - what a command prints
    seen += capsys.readouterr().err
    assert f"\r{'':<{COLUMNS}}\ra1b2c3 good\n" in seen, "the line is removed before"


def test_work_of_which_the_share_is_known_shows_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.001)
    seen = ""
    with Working("simulating", quiet=False, share=lambda: 1.0):
        while "left" not in seen:
            seen = capsys.readouterr().err
    assert seen.splitlines()[0] == "simulating: 0 s, 0 s left"


def test_the_time_left_is_counted_down_until_more_is_known_to_be_done(clock: _Clock) -> None:
    working = Working("comparing", quiet=True)
    assert working._words_of_left(1.0) == ""
    working.tell(0.25)
    assert working._words_of_left(10.0) == ", about 30 s left"
    assert working._words_of_left(25.0) == ", about 15 s left"
    assert working._words_of_left(41.0) == "", "it takes longer than reckoned"
    working.tell(0.5)
    assert working._words_of_left(50.0) == ", about 50 s left"


def test_a_share_that_says_little_gives_no_time_left(clock: _Clock) -> None:
    """A download that had brought a 35,000th part after 10 s seemed to take 98 hours."""
    working = Working("bringing etcd", quiet=True, share=lambda: 1 / 35_000)
    assert working._words_of_left(10.0) == ""
    bounded = Working("looking", quiet=True, share=lambda: 1 / 35_000, most_s=600.0)
    assert bounded._words_of_left(60.0) == ", at most 9 min left"


def test_a_bound_is_shown_for_as_long_as_no_share_is_known(clock: _Clock) -> None:
    working = Working("looking for it", quiet=True, most_s=600.0)
    assert working._words_of_left(60.0) == ", at most 9 min left"
    assert working._words_of_left(601.0) == ""
    working.tell(0.5)
    assert working._words_of_left(100.0) == ", about 2 min left"


def test_many_seeds_show_the_time_left_in_80_columns(
    clock: _Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.sim.command.time.monotonic", clock)
    line = sim_command._Progress(100_000, quiet=False)
    clock.now_s = 60.0
    line.add(Judged(1, Validity.VALID), is_new=True)
    [shown] = capsys.readouterr().err.splitlines()
    assert "1 of 100000 seeds, 1666 hours 39 min left" in shown
    assert len(shown) <= COLUMNS


def test_what_is_not_for_logs_is_shown_in_a_terminal_alone(
    clock: _Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for is_terminal in (False, True):
        monkeypatch.setattr("sys.stderr.isatty", lambda shown=is_terminal: shown, raising=False)
        with Steps("shrinking by runs", quiet=False, in_logs=False, at_most=True) as steps:
            clock.now_s += 20
            steps.show(500, 2000)
        seen = capsys.readouterr().err
        assert ("shrinking by runs: 500 of at most 2,000, at most 60 s left" in seen) is is_terminal


HISTORY = "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :write, :value 1}\n"


def test_each_command_that_may_work_for_long_shows_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    class Shown(Working):
        def __init__(self, what: str, **settings: Any) -> None:
            shown.append(what)
            super().__init__(what, **settings)

    for place in (
        "output.ending",
        "commands.judging.check",
        "commands.judging.verify",
        "commands.simulating.sim",
        "commands.storing.compare",
    ):
        monkeypatch.setattr(f"ackproof.cli.{place}.Working", Shown)
    history, proof, store = tmp_path / "history.edn", tmp_path / "proof.json", tmp_path / "store"
    history.write_text(HISTORY)
    commands = (
        ["check", history, "--model", "register", "--certificate", proof],
        ["verify", history, proof],
        ["sim", "--seed", "1", "--time-limit", "1", "--nodes", "3", "--store", store],
        ["analyze", store / "latest"],
        ["compare", "latest", "latest", "--store", store],
    )
    for words in commands:
        found = CliRunner().invoke(cli, list(map(str, words)))
        assert found.exit_code in (0, 2), found.output
    assert shown == [
        "judging the history",
        "checking the proof",
        "simulating seed 1",
        "judging",
        "judging",
        "comparing",
    ]


def test_exploring_and_measuring_causes_fit_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    wide: Any = lambda **settings: Console(  # noqa: E731 - it takes any settings, which a def would name
        file=io.StringIO(), force_terminal=True, width=200, color_system=None
    )
    monkeypatch.setattr(explore_command, "Console", wide)
    monkeypatch.setattr(cause_command, "Console", wide)
    exploring = explore_command._Watch(explore_command.SearchBounds(None, 600.0, None), quiet=False)
    exploring._shown = -1e9
    exploring(SearchProgress(10**9, 10**9, 100, 10**9))
    causing = cause_command._Progress(time.monotonic() + 100, quiet=False)
    causing.show(123_456)
    for console in (exploring._console, causing._console):
        text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
        assert "left" in text
        assert len(text.rstrip("\r")) <= COLUMNS
