"""What a person sees while a campaign runs: counts, and the time left, on standard error."""

from __future__ import annotations

from rich.console import Console

from checkers.verdict import Validity
from checkers.words import in_time
from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.outcomes import Outcome
from harness.campaign.watching.figures import Figures

LINE_EVERY_S = 10.0
TERMINAL_EVERY_S = 0.25
COLUMNS = 79


class CampaignProgress:
    """One line that is rewritten in a terminal, a line now and then elsewhere; nothing if `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._quiet = quiet
        self._asked = self._done = self._new = self._unknown = self._crashes = 0
        self._invalid = self._canaries = 0
        self._most_s: float | None = None
        self._fills_time = False
        self._began_s = self._shown_s = 0.0

    def start(self, asked: int, plan: CampaignPlan, elapsed_s: float) -> None:
        """Begin, or go on after an interruption."""
        self._asked = asked if plan.most_runs is None else min(asked, plan.most_runs)
        self._most_s = plan.most_s
        self._fills_time = bool(plan.further)
        self._began_s = self._shown_s = elapsed_s

    def ask(self, more: int) -> None:
        """Count runs that are to be done in addition."""
        self._asked += more

    def count(self, cell: Cell, outcome: Outcome, *, is_new: bool) -> None:
        """Count one run; that a canary's is invalid is what is hoped for."""
        self._done += 1
        self._new += is_new
        is_invalid = outcome.validity is Validity.INVALID
        self._invalid += is_invalid and not cell.is_canary
        self._canaries += is_invalid and cell.is_canary
        self._unknown += outcome.validity is Validity.UNKNOWN

    def crashed(self, cell: Cell, seed: int, why: str) -> None:
        """Show a crash of the harness, in a line that stays."""
        self._crashes += 1
        if not self._quiet:
            text = f"could not run ({cell.name}; seed {seed}): {why}"
            self._console.print(text, soft_wrap=True, markup=False)

    def show(self, elapsed_s: float, figures: Figures | None = None) -> None:
        """Show the counts, if the last time is long enough ago."""
        every_s = TERMINAL_EVERY_S if self._console.is_terminal else LINE_EVERY_S
        if not self._quiet and elapsed_s - self._shown_s >= every_s:
            self._shown_s = elapsed_s
            self._print(elapsed_s, figures)

    def end(self) -> None:
        """End the line of a terminal."""
        if not self._quiet and self._console.is_terminal:
            self._console.print()

    def line(self, elapsed_s: float, figures: Figures | None = None) -> str:
        """The counts in one line."""
        left_s = self.left_s(elapsed_s)
        parts = [f"{self._done} of {self._asked} runs"]
        parts += [f"about {in_time(left_s)} left"] if left_s is not None else []
        parts.append(f"{self._invalid} invalid")
        parts += [f"{self._canaries} of canaries as expected"] if self._canaries else []
        parts.append(f"{self._unknown} proved nothing")
        parts += [f"{self._crashes} crashes of the harness"] if self._crashes else []
        parts += [figures.in_words] if figures is not None and figures.behaviours else []
        return ", ".join(parts)

    def left_s(self, elapsed_s: float) -> float | None:
        """About how many seconds are left; None while no run has ended."""
        bounds = [] if self._most_s is None else [self._most_s - elapsed_s]
        if self._new and elapsed_s > self._began_s and not self._fills_time:
            bounds.append((self._asked - self._done) * (elapsed_s - self._began_s) / self._new)
        return max(0.0, min(bounds)) if bounds else None

    def _print(self, elapsed_s: float, figures: Figures | None) -> None:
        is_terminal = self._console.is_terminal
        line = self.line(elapsed_s, figures)
        text = f"{line[:COLUMNS]:<{COLUMNS}}" if is_terminal else line
        self._console.print(text, end="\r" if is_terminal else "\n", soft_wrap=True, markup=False)
