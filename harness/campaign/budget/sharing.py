"""Shares a budget out among the cells of real processes, so that each has one run in it.

A real run takes its time limit, and a *rest*: to start, heal, read back and be judged. The rest depends on
the machine and on other work there, so it is taken from the runs so far. A cell whose `time_limit_s` is left
open gets, for its first run, an even share of the time that is left: never less than its faults need for
their first turns, and never more than the usual limit. Later runs have the usual limit.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from harness.campaign.cells import CampaignPlan, Cell, Unit
from harness.campaign.journal import RunLine
from harness.campaign.refusals import test_of
from harness.campaign.scripts.catalogue import SCRIPTS
from harness.run.test import with_chosen_faults
from harness.run.time_limits.enough import enough_s, with_usual_time_limit

REST_S = 10.0
"""The rest of a real run on a machine that does little else, in seconds."""
CALM = 4.0
"""Up to this load a core, the rest is about `REST_S`; beyond, it grows with the load. Three nodes of etcd or
ZooKeeper on two cores took 12 to 16 s at load 12, and 31 s at load 24."""
MOST_TIMES = 6.0
"""How many times `REST_S` the expected rest is at the most."""
LEAST_S = 5
"""The shortest time limit that a share gives, in seconds."""


class Limits(NamedTuple):
    """Between which time limits a share of a cell's first run lies, in seconds."""

    least: int
    most: int


@cache
def limits_of(cell: Cell) -> Limits:
    """The limit that the cell states; where it states none, what its faults need, and the usual limit."""
    if cell.script is not None:
        return Limits(SCRIPTS[cell.script].takes_s, SCRIPTS[cell.script].takes_s)
    if cell.time_limit_s is not None:
        return Limits(cell.time_limit_s, cell.time_limit_s)
    test = with_chosen_faults(test_of(cell))
    usual = math.ceil(with_usual_time_limit(test).time_limit_s)
    return Limits(min(usual, max(LEAST_S, math.ceil(enough_s(test)))), usual)


def share_s(cell: Cell, waiting: Sequence[Cell], left_s: float, rest_s: float, at_once: int = 1) -> int:
    """The time limit of this cell's first run, in whole seconds.

    Args:
        waiting: the cells that wait for their first run, this one among them.
        left_s: what is left of the budget.
        rest_s: what a run takes in addition to its time limit.
        at_once: how many real runs are done at the same time.
    """
    own = limits_of(cell)
    open_cells = sum(limits_of(one).least < limits_of(one).most for one in waiting)
    if not open_cells:
        return own.most
    spare_s = at_once * left_s - first_runs_s(waiting, rest_s)
    return max(own.least, min(own.most, math.floor(own.least + spare_s / open_cells)))


def first_runs_s(cells: Iterable[Cell], rest_s: float) -> float:
    """What the first runs of these cells take at the least, one after the other, in seconds."""
    return sum(limits_of(cell).least + rest_s for cell in cells)


def expected_rest_s(load: float, cores: int) -> float:
    """The rest of a real run before one was done, by the processes that wait for a core or use one."""
    return REST_S * min(MOST_TIMES, max(1.0, load / cores / CALM))


def rest_here_s() -> float:
    """The rest that is expected on this machine, by its load in the last minute."""
    return expected_rest_s(os.getloadavg()[0], os.cpu_count() or 1)


def rest_s(plan: CampaignPlan, lines: Iterable[RunLine], expected_s: float) -> float:
    """What a real run takes in addition to its time limit, on average over those of these lines, in seconds.

    Args:
        expected_s: what is expected without runs. It counts as one, so that one slow start does not decide
            alone.
    """
    rests = [expected_s]
    for line in lines:
        cell = plan.cells[line.cell]
        if cell.world != "sim":
            limit_s = line.time_limit_s or limits_of(cell).most
            rests.append(max(0.0, line.outcome.took_s - limit_s))
    return sum(rests) / len(rests)


def more_needed_s(plan: CampaignPlan, done: Mapping[Unit, RunLine]) -> int | None:
    """How many seconds the first runs take of those cells of real processes that have none, at the pace of
    the runs that were done; None if there are no such cells, or if no budget of seconds ended the work."""
    begun = {unit.cell for unit in done}
    waiting = [cell for number, cell in enumerate(plan.cells) if cell.world != "sim" and number not in begun]
    if not waiting or plan.most_s is None or plan.shard is not None:
        return None
    return math.ceil(first_runs_s(waiting, rest_s(plan, done.values(), REST_S)))
