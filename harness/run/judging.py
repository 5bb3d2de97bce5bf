"""From a run's folder to its verdicts and its report; for a new run and for an old one."""

from __future__ import annotations

import ctypes
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from checkers.check_all import Results, Suite, check_all, combined
from checkers.verdict import Checker, Validity
from harness.errors import CouldNotRun
from harness.run.folder import RunFolder
from harness.run.seal import trusted
from harness.run.time_limits.costs import EXPLAIN, READ, REPORT, USUAL, Amount, parts_of_judging
from harness.run.time_limits.reckoning import BytesRead, Reckoning
from harness.systems import REFERENCE_NODE
from harness.workload import workload
from history import Recording
from history.files import RefusedFile
from history.units import SECOND_NS
from reports.about import ReportAbout, StoredFile
from reports.explain import explain
from reports.html import render


def judge(
    folder: RunFolder,
    more: Sequence[Checker] = (),
    changed: Callable[[Checker], Checker] | None = None,
    reckoning: Reckoning | None = None,
) -> Results:
    """Check everything that the folder holds, and write `history.parquet`, `results.json` and `report.html`.

    Args:
        more: checkers that the run requires in addition to those of its workload.
        changed: gives in place of each checker of the workload one that judges the same in another way.
        reckoning: is given each part of all this as it begins, and how long it takes.

    Raises:
        CouldNotRun: the folder is not a run's, or the results cannot be written.
        HistoryError: the history breaks a rule.
        FileNotFoundError: there is no history.
    """
    reckoning = Reckoning() if reckoning is None else reckoning
    sizes = folder.sizes()
    amount = Amount.of_bytes(sizes.traces, sizes.history)
    to_come = partial(parts_of_judging, is_new=sizes.is_new)
    reckoning.plan(to_come(amount, USUAL, is_read=False))
    reckoning.begin(READ, BytesRead(sizes.read))
    recording = folder.recording()
    try:
        options = recording.options
        work = workload(options["workload"], recording.nodes, options["concurrency"])
    except (KeyError, ValueError, TypeError) as error:
        raise CouldNotRun(f"{folder.test_json}: {error}") from error
    own = work.checkers if changed is None else work.checkers.mapped(changed)
    suite = own + Suite(tuple(more))
    state = folder.seal_state
    amount = amount._replace(operations=len(recording.history))
    reckoning.plan(to_come(amount, [checker.name for checker in suite], is_read=True))
    verdicts = trusted(check_all(suite, recording, reckoning.begin), state)
    is_valid = combined(verdicts, suite.required_of(recording)) is Validity.VALID
    reckoning.plan(to_come(amount, (), is_read=True, is_valid=is_valid))
    reckoning.begin(EXPLAIN)
    give_back_memory()
    required = suite.required_of(recording)
    seal = state.in_words()
    found = Results.of(verdicts, required, seal, explain(recording, verdicts, required, seal))
    reckoning.begin(REPORT)
    try:
        folder.write_parquet(recording.history)
        folder.write_results(found)
        about = _about(folder, recording, found)
        folder.write_report(render(recording, verdicts, about))
    except (OSError, RefusedFile) as error:
        raise CouldNotRun(
            f"cannot write the results ({error}); make room, then: ackproof analyze {folder.path}"
        ) from error
    return found


def give_back_memory() -> None:
    """Give the memory that is free in this process to the kernel.

    glibc keeps what the search of a large history freed, some 200 MB, while the report needs as much in
    larger pieces. Another C library has no such call.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


_NOT_OPTIONS = frozenset(
    {"versions", "command", "monotonic_start_ns", "wall_start_ns", "started_at", "fault_kinds"}
)
"""What test.json holds that is no option of the test."""


def _about(folder: RunFolder, recording: Recording, found: Results) -> ReportAbout:
    options = recording.options
    history = recording.history
    command = options.get("command") or ["ackproof"]
    words = [Path(str(command[0])).name, *map(str, command[1:])]
    if "--seed" not in words and "seed" in options:
        words += ["--seed", str(options["seed"])]
    faults = " + ".join(options.get("nemesis", ())) or "no faults"
    mutant = f", mutant {options['mutant']}" if options.get("mutant") else ""
    system = options.get("system", REFERENCE_NODE)
    tested = "" if system == REFERENCE_NODE else f" on {system}"
    return ReportAbout(
        title=f"{options['workload']}{tested}, {len(recording.nodes)} nodes, {faults}{mutant}",
        started_at=str(options.get("started_at", "")),
        duration_s=int(history.columns.time[-1]) / SECOND_NS if len(history) else 0.0,
        command=shlex.join(words),
        seed=options.get("seed"),
        store=folder.path.name,
        options={name: value for name, value in options.items() if name not in _NOT_OPTIONS},
        versions={name: str(value) for name, value in options.get("versions", {}).items()},
        validity=found.validity,
        required=found.required,
        files=_files(folder.path),
        seal=found.seal,
        explanation=found.explanation,
    )


def _files(folder: Path) -> tuple[StoredFile, ...]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(StoredFile(str(path.relative_to(folder)), path.stat().st_size) for path in found)
