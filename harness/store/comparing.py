"""Compares two runs: what was asked for, what the checkers say, how quick it was, and where they part.

Two simulated runs are the same up to the first line of a history or of a trace that differs, as each is a
function of its seed and its code. So that line says where a change of the code, or of an option, first had an
effect. Real runs differ from the first operation on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from checkers.check_all import Results
from checkers.verdict import Verdict
from harness.errors import CouldNotRun
from harness.formats import RUN_KEY
from harness.run.folder import FAULT_KINDS, RunFolder
from harness.store.entry import RunEntry
from harness.store.files import RECORDING, RESULTS, TEST
from harness.store.reading import read_entry
from history import NEMESIS, History, Operation, read_history
from history.files import RefusedFile, brief, decode_json, is_regular, names_in, open_regular, read_regular
from history.history import INVOKE, OK
from history.limits import LONGEST_LINE_BYTES
from history.units import MILLISECOND_NS
from history.values import in_words

QUANTILES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0)
"""At which latencies are compared; enough of them to draw both as curves."""
MOST_MEASURES = 400
LONGEST_TEXT = 200
_NOT_OPTIONS = frozenset(
    {RUN_KEY, "monotonic_start_ns", "wall_start_ns", "started_at", "command", FAULT_KINDS}
)
"""What test.json holds that is no option of the test."""


class OptionDifference(msgspec.Struct, frozen=True):
    """An option, or a version, that the two runs do not have in common."""

    name: str
    a: Any
    b: Any


class VerdictDifference(msgspec.Struct, frozen=True):
    """What one checker says of the two runs, where it does not say the same."""

    checker: str
    a: str | None
    """Null if this run has no such checker, or was not judged."""
    b: str | None
    a_says: str = ""
    b_says: str = ""


class MeasureDifference(msgspec.Struct, frozen=True):
    """One figure of a checker that differs."""

    checker: str
    measure: str
    """The path of the figure in the measures: `overall.longest_unavailable_s`."""
    a: float
    b: float


class LatencyQuantiles(msgspec.Struct, frozen=True):
    """How long the operations of one kind took that ended ok."""

    ok: int
    """How many there are."""
    ms: tuple[float, ...]
    """Milliseconds at `quantiles` of the comparison; empty if there are none."""

    def at(self, quantile: float) -> float | None:
        """Milliseconds at one of `QUANTILES`."""
        return self.ms[QUANTILES.index(quantile)] if self.ms else None


class LatencyPair(msgspec.Struct, frozen=True):
    """The latencies of one kind of operation."""

    f: str
    a: LatencyQuantiles
    b: LatencyQuantiles


class FirstDifference(msgspec.Struct, frozen=True):
    """Where two simulated runs part: the earliest line that differs, in simulated time."""

    where: str
    """`history`, or the trace of a node: `trace of n3, life 1`."""
    line: int
    """The number of the line in both files."""
    at_ns: int | None
    """The earlier of the two times; null if neither line has one."""
    a: str | None
    """What this run has there; null if it has ended."""
    b: str | None


class Comparison(msgspec.Struct, frozen=True):
    """Two runs, and what differs."""

    a: RunEntry
    b: RunEntry
    is_same: bool
    """Whether two simulated runs are the same, line by line; false for any others."""
    options: tuple[OptionDifference, ...]
    verdicts: tuple[VerdictDifference, ...]
    same_verdicts: int
    """How many checkers say the same of both."""
    measures: tuple[MeasureDifference, ...]
    latencies: tuple[LatencyPair, ...]
    quantiles: tuple[float, ...] = QUANTILES
    first_difference: FirstDifference | None = None
    """Of two simulated runs that are not the same."""


HISTORY_SHARE, BOTH_SHARE = 0.4, 0.8
"""Which part of the time it takes until one history is read, and until both are."""


def compare(a: Path, b: Path, *, tell_share: Callable[[float], None] = lambda _: None) -> Comparison:
    """Compare the folders of two runs.

    Args:
        a: the first folder.
        b: the other.
        tell_share: is given, now and then, about which share of this is done, above 0 and below 1.

    Raises:
        CouldNotRun: one of them is not a run's folder, or a file in it cannot be read.
        HistoryError: a history breaks a rule.
    """
    try:
        ours, theirs = (_entry(path) for path in (a, b))
        first = _history(a)
        tell_share(HISTORY_SHARE)
        second = _history(b)
        tell_share(BOTH_SHARE)
        verdicts, same, measures = _verdicts(_results(a), _results(b))
        both_simulated = ours.kind == theirs.kind == "simulated"
        parting = _first_difference(a, b, first, second) if both_simulated else None
        return Comparison(
            a=ours,
            b=theirs,
            is_same=both_simulated and parting is None,
            options=tuple(_options(_facts(a), _facts(b))),
            verdicts=verdicts,
            same_verdicts=same,
            measures=measures,
            latencies=tuple(_latencies(first, second)),
            first_difference=parting,
        )
    except (OSError, RefusedFile) as error:
        raise CouldNotRun(brief(error)) from error


# ---- what was asked for, and what was found ------------------------------------------------------------


def _entry(path: Path) -> RunEntry:
    if not path.is_dir():
        raise CouldNotRun(f"there is no run's folder {path}; `ackproof runs` lists those of a store")
    entry = read_entry(path.parent, path.name)
    if entry.state in ("damaged", "newer"):
        raise CouldNotRun(f"{path} is not a run's folder that can be read: {entry.why}")
    return entry


def _facts(path: Path) -> dict[str, Any]:
    name = TEST if is_regular(path / TEST, path) else RECORDING
    facts = decode_json(read_regular(path / name, root=path), dict[str, Any], where=path / name)
    versions = facts.pop("versions", {})
    named = {f"version of {name}": value for name, value in versions.items()} if versions else {}
    return {**{name: value for name, value in facts.items() if name not in _NOT_OPTIONS}, **named}


def _options(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[OptionDifference]:
    for name in dict.fromkeys((*a, *b)):
        if a.get(name) != b.get(name):
            yield OptionDifference(name, a.get(name), b.get(name))


def _results(path: Path) -> Results | None:
    try:
        return decode_json(read_regular(path / RESULTS, root=path), Results, where=path / RESULTS)
    except FileNotFoundError:
        return None


def _verdicts(
    a: Results | None, b: Results | None
) -> tuple[tuple[VerdictDifference, ...], int, tuple[MeasureDifference, ...]]:
    """The checkers that differ, how many do not, and the figures that differ."""
    ours = {} if a is None else {verdict.checker: verdict for verdict in a.verdicts}
    theirs = {} if b is None else {verdict.checker: verdict for verdict in b.verdicts}
    differing: list[VerdictDifference] = []
    measures: list[MeasureDifference] = []
    same = 0
    for checker in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(checker), theirs.get(checker)
        if one is None or other is None or one.mark != other.mark:
            differing.append(VerdictDifference(checker, _mark(one), _mark(other), _says(one), _says(other)))
        else:
            same += 1
        if one is not None and other is not None:
            measures += _measures(checker, one.measures, other.measures)
    return tuple(differing), same, tuple(measures[:MOST_MEASURES])


def _mark(verdict: Verdict | None) -> str | None:
    return None if verdict is None else verdict.mark.value


def _says(verdict: Verdict | None) -> str:
    return "" if verdict is None else _cut(verdict.summary)


def _measures(checker: str, a: Any, b: Any, path: str = "") -> Iterator[MeasureDifference]:
    """The figures under the same names that differ."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in a:
            if name in b:
                yield from _measures(checker, a[name], b[name], f"{path}.{name}" if path else str(name))
    elif _is_figure(a) and _is_figure(b) and a != b:
        yield MeasureDifference(checker, path, a, b)


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# ---- the histories -------------------------------------------------------------------------------------


def _history(path: Path) -> History:
    """The history of a run; an empty one if the run ended before it had any."""
    folder = RunFolder(path)
    for file in (folder.history_parquet, folder.history_lines):
        if is_regular(file, folder.path):
            return read_history(file)
    return History(())


def _latencies(a: History, b: History) -> Iterator[LatencyPair]:
    ours, theirs = _by_kind(a), _by_kind(b)
    nothing = LatencyQuantiles(0, ())
    for f in sorted(ours.keys() | theirs.keys()):
        yield LatencyPair(f, ours.get(f, nothing), theirs.get(f, nothing))


def _by_kind(history: History) -> dict[str, LatencyQuantiles]:
    columns, pairs = history.columns, history.pairs
    invoked = np.flatnonzero((columns.type == INVOKE) & (columns.process != NEMESIS) & (pairs >= 0))
    invoked = invoked[columns.type[pairs[invoked]] == OK]
    took = (columns.time[pairs[invoked]] - columns.time[invoked]) / MILLISECOND_NS
    kinds = columns.f[invoked]
    found = {}
    for code in np.unique(kinds).tolist():
        own = took[kinds == code]
        ms = tuple(round(float(value), 3) for value in np.quantile(own, QUANTILES))
        found[columns.f_names[code]] = LatencyQuantiles(len(own), ms)
    return found


def _first_difference(a: Path, b: Path, ours: History, theirs: History) -> FirstDifference | None:
    """The earliest difference in the histories and in the traces of all nodes."""
    found = [one for one in (_in_histories(ours, theirs), *_in_traces(a, b)) if one is not None]
    return min(found, key=lambda one: (one.at_ns is None, one.at_ns or 0, one.where), default=None)


def _in_histories(a: History, b: History) -> FirstDifference | None:
    for number, (one, other) in enumerate(itertools.zip_longest(a, b), start=1):
        if one != other:
            times = [operation.time for operation in (one, other) if operation is not None]
            shown = (None if operation is None else _shown(operation) for operation in (one, other))
            return FirstDifference("history", number, min(times), *shown)
    return None


def _shown(operation: Operation) -> str:
    who = "nemesis" if operation.process == NEMESIS else f"process {operation.process}"
    key = "" if operation.key is None else f" {operation.key}"
    node = "" if operation.node is None else f", {operation.node}"
    error = "" if operation.error is None else f", {operation.error}"
    return _cut(f"{who} {operation.type} {operation.f}{key} {in_words(operation.value)}{node}{error}")


def _in_traces(a: Path, b: Path) -> Iterator[FirstDifference | None]:
    for node in sorted({*names_in(a / "nodes", a), *names_in(b / "nodes", b)}):
        files = sorted({*_trace_files(a, node), *_trace_files(b, node)})
        for file in files:
            yield _in_files(
                a, b, Path("nodes") / node / "trace" / file, f"trace of {node}, life {_life(file)}"
            )


def _trace_files(run: Path, node: str) -> list[str]:
    return [name for name in names_in(run / "nodes" / node / "trace", run) if name.endswith(".jsonl")]


def _life(file: str) -> str:
    return Path(file).stem.lstrip("0") or "0"


def _in_files(a: Path, b: Path, file: Path, where: str) -> FirstDifference | None:
    lines = itertools.zip_longest(_lines(a, file), _lines(b, file))
    for number, (one, other) in enumerate(lines, start=1):
        if one != other:
            times = [at for at in map(_at, (one, other)) if at is not None]
            shown = (None if line is None else _cut(line.decode(errors="replace")) for line in (one, other))
            return FirstDifference(where, number, min(times, default=None), *shown)
    return None


def _lines(run: Path, file: Path) -> Iterator[bytes]:
    """The lines of a trace; none if there is no such life."""
    try:
        with open_regular(run / file, root=run) as opened:
            while line := opened.readline(LONGEST_LINE_BYTES):
                yield line.rstrip(b"\n")
    except FileNotFoundError:
        return


class _Timed(msgspec.Struct):
    at: int


def _at(line: bytes | None) -> int | None:
    try:
        return None if line is None else msgspec.json.decode(line, type=_Timed).at
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
