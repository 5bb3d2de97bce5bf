"""Ackproof against Porcupine over a grid of histories for which no search was tuned.

    python -m benchmarks.checkers.peers.grid [--share SHARE] [--seed SEED] [--out FILE]

Every data type; histories of a correct server, the same with one reply changed, and histories of broken
servers; 5 to 100 clients; 1 to 1,000 keys; none to 30 % unknown outcomes; values that are all different, or
five. The servers and clients are those of `tests.checkers.stores`, which know nothing of any checker.
`--share` takes that share of the grid's cells, drawn by `--seed`, which also makes the histories.

Porcupine is built from its Go module (`porcupine/go.mod`), with one partition a key and a hash for each
state. Both sides judge each file, one after the other, on one core each, in processes that have started.
Timed, as processor time: reading the file, and two questions about it, each the shortest of three, or less
often if it takes over a second. Ackproof is asked once more before that: in this first call of a file it may
compile or load code, so it is not timed. Each question is compared twice: with reading, which is what a
process does after its start, and the judging alone, of a history in memory. The second is mostly the stricter
one, as Ackproof reads sooner.

- The *answer*: is the history linearizable? Porcupine's CheckEvents and `ackproof.judging.checking.answer`
  both end with the first key that has no order.
- The *evidence*: the verdict, with what shows it. Porcupine's CheckEventsVerbose judges all keys and gathers
  how far each can be ordered. `ackproof.judging.checking.judge` judges all keys, and explains those without
  an order.

Neither has an answer after `--timeout` seconds, nor Porcupine with more than MEMORY_GIB of memory. Then the
whole processes, start-up included: for each data type one call with all files that both answered, each file
once, and then `--times` times; Ackproof's always give all evidence, Porcupine's the answer alone. Last, the
first call on a machine, whose caches are empty.

Exits 1 if a verdict differs, a file takes longer than 1.2 times Porcupine's time on the same question, with
reading or without, or the whole processes take more than half as long. `--again OUT` prints the tables of an
earlier run and measures nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

BOUND_FILE, BOUND_WHOLE = 1.2, 0.5
DECIDED = ("valid", "invalid")
MEMORY_GIB = 4
NO_TIMEOUT = "36000"
"""Seconds: Porcupine's own bound is one of wall time, which says nothing on a busy machine."""
REPEATS = 3
COMPILING_S = 120
"""What a first call may take in addition, while all kernels that it needs are compiled."""

MODELS = (
    "register",
    "cas-register",
    "multi-register",
    "kv-append",
    "mutex",
    "fenced-lock",
    "set",
    "queue",
    "counter",
    "registry",
)
KINDS = ("correct", "reply changed", "broken server")
CLIENTS = (5, 20, 50, 100)
KEYS = (1, 10, 100, 1000)
UNKNOWN = (0.0, 0.01, 0.1, 0.3)
FEW = (None, 5)
INITIAL = {
    "register": "null",
    "cas-register": "null",
    "multi-register": "null",
    "kv-append": '""',
    "mutex": "false",
    "set": "[]",
    "queue": "[]",
    "counter": "0",
}
"""What each data type holds at first, where that can be stated."""
WITHOUT_VALUES = ("mutex", "fenced-lock", "counter")
"""Data types whose clients write no values, so that these cannot be repeated."""
OPERATIONS = {1: 3000, 10: 4000, 100: 8000, 1000: 16_000}
"""By the number of keys, enough that Porcupine takes a visible time."""
MOST_UNKNOWN_A_KEY = 30
"""With more of these, Porcupine has no answer to most histories."""
FEWER = {"set": 2, "queue": 2}
"""Data types whose states are large have histories that are shorter by this factor."""


@dataclass(frozen=True)
class Cell:
    """One place of the grid."""

    model: str
    kind: str
    clients: int
    keys: int
    unknown: float
    few: int | None

    @property
    def name(self) -> str:
        """The name of its file, without its ending."""
        values = "distinct" if self.few is None else f"of{self.few}"
        return (
            f"{self.model}-{self.kind.replace(' ', '_')}-{self.clients}c-{self.keys}k-"
            f"{round(100 * self.unknown)}u-{values}"
        )

    @property
    def operations(self) -> int:
        """The number of operations of its history."""
        many = OPERATIONS[self.keys] // FEWER.get(self.model, 1)
        return min(many, round(MOST_UNKNOWN_A_KEY * self.keys / self.unknown)) if self.unknown else many


def cells(share: float, seed: int, models: Sequence[str]) -> list[Cell]:
    """The cells to measure, each data type's share by itself."""
    draw = random.Random(seed)
    found: list[Cell] = []
    for model in models:
        values = (None,) if model in WITHOUT_VALUES else FEW
        every = [Cell(model, *rest) for rest in product(KINDS, CLIENTS, KEYS, UNKNOWN, values)]
        draw.shuffle(every)
        found += every[: max(1, round(share * len(every)))]
    return found


def write(cell: Cell, path: Path, seed: int) -> None:
    """Record a history of this cell as JSON lines."""
    from tests.checkers.stores.clients import Load, changed, operations, recorded
    from tests.checkers.stores.data_types import TYPES, Members
    from tests.checkers.stores.servers import BROKEN, Server

    draw = random.Random(f"{seed} {cell.name}")
    data_type = Members(whole=0.02) if cell.model == "set" else TYPES[cell.model]
    kind = draw.choice(list(BROKEN.values())) if cell.kind == "broken server" else Server
    load = Load(
        operations=cell.operations,
        clients=cell.clients,
        keys=cell.keys,
        unknown=cell.unknown,
        few=cell.few,
    )
    events = recorded(kind(data_type, draw, often=0.01), load, draw)
    if cell.kind == "reply changed":
        events = changed(events, data_type, draw)
    import msgspec

    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in operations(events)))


def build(folder: Path) -> Path:
    """The Go program, built from Porcupine's module."""
    program = folder / "porcupine-timed"
    subprocess.run(
        ["go", "build", "-o", str(program), "."], cwd=Path(__file__).parent / "porcupine", check=True
    )
    return program


@dataclass
class Ended:
    """A process that ended, or was ended."""

    output: str
    processor_s: float
    wall_s: float
    peak_mib: float
    why: str = ""
    """Why it was ended; empty if it ended by itself."""


def bounded(command: Sequence[str], seconds: float, gib: float, env: dict[str, str]) -> Ended:
    """Run a process, and end it when it exceeds a bound of processor time or of memory."""
    with tempfile.TemporaryFile() as out:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, env=env, cwd=ROOT)
        why = ""
        while True:
            pid, _, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if _processor_s(process.pid) > seconds:
                why = f"{seconds:.0f} s"
            elif _resident_gib(process.pid) > gib:
                why = f"{gib:g} GiB"
            if why:
                process.kill()
                _, _, usage = os.wait4(process.pid, 0)
                break
            time.sleep(0.02)
        process.returncode = 0
        out.seek(0)
        text = out.read().decode()
    used = usage.ru_utime + usage.ru_stime
    return Ended(text, used, time.monotonic() - begun, usage.ru_maxrss / 1024, why)


def _processor_s(pid: int) -> float:
    """The processor time that a process has taken so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_gib(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 30)


ONE_CORE = {**os.environ, "GOMAXPROCS": "1"}
AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Python keeps the compiled form of what it imports, unless it is forbidden."""


@dataclass
class Row:
    """One file, judged by both."""

    cell: Cell
    operations: int
    porcupine: str = ""
    """Its verdict, or why it has none."""
    porcupine_s: float = 0.0
    porcupine_read_s: float = 0.0
    porcupine_mib: float = 0.0
    porcupine_evidence: str = ""
    """Its verdict with evidence, or why it has none."""
    porcupine_evidence_s: float = 0.0
    ours: str = ""
    """Our answer, or why there is none."""
    ours_s: float = 0.0
    """To the answer."""
    ours_evidence: str = ""
    """Our verdict with evidence, or why there is none."""
    ours_evidence_s: float = 0.0
    """To the verdict with its evidence."""
    ours_read_s: float = 0.0
    why: str = ""
    """The summary of our verdict where it is unknown."""

    @property
    def answered(self) -> bool:
        """Whether Porcupine has an answer."""
        return self.porcupine in DECIDED

    @property
    def evidenced(self) -> bool:
        """Whether Porcupine has an answer with evidence."""
        return self.porcupine_evidence in DECIDED


@dataclass(frozen=True)
class Comparison:
    """Of our time with Porcupine's on one question, with reading the file or judging alone."""

    of_evidence: bool
    with_reading: bool

    @property
    def name(self) -> str:
        """The question, and what is timed."""
        question = "evidence" if self.of_evidence else "answer"
        return f"{question}, {'with reading' if self.with_reading else 'judging alone'}"

    def is_of(self, row: Row) -> bool:
        """Whether both have a verdict."""
        if self.of_evidence:
            return row.evidenced and row.ours_evidence in DECIDED
        return row.answered and row.ours in DECIDED

    def theirs(self, row: Row) -> float:
        """Porcupine's seconds."""
        judging = row.porcupine_evidence_s if self.of_evidence else row.porcupine_s
        return judging + self.with_reading * row.porcupine_read_s

    def ours(self, row: Row) -> float:
        """Our seconds."""
        judging = row.ours_evidence_s if self.of_evidence else row.ours_s
        return judging + self.with_reading * row.ours_read_s

    def ratio(self, row: Row) -> float:
        """Our time as a part of Porcupine's; 0 unless both have a verdict."""
        return self.ours(row) / max(self.theirs(row), 1e-6) if self.is_of(row) else 0.0


COMPARISONS = tuple(Comparison(*both) for both in product((False, True), (True, False)))


def misses(row: Row) -> bool:
    """Whether we exceed the bound on a question that Porcupine answers, or have no answer to it."""
    none = row.answered and row.ours not in DECIDED
    no_evidence = row.evidenced and row.ours_evidence not in DECIDED
    return none or no_evidence or any(one.ratio(row) > BOUND_FILE for one in COMPARISONS)


def ask_porcupine(program: Path, row: Row, path: Path, seconds: float) -> None:
    """Let Porcupine answer for a file; if it does, also with evidence."""

    def asked(question: str) -> tuple[str, float, float]:
        command = [str(program), question, str(REPEATS), NO_TIMEOUT, row.cell.model, str(path)]
        ended = bounded(command, seconds, MEMORY_GIB, ONE_CORE)
        row.porcupine_mib = max(row.porcupine_mib, ended.peak_mib)
        if not ended.output:
            return f"none: {ended.why or 'it failed'}", ended.processor_s, 0.0
        result = json.loads(ended.output)
        return result["verdict"], result["processor_seconds"], result["read_seconds"]

    row.porcupine, row.porcupine_s, row.porcupine_read_s = asked("answer")
    if row.answered:
        row.porcupine_evidence, row.porcupine_evidence_s, _ = asked("evidence")


class OurProcess:
    """A process of Ackproof that has started, and judges one file after the other."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begin()

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--judge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=AS_INSTALLED,
        )

    def _ask(self, question: str, model: str, path: Path, seconds: float) -> dict[str, Any] | None:
        """One call; None if it takes longer, and then the process is another one."""
        assert self._process.stdin
        assert self._process.stdout
        before = _processor_s(self._process.pid)
        self._process.stdin.write(json.dumps([question, model, str(path)]).encode() + b"\n")
        self._process.stdin.flush()
        while not select.select([self._process.stdout], [], [], 0.2)[0]:
            if _processor_s(self._process.pid) - before > seconds:
                self._process.kill()
                self._process.wait()
                self._begin()
                return None
        return dict(json.loads(self._process.stdout.readline()))

    def ask(self, question: str, model: str, path: Path) -> dict[str, Any]:
        """The answer, or the verdict with its evidence, and the times of reading and judging the file.

        The first call may compile any kernel, or load it, so the time of that call does not count.
        """
        best: dict[str, Any] = {}
        if self._ask(question, model, path, self._seconds + COMPILING_S) is not None:
            for _ in range(REPEATS):
                answer = self._ask(question, model, path, self._seconds)
                if answer is None:
                    break
                took = answer["read"] + answer["judge"]
                best = answer | {name: min(answer[name], best.get(name, 1e9)) for name in ("read", "judge")}
                if took > 1:
                    break
        none = f"none: {self._seconds:.0f} s"
        return best or {"verdict": none, "why": "", "read": 0.0, "judge": self._seconds}

    def end(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def stated(model: str) -> dict[str, str]:
    """The options that state what a data type holds at first, which Porcupine's models state, too."""
    return {"initial": INITIAL[model]} if model in INITIAL else {}


def judge_lines() -> None:
    """Judge each file that is named on standard input, as `ackproof check` does after its start."""
    from ackproof.cli.commands.judging.check import FEW_COLLECTIONS
    from ackproof.judging.checking import Question, answer, judge
    from history.formats import read
    from history.kernels import LITTLE, fitting

    gc.set_threshold(FEW_COLLECTIONS, 10, 10)
    fitting(LITTLE + 1)  # from here on all work is done by compiled code, as after some files
    for line in sys.stdin:
        question, model, path = json.loads(line)
        asked = Question(model, options=stated(model))
        begun, why = time.process_time(), ""
        recorded = read(Path(path))
        read_at = time.process_time()
        if question == "answer":
            validity = answer(recorded, asked)
        else:
            verdict = judge(recorded, asked)
            validity, why = verdict.validity, verdict.summary
        times = {"read": read_at - begun, "judge": time.process_time() - read_at}
        print(json.dumps({"verdict": validity.value, "why": why, **times}), flush=True)


def rows_of(out: Path) -> list[Row]:
    """The rows that an earlier run wrote with `--out`."""
    lines = map(json.loads, out.read_text().splitlines())
    return [Row(Cell(**row.pop("cell")), **row) for row in lines]


def without_answer(earlier: Path | None) -> dict[str, Row]:
    """By name of a file the rows of an earlier run in which Porcupine had no answer."""
    return {row.cell.name: row for row in (rows_of(earlier) if earlier else []) if not row.answered}


def measure(
    grid: Sequence[Cell], folder: Path, program: Path, options: argparse.Namespace, ours: OurProcess | None
) -> Iterator[Row]:
    """Let both judge every file, one after the other; without `ours`, Porcupine alone."""
    known = without_answer(options.earlier)
    for number, cell in enumerate(grid, start=1):
        path = folder / f"{cell.name}.jsonl"
        if not path.exists():
            write(cell, path, options.seed)
        row = known.get(cell.name) or Row(cell, cell.operations)
        if row.answered or not row.porcupine:
            ask_porcupine(program, row, path, options.timeout)
        if ours:
            answer = ours.ask("answer", cell.model, path)
            row.ours, row.ours_read_s, row.ours_s = answer["verdict"], answer["read"], answer["judge"]
            answer = ours.ask("evidence", cell.model, path)
            row.ours_evidence, row.ours_evidence_s = answer["verdict"], answer["judge"]
            row.why = answer["why"] if row.ours_evidence not in DECIDED else ""
        print(f"{number}/{len(grid)} {line_of(row)}", file=sys.stderr, flush=True)
        yield row


def line_of(row: Row) -> str:
    """One file in one line."""
    ratios = "; ".join(f"{one.name} {one.ratio(row):.2f}" for one in COMPARISONS)
    return (
        f"{row.cell.name:58} {row.porcupine:12} {1e3 * row.porcupine_s:9.2f} ms  "
        f"{row.ours:8} {1e3 * row.ours_s:9.2f} ms  evidence {row.ours_evidence} "
        f"{1e3 * row.porcupine_evidence_s:9.2f} ms {1e3 * row.ours_evidence_s:9.2f} ms  {ratios} {row.why}"
    )


@dataclass
class Whole:
    """All files of one data type in one call of each."""

    model: str
    files: int
    porcupine_s: float
    porcupine_mib: float
    ours_s: float
    ours_mib: float


def whole(rows: Sequence[Row], folder: Path, program: Path, times: int) -> Iterator[Whole]:
    """Time whole processes, one call for all files of a data type that Porcupine answered.

    Each file is given several times, as neither side keeps anything of it: then a call has many files. A
    call that is not timed comes first, so that no timed one is the first on the machine.
    """
    by_model = defaultdict(list)
    for row in rows:
        if row.answered and row.ours_evidence in DECIDED:
            by_model[row.cell.model].append(str(folder / f"{row.cell.name}.jsonl"))
    for model, once in by_model.items():
        files = once * times
        pairs = [text for file in files for text in (model, file)]
        theirs = bounded([str(program), "answer", "1", NO_TIMEOUT, *pairs], 3600, 16, ONE_CORE)
        bounded(check_command(model, once), 3600, 16, AS_INSTALLED)
        ours = bounded(check_command(model, files), 3600, 16, AS_INSTALLED)
        yield Whole(model, len(files), theirs.processor_s, theirs.peak_mib, ours.processor_s, ours.peak_mib)


def check_command(model: str, files: Sequence[str]) -> list[str]:
    """The command line that judges these files."""
    program = Path(sys.executable).parent / "ackproof"
    options = [text for name, value in stated(model).items() for text in ("--option", f"{name}={value}")]
    return [str(program), "check", "--json", "--model", model, *options, *files]


def first_calls(folder: Path) -> list[tuple[str, float, float, float, float]]:
    """By data type the wall and processor time of a call with empty caches, and of one after it."""
    found = []
    for model in ("register", "queue"):
        path = folder / f"first-{model}.jsonl"
        write(Cell(model, "correct", 20, 1, 0.1, 5), path, 1)
        with tempfile.TemporaryDirectory() as cache:
            env = {**AS_INSTALLED, "NUMBA_CACHE_DIR": cache, "PYTHONPYCACHEPREFIX": cache}
            cold = bounded(check_command(model, [str(path)]), 600, 16, env)
            warm = bounded(check_command(model, [str(path)]), 600, 16, env)
        found.append((model, cold.wall_s, cold.processor_s, warm.wall_s, warm.processor_s))
    return found


def sums_table(rows: Sequence[Row]) -> None:
    """A Markdown table of the comparisons over all files."""
    print("\n| question | files that both answer | Porcupine | Ackproof | median | most | over 1.2 |")
    print("|---" * 7 + "|")
    for one in COMPARISONS:
        own = list(filter(one.is_of, rows))
        if own:
            ratios = list(map(one.ratio, own))
            print(
                f"| {one.name} | {len(own)} | {sum(map(one.theirs, own)):.3f} s "
                f"| {sum(map(one.ours, own)):.3f} s | {statistics.median(ratios):.2f} | {max(ratios):.2f} "
                f"| {sum(ratio > BOUND_FILE for ratio in ratios)} |"
            )


def table(rows: Sequence[Row], by: str, of: Callable[[Row], object]) -> None:
    """A Markdown table by one property of the files.

    For each comparison the median ratio, and how many files exceed the bound.
    """
    names = " | ".join(f"{one.name}: median | over 1.2" for one in COMPARISONS)
    print(f"\n| {by} | files | Porcupine has no answer | ours unknown | verdicts differ | {names} |")
    print("|---" * (5 + 2 * len(COMPARISONS)) + "|")
    groups = defaultdict(list)
    for row in rows:
        groups[of(row)].append(row)
    for group, own in [*groups.items(), ("all", list(rows))]:
        none = sum(not row.answered for row in own)
        unknown = sum(row.ours not in DECIDED for row in own)
        cells = [str(group), *map(str, (len(own), none, unknown, sum(map(differs, own))))]
        for one in COMPARISONS:
            ratios = [one.ratio(row) for row in own if one.is_of(row)]
            cells.append(f"{statistics.median(ratios):.2f}" if ratios else "")
            cells.append(str(sum(ratio > BOUND_FILE for ratio in ratios)))
        print(f"| {' | '.join(cells)} |")


def whole_table(wholes: Sequence[Whole]) -> tuple[float, float]:
    """A Markdown table of the whole processes; the sums of Porcupine's times and of ours."""
    print("\n| whole processes | files in the call | Porcupine | peak | ours | peak | ratio |")
    print("|---|---|---|---|---|---|---|")
    for one in wholes:
        print(
            f"| {one.model} | {one.files} | {one.porcupine_s:.2f} s | {one.porcupine_mib:.0f} MiB "
            f"| {one.ours_s:.2f} s | {one.ours_mib:.0f} MiB | {one.ours_s / one.porcupine_s:.2f} |"
        )
    theirs, ours = sum(one.porcupine_s for one in wholes), sum(one.ours_s for one in wholes)
    files = sum(one.files for one in wholes)
    print(f"| all | {files} | {theirs:.2f} s | | {ours:.2f} s | | {ours / theirs:.2f} |")
    return theirs, ours


def first_table(first: Sequence[Sequence[Any]]) -> None:
    """A Markdown table of first calls on a machine."""
    print("\n| first call | wall, empty caches | processor | wall, the next call | processor |")
    print("|---|---|---|---|---|")
    for model, *seconds in first:
        print(f"| {model} | {' | '.join(f'{one:.2f} s' for one in seconds)} |")


def differs(row: Row) -> bool:
    """Whether two answers are not the same, those of one side to both questions included."""
    theirs = {row.porcupine, row.porcupine_evidence} & {*DECIDED}
    ours = {row.ours, row.ours_evidence} & {*DECIDED}
    return len(ours) == 2 or (bool(ours) and bool(theirs) and ours != theirs)


def rows_table(rows: Sequence[Row]) -> None:
    """Print the tables of the files, and those that break a bound."""
    sums_table(rows)
    table(rows, "data type", lambda row: row.cell.model)
    table(rows, "history", lambda row: row.cell.kind)
    table(rows, "clients", lambda row: row.cell.clients)
    table(rows, "keys", lambda row: row.cell.keys)
    table(rows, "unknown outcomes", lambda row: f"{100 * row.cell.unknown:.0f} %")
    table(rows, "values", lambda row: "distinct" if row.cell.few is None else "five")
    print("\nFiles that take longer than 1.2 times, or have no verdict, or another one:\n")
    bad = [row for row in rows if misses(row) or differs(row)]
    bad += [row for row in rows if not row.answered and {row.ours, row.ours_evidence} - {*DECIDED}]
    for row in sorted(bad, key=lambda row: -max(one.ratio(row) for one in COMPARISONS)):
        print(f"    {line_of(row)}")
    print("\nFiles on which Porcupine has no answer, and what Ackproof says:\n")
    for row in rows:
        if not row.answered:
            print(f"    {line_of(row)}")


def is_bad(rows: Sequence[Row]) -> bool:
    """Whether some file breaks a bound, or has another verdict."""
    return any(misses(row) or differs(row) for row in rows)


def main() -> int:
    """Measure, print, and return the exit status."""
    asked = argparse.ArgumentParser(description="Ackproof against Porcupine over a grid of histories.")
    asked.add_argument("--share", type=float, default=0.05)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--models", nargs="*", choices=MODELS, default=MODELS)
    asked.add_argument(
        "--folder", type=Path, help="where the histories are kept; by default they are removed"
    )
    asked.add_argument("--out", type=Path, help="a file for one JSON line a history")
    asked.add_argument("--timeout", type=float, default=60, help="seconds of processor time a file")
    asked.add_argument(
        "--earlier", type=Path, help="an --out: what Porcupine could not answer is not repeated"
    )
    asked.add_argument(
        "--theirs-only", action="store_true", help="ask Porcupine alone, for a later --earlier"
    )
    asked.add_argument(
        "--times", type=int, default=10, help="how often a call of whole processes gets each file"
    )
    asked.add_argument(
        "--no-first", dest="first", action="store_false", help="do not measure a first call on a machine"
    )
    asked.add_argument(
        "--measured",
        type=Path,
        help="an --out whose --folder was kept: measure the whole processes of these files alone",
    )
    asked.add_argument("--again", type=Path, help="an --out: print its tables, and measure nothing")
    asked.add_argument("--only-first", action="store_true", help="measure a first call on a machine alone")
    asked.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.judge:
        judge_lines()
        return 0
    if options.again:
        rows_table(rows_of(options.again))
        return int(is_bad(rows_of(options.again)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if options.only_first:
            first_table(first_calls(folder))
            return 0
        program = build(Path(temporary))
        if options.measured:
            theirs, ours_s = whole_table(
                list(whole(rows_of(options.measured), folder, program, options.times))
            )
            return int(ours_s > BOUND_WHOLE * theirs)
        grid = cells(options.share, options.seed, options.models)
        ours = None if options.theirs_only else OurProcess(options.timeout)
        rows = []
        for row in measure(grid, folder, program, options, ours):
            rows.append(row)
            if options.out:
                options.out.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
        if ours is None:
            return 0
        ours.end()
        rows_table(rows)
        print("\nEach file once in a call:\n")
        theirs, ours_s = whole_table(list(whole(rows, folder, program, 1)))
        if options.times > 1:
            print(f"\nEach file {options.times} times in a call:\n")
            theirs, ours_s = whole_table(list(whole(rows, folder, program, options.times)))
        if options.first:
            first_table(first_calls(folder))
        return int(is_bad(rows) or ours_s > BOUND_WHOLE * theirs)


if __name__ == "__main__":
    sys.exit(main())
