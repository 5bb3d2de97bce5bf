"""From two runs of a store to the page that shows them next to each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import CouldNotRun
from harness.store.comparing import FirstDifference, compare
from harness.store.entry import RunEntry
from harness.store.overview import report_link
from history.files import brief
from history.history import HistoryError
from history.units import SECOND_NS
from reports.site.model import ComparedRuns, Differing, LatencyCurves
from reports.text import short


def compared_runs(store: Path, entries: Sequence[RunEntry], a: str, b: str) -> ComparedRuns:
    """Two runs of the store by the names of their folders; says why if they cannot be compared."""
    if not a or not b:
        return ComparedRuns(a=a, b=b)
    by_folder = {entry.folder: entry for entry in entries}
    for name in (a, b):
        if name not in by_folder:
            return ComparedRuns(a=a, b=b, problem=f"there is no run {name}")
    try:
        found = compare(store / a, store / b)
    except (CouldNotRun, HistoryError) as error:
        return ComparedRuns(a=a, b=b, problem=brief(error))
    parting = found.first_difference
    return ComparedRuns(
        a=a,
        b=b,
        report_a=report_link(store, by_folder[a]),
        report_b=report_link(store, by_folder[b]),
        parting="The simulated runs are the same, line by line." if found.is_same else _where(parting),
        parting_a="" if parting is None else parting.a or "nothing",
        parting_b="" if parting is None else parting.b or "nothing",
        options=tuple(Differing(one.name, short(one.a, 200), short(one.b, 200)) for one in found.options),
        verdicts=tuple(
            Differing(one.checker, _says(one.a, one.a_says), _says(one.b, one.b_says))
            for one in found.verdicts
        ),
        same_verdicts=found.same_verdicts,
        measures=tuple(
            Differing(f"{one.checker}: {one.measure}", f"{one.a:.6g}", f"{one.b:.6g}")
            for one in found.measures
        ),
        quantiles=found.quantiles,
        latencies=tuple(
            LatencyCurves(one.f, one.a.ms, one.b.ms, one.a.ok, one.b.ok) for one in found.latencies
        ),
    )


def pairs_to_compare(entries: Sequence[RunEntry], most: int) -> list[tuple[RunEntry, RunEntry]]:
    """Each judged run after the one before it of the same system, workload and faults; if there is none, of
    the same system and workload. The latest pair first.

    Args:
        entries: the newest first.
        most: how many pairs at most.
    """
    found: list[tuple[RunEntry, RunEntry]] = []
    before: dict[tuple[object, ...], RunEntry] = {}
    for entry in reversed(entries):
        if entry.validity is None:
            continue
        kind = (entry.system, entry.workload, entry.world)
        same_faults = (*kind, entry.faults_in_words, entry.mutant)
        earlier = before.get(same_faults) or before.get(kind)
        if earlier is not None:
            found.append((earlier, entry))
        before[same_faults] = before[kind] = entry
    return found[::-1][:most]


def _where(parting: FirstDifference | None) -> str:
    if parting is None:
        return ""
    time = "" if parting.at_ns is None else f", at {parting.at_ns / SECOND_NS:.6f} s"
    return f"The simulated runs part in line {parting.line} of the {parting.where}{time}."


def _says(mark: str | None, words: str) -> str:
    return "not judged" if mark is None else f"{mark}: {words}"
