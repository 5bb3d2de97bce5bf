"""Whether a finding is new, ongoing, rare, resolved or regressed: by the campaigns in which it could show.

Only runs that could show it and say something count (sightings.py). By campaign, in the order in which they
began, a finding was seen in how many of such runs.

- It is *resolved* once so many runs passed without it that, if it still came as often as before, they would
  have shown it with a probability of `CONFIDENCE` at least. How often it came is known only from the runs
  until it was seen last, so that is averaged over: with k of n, each rate from 0 to 1 is as likely as
  Beta(k+1, n-k+1) says (a uniform prior), and the chance that N runs all miss it is

      B(k+1, n-k+1+N) / B(k+1, n-k+1).

- Seen in the latest of these campaigns, it is *regressed* if it was resolved before, by runs or by the
  baseline; else *ongoing* if it was seen in an earlier campaign or is in the baseline; else *new*.
- Not seen in the latest one, and not resolved, it is *rare*: the runs are too few to call it gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma
from typing import Literal, NamedTuple

from harness.campaign.findings.baseline import Known

FindingState = Literal["new", "ongoing", "rare", "resolved", "regressed"]
CONFIDENCE = 0.99


class Seen(NamedTuple):
    """What one campaign shows of a finding."""

    times: int
    runs: int
    """How many runs could have shown it; at least one."""


def state_of(seen: Sequence[Seen], known: Known | None) -> FindingState:
    """The state of a finding that some campaign has seen.

    Args:
        seen: by campaign in order, those with runs that could have shown it.
        known: what the baseline says of it; None if it does not name it.
    """
    was_resolved = known is not None and known.resolved
    before = known is not None
    times = runs = missed = 0
    for place, campaign in enumerate(seen):
        if not campaign.times:
            missed += campaign.runs if times else 0
            continue
        was_resolved = was_resolved or (times > 0 and is_resolved(times, runs, missed))
        before = before or times > 0
        times, runs, missed = times + campaign.times, runs + missed + campaign.runs, 0
        if place == len(seen) - 1:
            if was_resolved:
                return "regressed"
            return "ongoing" if before else "new"
    return "resolved" if is_resolved(times, runs, missed) else "rare"


def is_resolved(times: int, runs: int, missed: int) -> bool:
    """Whether so many runs without a finding show that it is gone."""
    return chance_to_miss(times, runs, missed) <= 1 - CONFIDENCE


def chance_to_miss(times: int, runs: int, missed: int) -> float:
    """How likely `missed` runs all miss what was seen in `times` of `runs`, if nothing has changed."""
    one, other = times + 1, runs - times + 1
    return exp(_log_beta(one, other + missed) - _log_beta(one, other))


def _log_beta(a: int, b: int) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
