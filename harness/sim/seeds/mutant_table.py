"""What `ackproof mutants` shows: a line for each seeded bug as its hunt ends, then the table of all."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.text import Text

from checkers.words import in_time
from harness.errors import CouldNotRun
from harness.mutants.catalogue import AREAS
from harness.sim.seeds.hunting import Hunt, HuntExecutor, hunt_all

COLUMNS = 79
LINE = "{mark} {mutant:27} {caught_by:26} {seeds:>6} {simulated:>9} {wall:>8} {lines:>8}"


def hunts(names: Sequence[str], executor: HuntExecutor, folder: Path | None, *, quiet: bool) -> list[Hunt]:
    """Hunt these mutants, with progress on standard error unless quiet; give them in the same order.

    Raises:
        CouldNotRun: `folder` cannot be made.
    """
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CouldNotRun(f"cannot make {folder}: {error.strerror}; choose another --store") from error
    found: dict[str, Hunt] = {}
    progress = _Progress(len(names), quiet)
    for one_hunt in hunt_all(names, executor, folder):
        found[one_hunt.mutant] = one_hunt
        progress.add(one_hunt)
    progress.end()
    return [found[name] for name in names]


def show(found: Sequence[Hunt], folder: Path | None) -> None:
    """Print the table, in the catalogue's order of areas, and its sum."""
    console = Console(highlight=False, soft_wrap=True)
    head = LINE.format(
        mark=" ",
        mutant="seeded bug",
        caught_by="caught by",
        seeds="seeds",
        simulated="simulated",
        wall="wall",
        lines="schedule" if folder else "",
    )
    console.print(head.rstrip(), style="bold")
    for area, hunted in _by_area(found):
        console.print(area, style="dim")
        for one_hunt in hunted:
            for line in _lines(one_hunt):
                console.print(line)
    caught = [one_hunt for one_hunt in found if one_hunt.is_caught]
    took = median(one_hunt.wall_s for one_hunt in caught) if caught else 0.0
    console.print(
        f"{len(caught)} of {len(found)} caught by their own checker, within a median of {took:.1f} s "
        "on one core"
    )
    surprised = sum(bool(one_hunt.undeclared) for one_hunt in found)
    if surprised:
        console.print(
            f"{surprised} of them reported by a checker that the catalogue does not name", style="red"
        )
    if folder is not None and caught:
        console.print(f"play one again: ackproof replay {caught[0].schedule}", markup=False)


def show_list(names: Iterable[str]) -> None:
    """Print what the chosen seeded bugs do wrong, and which checkers catch them; nothing is run."""
    console = Console(highlight=False, soft_wrap=True)
    chosen = set(names)
    for area, mutants in AREAS.items():
        listed = [mutant for mutant in mutants if mutant.name in chosen]
        if listed:
            console.print(area, style="bold")
        for mutant in listed:
            console.print(f"  {mutant.name:28} {mutant.about}", markup=False)
            console.print(
                f"  {'':28} caught by {mutant.caught_by}; {mutant.source}", style="dim", markup=False
            )


def _by_area(found: Sequence[Hunt]) -> list[tuple[str, list[Hunt]]]:
    by_name = {one_hunt.mutant: one_hunt for one_hunt in found}
    rows = [
        (area, [by_name[mutant.name] for mutant in mutants if mutant.name in by_name])
        for area, mutants in AREAS.items()
    ]
    return [(area, hunted) for area, hunted in rows if hunted]


def _lines(one_hunt: Hunt) -> list[Text]:
    lines = one_hunt.schedule_lines
    row = LINE.format(
        mark="\N{CHECK MARK}" if one_hunt.is_as_declared else "\N{BALLOT X}",
        mutant=one_hunt.mutant,
        caught_by=one_hunt.caught_by if one_hunt.is_caught else f"NOT by {one_hunt.caught_by}",
        seeds=one_hunt.seeds,
        simulated=f"{one_hunt.simulated_s:.0f} s",
        wall=f"{one_hunt.wall_s:.1f} s",
        lines="" if lines is None else f"{lines} lines" if lines != 1 else "1 line",
    )
    found = [Text(row.rstrip(), style="" if one_hunt.is_as_declared else "red")]
    if one_hunt.undeclared:
        found.append(Text(f"  {'':27} also, undeclared: {', '.join(one_hunt.undeclared)}", style="red"))
    return found


class _Progress:
    """Shows progress on standard error: one line that is rewritten in a terminal, a line a hunt elsewhere."""

    def __init__(self, hunts: int, quiet: bool) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._is_quiet = quiet
        self._hunts = hunts
        self._done = self._caught = 0
        self._begin = time.monotonic()
        self._show("")

    def add(self, one_hunt: Hunt) -> None:
        """Count one more hunt that has ended."""
        self._done += 1
        self._caught += one_hunt.is_caught
        how = f"seed {one_hunt.seed}" if one_hunt.is_caught else f"not within {one_hunt.seeds} seeds"
        self._show(f": {one_hunt.mutant}, {how}")

    def end(self) -> None:
        """Clear the terminal's line for what follows."""
        if not self._is_quiet and self._console.is_terminal:
            self._console.print(" " * COLUMNS, end="\r", soft_wrap=True)

    def _show(self, last: str) -> None:
        if self._is_quiet or (not last and not self._console.is_terminal):
            return
        spent_s = time.monotonic() - self._begin
        left_s = spent_s / self._done * (self._hunts - self._done) if self._done else 0.0
        left = f", {in_time(left_s)} left" if left_s else ""
        text = f"{self._done} of {self._hunts} hunted, {self._caught} caught, {spent_s:.0f} s{left}{last}"
        if self._console.is_terminal:
            self._console.print(f"{text:{COLUMNS}.{COLUMNS}}", end="\r", markup=False, soft_wrap=True)
        else:
            self._console.print(text, markup=False)
