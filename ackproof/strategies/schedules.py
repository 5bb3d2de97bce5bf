"""Schedules of faults: when each begins and ends, as `--schedule` and the mark's `schedule=` take them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

MOST_FAULTS = 6


def fault_schedules(
    faults: Sequence[str] = ("kill", "partition"), *, time_limit_s: float = 10.0
) -> st.SearchStrategy[str]:
    """Schedules such as `2 kill:leader, 5 heal kill`: a fault that is on ends before it begins again.

    Args:
        faults: names, each perhaps with a target: `kill:leader`. Without one the fault has its favourite.
        time_limit_s: all happens before, at tenths of a second.

    Raises:
        ValueError: there is no fault, or too little time.
    """
    tenths = round(time_limit_s * 10) - 1
    if not faults or tenths < 1:
        raise ValueError("a schedule needs one fault at least, and 0.2 s at least")
    times = st.lists(st.integers(0, tenths), min_size=1, max_size=2 * MOST_FAULTS, unique=True).map(sorted)
    return st.composite(_schedule)(list(faults), times)


def _schedule(draw: st.DrawFn, faults: list[str], times: st.SearchStrategy[list[int]]) -> str:
    on: list[str] = []
    parts = []
    for tenth in draw(times):
        name, _, target = draw(st.sampled_from(faults)).partition(":")
        at = f"{tenth // 10}.{tenth % 10}"
        if name in on:
            on.remove(name)
            parts.append(f"{at} heal {name}")
        else:
            on.append(name)
            parts.append(f"{at} {name}:{target}" if target else f"{at} {name}")
    return ", ".join(parts)
