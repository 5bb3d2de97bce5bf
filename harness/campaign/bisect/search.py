"""Bisection over commits in order, of which some cannot be run.

Before the first commit the finding was not there, and with the last one it is. A commit that cannot be judged
is skipped, and the nearest one to the middle that is left is tried instead. So the end is one commit, or a
range: the first one that is known to show the finding, and the skipped ones right before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Judgement = Literal["good", "bad", "skipped"]


def first_bad(number: int, judge: Callable[[int], Judgement]) -> range:
    """Which commits may be the first bad one, of `number` in order, of which the last is known to be bad.

    Args:
        judge: judges the commit of this place; it is asked once for each place, and never for the last one.

    Returns:
        the places that are left, in order: one, or more if those before the last of them were skipped.
    """
    good, bad = -1, number - 1
    skipped: set[int] = set()
    while True:
        open_places = [place for place in range(good + 1, bad) if place not in skipped]
        if not open_places:
            return range(good + 1, bad + 1)
        middle = (good + bad) / 2
        place = min(open_places, key=lambda one: (abs(one - middle), one))
        match judge(place):
            case "good":
                good = place
            case "bad":
                bad = place
            case "skipped":
                skipped.add(place)
