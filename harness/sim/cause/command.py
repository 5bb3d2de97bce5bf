"""`ackproof cause`: measures a schedule, and says what it found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from checkers.verdict import Validity
from checkers.words import in_time, plural
from harness.errors import CouldNotRun
from harness.sim.cause import CAUSE_SUFFIX, CAUSE_TEXT_SUFFIX
from harness.sim.cause.curve import LEAST_JUMP, Curve, Jump, Moment
from harness.sim.cause.tape import taped
from harness.sim.cause.twin import Twin, twin_of
from harness.sim.command import played_file
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.schedule.picture import write, write_mermaid
from harness.sim.schedule.shrink import verdict_of
from history.files import brief
from history.units import SECOND_NS
from reports.plots.picture.mermaid import Remark
from reports.plots.shares import share_curve

COLUMNS = 79
BAR = 30


class Cause(msgspec.Struct, frozen=True):
    """What brought a violation about, as far as chance can show it."""

    checker: str
    violation: str
    moments: tuple[Moment, ...]
    """The measured moments, in order of time."""
    jumps: tuple[Jump, ...]
    """The choices with which the violation became likely, largest first."""
    twin: Twin | None
    """A run without the violation that differs as late as possible, if one was found."""
    runs: int
    is_whole: bool
    """Whether the time sufficed for all that was to be measured."""
    warning: str | None = None
    """What makes it doubtful that this is the recorded run."""


def cause(file: Path, seconds: float, *, anyway: bool, quiet: bool, core: ForeignCore | None = None) -> Cause:
    """Measure a schedule's moments for at most this number of seconds.

    Raises:
        CouldNotRun: the file cannot be used, or its run shows no violation.
    """
    replay, _, warning = played_file(file, anyway=anyway, core=core)
    tape = taped(replay.schedule)
    verdict = verdict_of(tape.ran, replay.checker)
    if verdict.validity is not Validity.INVALID:
        raise CouldNotRun(
            f"{file}: {replay.checker} finds no violation in this run ({brief(verdict.summary)}), so there "
            "is no cause to look for"
        )
    until = time.monotonic() + seconds
    progress = _Progress(until, quiet)

    def may_go_on() -> bool:
        return time.monotonic() < until

    try:
        twin = twin_of(replay.schedule, replay.checker, tape.choices, may_go_on)
        curve = Curve(replay.schedule, replay.checker, tape.choices, may_go_on, progress.show)
        moments = curve.measure()
        jumps = curve.jumps()
    finally:
        progress.end()
    found = Cause(replay.checker, verdict.summary, moments, jumps, twin, curve.runs, curve.is_whole, warning)
    _draw(found, file.with_suffix(CAUSE_SUFFIX))
    text = file.with_suffix(CAUSE_TEXT_SUFFIX)
    write_mermaid(text, tape.ran.recording(), (verdict,), tuple(_remarks(found)))
    return found


def _remarks(found: Cause) -> Iterator[Remark]:
    """What was measured, as remarks on the moments of the run."""
    for jump in found.jumps:
        likely = f"{_of(jump.before)} runs show it before, {_of(jump.after)} after"
        yield Remark(jump.at, f"it became likely, {jump.what} ({likely})")
    if found.twin is not None:
        lacks = f"it lacks, {found.twin.without}"
        yield Remark(found.twin.at, f"from here on a run differs that shows no violation; {lacks}")


def _draw(found: Cause, path: Path) -> None:
    title = f"{found.checker}: how often the violation follows"
    points = [(moment.at, moment.share) for moment in found.moments]
    jumps = [(jump.at, jump.what) for jump in sorted(found.jumps, key=lambda jump: jump.at)]
    write(path, str(share_curve(title, points, jumps)) + "\n")


def show(found: Cause) -> None:
    """Print what was measured."""
    say: Any = Console(highlight=False, soft_wrap=True, markup=False).print
    say(f"{found.checker}: {found.violation}")
    say("How often this follows, if chance decides otherwise from a moment on and no further fault comes:")
    for moment in found.moments:
        bar = "#" * round(moment.share * BAR)
        say(f"  {moment.at / SECOND_NS:9.3f} s  {_of(moment):>9}  {bar}")
    if found.jumps:
        say("It became likely when:")
    for jump in found.jumps:
        say(
            f"  {jump.at / SECOND_NS:9.3f} s  {_of(jump.before)} before, {_of(jump.after)} after: {jump.what}"
        )
    if not found.jumps:
        say(f"No single choice adds {LEAST_JUMP:.0%} or more.")
    if found.twin is None:
        say("No single thing left out makes the violation go away.")
    else:
        say(f"The run without a violation that differs last lacks this: {found.twin.without}")
        say(f"  this run:  {found.twin.failing}")
        say(f"  its twin:  {found.twin.twin}")
    if not found.is_whole:
        say("The time was over before all was measured: give it more with --seconds")


def _of(moment: Moment) -> str:
    return f"{moment.violations} of {moment.runs}"


class _Progress:
    """How many runs were made, on one line of standard error that is rewritten; only in a terminal."""

    def __init__(self, until: float, quiet: bool) -> None:
        self._until = until
        self._console = Console(stderr=True, highlight=False)
        self._is_shown = not quiet and self._console.is_terminal

    def show(self, runs: int) -> None:
        """Show the count, and for how long it may go on."""
        if self._is_shown:
            left = in_time(max(self._until - time.monotonic(), 0))
            text = f"{plural(runs, 'run')} measured, at most {left} left"
            self._console.print(f"{text:<{COLUMNS}}", end="\r", soft_wrap=True)

    def end(self) -> None:
        """Leave the line."""
        if self._is_shown:
            self._console.print()
