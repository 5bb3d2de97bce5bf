"""The loop of a campaign: begins runs while the budget lasts, keeps each outcome, tries again what crashed.

A run that the harness itself could not do (an exception, a process that died, `CouldNotRun`) says nothing
about the system, so it is tried again, up to a bound. A violation is kept as it is: trying again until a run
is valid would hide rare ones.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable
from math import inf

import msgspec

from checkers.verdict import Validity
from harness.campaign.budget.in_time import RunLengths
from harness.campaign.budget.sharing import limits_of, rest_here_s, rest_s, share_s
from harness.campaign.cells import CampaignPlan, Cell, Unit, further_units, to_begin_with, units
from harness.campaign.executors import Ended, Executor, MakeExecutors
from harness.campaign.journal import CrashLine, EndLine, Journal, RunLine, Stored, runs_by_unit, stamp
from harness.campaign.outcomes import Outcome
from harness.campaign.progress import CampaignProgress
from harness.campaign.replacing import in_place_of_undecided
from harness.campaign.watching.figures import FigureCounter
from harness.campaign.watching.live import LiveData
from harness.concealing import concealed
from harness.mutants.catalogue import MUTANTS

WAIT_S = 0.25
MOST_CRASHES_IN_A_ROW = 20
"""After so many attempts without one judged run, the harness is broken, and going on is of no use."""
DONE, BUDGET, STOPPED, INTERRUPTED, BROKEN = (
    "all runs are done",
    "the budget is used up",
    "stopped at the first violation",
    "interrupted",
    "the harness could do none of the last runs",
)
"""Why the work ended."""


def run_campaign(
    journal: Journal, executors: MakeExecutors, progress: CampaignProgress, real_jobs: int = 1
) -> Stored:
    """Do what the journal's plan asks for and its lines do not hold yet; give all that it holds then.

    Args:
        real_jobs: how many runs the executor of real ones does at the same time.

    Raises:
        CouldNotRun: the journal cannot be written; what it holds stays.
    """
    campaign = _Campaign(journal, progress, real_jobs)
    simulating, real = executors(journal.folder)
    try:
        # Never both at once: simulated runs on all cores would make the times of real ones worthless.
        for is_begin in (True, False):
            campaign.do(simulating, is_simulated=True, is_begin=is_begin)
            campaign.do(real, is_simulated=False, is_begin=is_begin)
        campaign.end()
    finally:
        for executor in (simulating, real):
            executor.close()
        progress.end()
        journal.close()
    return journal.now()


class _Campaign:
    """A campaign in progress."""

    def __init__(self, journal: Journal, progress: CampaignProgress, real_jobs: int) -> None:
        self._journal = journal
        self._real_jobs = real_jobs
        self._rest_here_s = rest_here_s()
        self._shared_s: dict[Unit, int] = {}
        """Time limits of runs that were given a share of the budget."""
        self._progress = progress
        self._plan: CampaignPlan = journal.stored.plan
        self._done = runs_by_unit(journal.stored.lines)
        self._attempts: Counter[Unit] = Counter()
        self._crashes_in_a_row = 0
        self._begun = len(self._done)
        self._why: str | None = None
        """Why the work ends early; None while it goes on."""
        self._has_left_out = False
        """Whether runs were left out as their time was over: simulated ones, to leave time for real ones, or
        those that would take longer than was left."""
        before = max((line.elapsed_s for line in journal.stored.lines), default=0.0)
        self._zero = time.monotonic() - before
        self._figures = FigureCounter(journal.stored.runs)
        self._found = Counter(
            line.cell for line in self._done.values() if is_found(self._plan, line.cell, line)
        )
        """In how many runs the seeded bug of a cell was found."""
        self._lengths = RunLengths(self._plan, self._done.values(), self._rest_here_s)
        self._to_begin_with = to_begin_with(self._plan)
        self._real_s = sum(
            line.outcome.took_s for unit, line in self._done.items() if not self._is_simulated(unit)
        )
        """Seconds that real runs took."""
        self._in_place: set[Unit] = set()
        """Runs in place of those that proved nothing."""
        self._further = deque(further_units(self._plan))
        """Runs for time that is left, which have not begun."""
        asked = [*units(self._plan), *(unit for unit in self._further if unit in self._done)]
        self._live = LiveData(journal.folder, self._plan, len(asked), self._figures)
        self._progress.start(len(asked), self._plan, self._elapsed_s())
        for unit in (*asked, *self._drawn_in_place()):
            if unit in self._done:
                self._progress.count(self._plan.cells[unit.cell], self._done[unit].outcome, is_new=False)
        if self._plan.stop_at_first and any(self._counts(unit) for unit in self._done):
            self._why = STOPPED

    def do(self, executor: Executor, *, is_simulated: bool, is_begin: bool) -> None:
        """Do the runs of one kind of world: of those that come first, or all that are left."""
        if self._why is not None:
            return
        asked = (unit for unit in units(self._plan) if unit in self._to_begin_with or not is_begin)
        wanted = (*asked, *(() if is_begin else sorted(self._in_place)))
        left: deque[Unit] = deque(
            unit for unit in wanted if self._is_simulated(unit) is is_simulated and self._is_left(unit)
        )
        try:
            self._work(executor, left, is_simulated=is_simulated, is_begin=is_begin)
        except KeyboardInterrupt:
            self._why = INTERRUPTED
            self._take(executor.interrupt())

    def end(self) -> None:
        """Note why the work ended."""
        why = self._why or (BUDGET if self._has_left_out else DONE)
        is_complete = why in (DONE, BUDGET, STOPPED)
        self._journal.add(EndLine(why, is_complete, stamp(), self._elapsed_s()))
        self._show(why)

    def _show(self, ended: str = "") -> None:
        """Show how far it is: to a person, and in the file of live data."""
        elapsed_s = self._elapsed_s()
        figures = self._figures.at(elapsed_s)
        self._progress.show(elapsed_s, figures)
        self._live.write(elapsed_s, figures, self._progress.left_s(elapsed_s), ended)

    def _work(self, executor: Executor, left: deque[Unit], *, is_simulated: bool, is_begin: bool) -> None:
        while True:
            if left and is_simulated and self._is_over_for_simulated():
                left.clear()
                self._has_left_out = True
            while left and executor.has_room and self._may_begin():
                unit = self._taken_from(left, is_simulated=is_simulated)
                if unit is None:
                    left.clear()
                    self._has_left_out = True
                elif not self._is_needless(unit):
                    executor.begin(unit, self._with_share(unit, left), unit.seed)
                    self._begun += 1
            if is_simulated and not is_begin and not left:
                self._begin_further(executor)
            if not executor.is_busy:
                return
            again = self._take(executor.wait(WAIT_S))
            if executor.is_busy and self._plan.ends_in_time and self._left_s(is_simulated=is_simulated) <= 0:
                self._take(executor.interrupt())
                self._has_left_out = True
            left.extend(again if not is_begin else [unit for unit in again if unit not in self._in_place])
            self._show()
            if self._why in (STOPPED, BROKEN):
                return

    def _begin_further(self, executor: Executor) -> None:
        """Begin runs that time is left for."""
        while self._further and executor.has_room and not self._is_over_for_simulated() and self._may_begin():
            unit = self._taken_from(self._further, is_simulated=True)
            if unit is None:
                return
            if self._is_left(unit):
                executor.begin(unit, self._plan.cells[unit.cell], unit.seed)
                self._begun += 1
                self._ask(1)

    def _taken_from(self, waiting: deque[Unit], *, is_simulated: bool) -> Unit | None:
        """The next run, taken out of those that wait; None if each would take longer than is left."""
        if not self._plan.ends_in_time:
            return waiting.popleft()
        fitting = self._lengths.within(self._left_s(is_simulated=is_simulated), is_simulated=is_simulated)
        unit = next((unit for unit in waiting if unit.cell in fitting), None)
        if unit is not None:
            waiting.remove(unit)
        return unit

    def _with_share(self, unit: Unit, left: Iterable[Unit]) -> Cell:
        """The cell of a run; with its share of the budget, if it is the first of a cell of real processes
        whose time limit is open."""
        cell = self._plan.cells[unit.cell]
        self._shared_s.pop(unit, None)
        if self._plan.most_s is None or cell.world == "sim" or unit not in self._to_begin_with:
            return cell
        limits = limits_of(cell)
        if limits.least == limits.most:
            return cell
        following = [self._plan.cells[one.cell] for one in left if one in self._to_begin_with]
        limit_s = share_s(
            cell,
            [cell, *following],
            self._plan.most_s - self._elapsed_s(),
            rest_s(self._plan, self._done.values(), self._rest_here_s),
            self._real_jobs,
        )
        if limit_s == limits.most:
            return cell
        self._shared_s[unit] = limit_s
        return msgspec.structs.replace(cell, time_limit_s=limit_s)

    def _is_simulated(self, unit: Unit) -> bool:
        return self._plan.cells[unit.cell].world == "sim"

    def _is_left(self, unit: Unit) -> bool:
        """Whether a run is neither done nor given up."""
        return unit not in self._done and self._attempts[unit] <= self._plan.retries

    def _is_over_for_simulated(self) -> bool:
        """Whether the time of simulated runs is over; that of real ones does not count."""
        most_s = self._plan.most_simulated_s
        return most_s is not None and self._elapsed_s() - self._real_s >= most_s

    def _left_s(self, *, is_simulated: bool) -> float:
        """How much of the budget is left for runs of this kind of world, in seconds."""
        elapsed_s, plan = self._elapsed_s(), self._plan
        bounds = [inf if plan.most_s is None else plan.most_s - elapsed_s]
        if is_simulated and plan.most_simulated_s is not None:
            bounds.append(plan.most_simulated_s + self._real_s - elapsed_s)
        return min(bounds)

    def _may_begin(self) -> bool:
        """Whether the budget allows another run."""
        if self._why is None:
            runs, seconds = self._plan.most_runs, self._plan.most_s
            if (runs is not None and self._begun >= runs) or (
                seconds is not None and self._elapsed_s() >= seconds
            ):
                self._why = BUDGET
        return self._why is None

    def _is_needless(self, unit: Unit) -> bool:
        """Whether its cell has a seeded bug, which was found in enough runs before."""
        cell = self._plan.cells[unit.cell]
        enough = 1 if cell.is_canary else self._plan.enough_found
        return cell.mutant is not None and enough is not None and self._found[unit.cell] >= enough

    def _drawn_in_place(self) -> list[Unit]:
        """Runs to do in place of those that proved nothing, which were not drawn before."""
        wanted = in_place_of_undecided(self._plan, self._done.values())
        new = [unit for unit in wanted if unit not in self._in_place]
        self._in_place.update(new)
        self._ask(len(new))
        return new

    def _ask(self, more: int) -> None:
        """Count runs that are done in addition to those that the plan asks for."""
        self._progress.ask(more)
        self._live.ask(more)

    def _take(self, ended: Iterable[Ended]) -> list[Unit]:
        """Keep what ended; give the runs that are to be tried again, or that take the place of others."""
        following = []
        for unit, outcome in ended:
            if isinstance(outcome, Outcome):
                self._keep(unit, outcome)
                if outcome.validity is Validity.UNKNOWN:
                    following += self._drawn_in_place()
            elif self._crashed(unit, outcome):
                following.append(unit)
        return following

    def _keep(self, unit: Unit, outcome: Outcome) -> None:
        new = self._figures.new_in(outcome)
        kept = msgspec.structs.replace(outcome, behaviours=())
        line = RunLine(
            *unit[:2],
            kept,
            stamp(),
            self._elapsed_s(),
            again=unit.again,
            new=new,
            time_limit_s=self._shared_s.get(unit),
        )
        self._journal.add(line)
        self._figures.add(line)
        self._lengths.add(line)
        self._done[unit] = line
        self._real_s += 0.0 if self._is_simulated(unit) else outcome.took_s
        self._found[unit.cell] += is_found(self._plan, unit.cell, line)
        self._crashes_in_a_row = 0
        self._progress.count(self._plan.cells[unit.cell], outcome, is_new=True)
        if self._plan.stop_at_first and self._counts(unit):
            self._why = STOPPED

    def _crashed(self, unit: Unit, why: str) -> bool:
        """Keep a crash of the harness; whether its run is to be tried again."""
        why = concealed(why)
        self._journal.add(CrashLine(*unit[:2], why, stamp(), self._elapsed_s(), again=unit.again))
        self._progress.crashed(self._plan.cells[unit.cell], unit.seed, why)
        self._begun -= 1
        self._attempts[unit] += 1
        self._crashes_in_a_row += 1
        if self._crashes_in_a_row >= MOST_CRASHES_IN_A_ROW:
            self._why = BROKEN
        return self._attempts[unit] <= self._plan.retries

    def _counts(self, unit: Unit) -> bool:
        """Whether a run is a violation of the system under test; a canary's is what is hoped for."""
        return bool(self._done[unit].outcome.violations) and not self._plan.cells[unit.cell].is_canary

    def _elapsed_s(self) -> float:
        return round(time.monotonic() - self._zero, 3)


def is_found(plan: CampaignPlan, number: int, line: RunLine) -> bool:
    """Whether a run shows the seeded bug of this cell, by the checker whose property the bug breaks."""
    mutant = plan.cells[number].mutant
    if line.cell != number or mutant is None:
        return False
    return any(one.checker == MUTANTS[mutant].caught_by for one in line.outcome.violations)
