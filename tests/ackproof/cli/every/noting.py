"""Notes which lines of progress a command had, and whether they knew the time left.

For a fork: the command must not know that it is watched, and a short call ends before its line would be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ackproof.cli.output.progress import Steps, Working
from harness.campaign.progress import CampaignProgress
from harness.run.progress import ProgressLine
from harness.sim import command as simulating
from harness.sim.cause import command as causing
from harness.sim.explore import command as exploring
from harness.sim.seeds import mutant_table

NOTE = "PROGRESS "
OTHERS: tuple[tuple[type[Any], str], ...] = (
    (CampaignProgress, "show"),
    (ProgressLine, "show"),
    (simulating._Progress, "add"),
    (causing._Progress, "show"),
    (exploring._Watch, "__call__"),
    (mutant_table._Progress, "add"),
)
"""Lines of commands that count more than steps, and what is called as the work goes on. That each shows the
time left is tested next to it."""


def note_progress(note: Callable[[str], object]) -> None:
    """Have every line of progress that knows the time left noted, in this process."""
    end, leave = Working.end, Steps.__exit__

    def end_noted(self: Working) -> None:
        words = self._words_of_left(1.0)
        end(self)
        if "left" in words:
            note(f"{NOTE}{self._what}")

    def leave_noted(self: Steps, *error: Any) -> None:
        leave(self, *error)
        note(f"{NOTE}{self._what}")

    Working.end = end_noted  # type: ignore[method-assign]  # in a process that ends with this command
    Steps.__exit__ = leave_noted  # type: ignore[method-assign]  # as above
    for kind, name in OTHERS:
        _note_calls(kind, name, note)


def _note_calls(kind: type[Any], name: str, note: Callable[[str], object]) -> None:
    called = getattr(kind, name)

    def noted(self: Any, *arguments: Any, **named: Any) -> Any:
        note(f"{NOTE}{kind.__module__}")
        return called(self, *arguments, **named)

    setattr(kind, name, noted)
