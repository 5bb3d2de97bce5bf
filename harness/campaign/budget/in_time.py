"""Which runs still fit into a budget that is held in wall time, by how long runs took in this campaign.

A run fits if the runs of its cell took no longer on average than is left. A simulated cell without a run
counts as the cell with the shortest ones: so a cell is not left out because of a dear neighbour. A real run
takes its time limit, and what real runs take on average in addition to theirs (sharing.py).

The average, and not the longest run: at most one run for each process is given up at the end, while a bound
that all runs keep left cores without work for the last tenth of a gate.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from harness.campaign.budget.sharing import limits_of, rest_s
from harness.campaign.cells import CampaignPlan
from harness.campaign.journal import RunLine


class RunLengths:
    """How long the next run of each cell takes, as far as that is known, in seconds."""

    def __init__(self, plan: CampaignPlan, done: Iterable[RunLine], rest_here_s: float) -> None:
        """`rest_here_s` is what a real run is expected to take in addition to its time limit."""
        self._plan = plan
        self._simulated: dict[int, list[float]] = {}
        """How long the runs of each simulated cell took."""
        self._real: list[RunLine] = []
        self._rest_here_s = rest_here_s
        for line in done:
            self.add(line)

    def add(self, line: RunLine) -> None:
        """Count a run."""
        if self._plan.cells[line.cell].world != "sim":
            self._real.append(line)
        else:
            self._simulated.setdefault(line.cell, []).append(line.outcome.took_s)

    def within(self, left_s: float, *, is_simulated: bool) -> frozenset[int]:
        """The cells of one kind of world whose next run is expected to end in this time."""
        own = [
            number for number, cell in enumerate(self._plan.cells) if (cell.world == "sim") is is_simulated
        ]
        if is_simulated:
            known = {number: fmean(took) for number, took in self._simulated.items()}
            unknown_s = min(known.values(), default=0.0)
            expected = {number: known.get(number, unknown_s) for number in own}
        else:
            rest = rest_s(self._plan, self._real, self._rest_here_s)
            expected = {number: limits_of(self._plan.cells[number]).least + rest for number in own}
        return frozenset(number for number, seconds in expected.items() if seconds <= left_s)
