"""Whether a run lasts long enough for its faults, and the time limit of a run that has none given.

A fault that had no turn had no effect, and its run proves nothing; one that was cut short may have had none.
So the time that the first turns take is stated before the run begins: each fault alone, and then all of them
at once (harness/nemesis/schedule.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from harness.nemesis import Nemesis
from harness.run.course import nemesis_for
from harness.run.test import Test
from harness.run.time_limits.too_short import TooShort
from harness.systems import system_of

USUAL_S = 30.0


def enough_s(test: Test) -> float:
    """The whole seconds in which each fault has its turn, and then all of them at once; 0 without faults.

    Raises:
        ValueError: the test names a system or a fault that does not exist; in words.
    """
    return math.ceil(_nemesis(test).first_turns_ms / 1000)


def all_begin_s(test: Test) -> float:
    """The seconds after which each of these turns has begun; in a shorter run, a fault may have none.

    Raises:
        ValueError: as `enough_s`.
    """
    return _nemesis(test).first_turns_begin_ms / 1000


def with_usual_time_limit(test: Test) -> Test:
    """The test with 30 s, or with the time that its faults need, if that is more."""
    return msgspec.structs.replace(test, time_limit_s=max(USUAL_S, enough_s(test)))


def too_short(test: Test) -> TooShort | None:
    """What to say of a time limit that is too short for the test's faults; None if it is long enough."""
    enough = enough_s(test)
    if test.time_limit_s >= enough:
        return None
    words = in_words(test.nemesis, enough, is_cut=test.time_limit_s > all_begin_s(test))
    text = f"a time limit of {test.time_limit_s:g} s is too short: {words}"
    return TooShort(test.time_limit_s, enough, f"{text}; give --time-limit {enough}, or --fault-seconds")


def in_words(faults: Sequence[str], enough: float, *, is_cut: bool) -> str:
    """How long the first turns of these faults take, and what follows from less.

    Args:
        is_cut: whether all of them begin within the limit, so that at the worst the last one is cut short.
    """
    names = tuple(dict.fromkeys(fault.partition(":")[0] for fault in faults))
    turns = f"the first turn of {names[0]} takes"
    if len(names) > 1:
        turns = f"the first turns of {', '.join(names)}, and of all at once, take"
    if is_cut:
        cut = "but one that is cut short may have no effect, which makes a run unknown"
        return f"{turns} up to {enough:g} s: each begins in time, {cut}"
    return f"{turns} up to {enough:g} s, and a fault without a turn makes a run unknown"


def _nemesis(test: Test) -> Nemesis:
    return nemesis_for(test, system_of(test.system, test.options()))
