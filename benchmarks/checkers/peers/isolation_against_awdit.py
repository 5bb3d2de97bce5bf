"""Weak isolation against AWDIT: times from the same file, and verdicts on public and generated histories.

    python -m benchmarks.checkers.peers.isolation_against_awdit AWDIT [--events N] [--generated N] [FOLDER...]

AWDIT is its program, built from github.com/lassemoldrup/AWDIT with `cargo build --release`; without it
nothing is compared. FOLDERs hold public histories of transactions in any format that Ackproof reads. AWDIT
gets each of them as a file of Plume's, written from what Ackproof read.

Times are processor time, the least of three runs. Ackproof has started, with its kernels loaded: what is
timed begins with the file and ends with the verdict. AWDIT's is that of its whole process, which starts in a
millisecond. The last column is `ackproof check` as a process.

AWDIT lets the transaction that writes the initial values commit at any time; here the initial state comes
first. So AWDIT judges each history that is judged differently once more, with a read of the initial value of
a key of its own at the begin of each process, which puts the initial transaction first. Where no transaction
read anything, Ackproof says `unknown`.

Exits 1 if a verdict differs for another reason, or a time is over twice AWDIT's.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from ackproof.judging.checking import Question, judge
from history import HistoryError
from history.formats import read
from history.formats.transactions import TransactionHistory, TransactionLog, recognized_transactions
from history.history import FAIL, OK
from tests.checkers.stores.weak_registers import BrokenReplicas

LEVELS = {
    "read-committed": "strong-session-monotonic-atomic-view",
    "read-atomic": "strong-session-read-atomic",
    "causal": "causal",
}
"""By AWDIT's name of a level the name here."""
ROUNDS = 3
BOUND = 2.0
AWDIT_TIMEOUT_S = 120
STACK_MIB = "1024"
ANCHOR_KEY = 987_654_321


def snapshots(path: Path, *, transactions: int, steps: int, sessions: int, reads: float, seed: int) -> None:
    """Write a history of a store with one order, whose sessions read from snapshots that lag a little."""
    draw, keys = Random(seed), 2_000
    versions: list[tuple[list[int], list[int]]] = [([0], [0]) for _ in range(keys)]
    seen, value = [0] * sessions, 0
    with path.open("w", encoding="ascii") as file:
        for txn in range(1, transactions + 1):
            session = draw.randrange(sessions)
            snapshot = max(seen[session], txn - 1 - int(draw.expovariate(1 / 2000)))
            seen[session] = txn
            own: dict[int, int] = {}
            for _ in range(steps):
                key = min(keys - 1, int(draw.paretovariate(1.16) * keys / 20 - keys / 20))
                if draw.random() < reads:
                    at, values = versions[key]
                    shown = own.get(key, values[bisect_right(at, snapshot) - 1])
                    file.write(f"r({key},{shown},{session},{txn})\n")
                elif key not in own:
                    value += 1
                    own[key] = value
                    file.write(f"w({key},{value},{session},{txn})\n")
            for key, written in own.items():
                versions[key][0].append(txn)
                versions[key][1].append(written)


def as_plume(log: TransactionLog, *, anchored: bool = False) -> str:
    """The log as a file of Plume's; `anchored`, the initial transaction comes before each process."""
    numbers = {
        int(version): place
        for place, version in enumerate(dict.fromkeys(log.version[log.version >= 0].tolist()), start=1)
    }
    lines, known = [], set()
    for txn in range(len(log)):
        if log.outcome[txn] not in (OK, FAIL):
            continue
        session = int(log.session[txn])
        committed = log.outcome[txn] == OK
        if anchored and committed and session not in known:
            known.add(session)
            lines.append(f"r({ANCHOR_KEY},0,{session},{txn + 1})")
        for step in range(int(log.first[txn]), int(log.first[txn + 1])):
            f = "w" if log.writes[step] else "r"
            shown = numbers.get(int(log.version[step]), 0)
            lines.append(f"{f}({int(log.key[step])},{shown},{session},{txn + 1 if committed else -1})")
    return "\n".join(lines) + "\n"


def theirs(awdit: Path, path: Path, level: str) -> tuple[bool | None, float]:
    """(AWDIT's verdict, seconds of processor time); None where it gave none."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(awdit), "check", "-i", level, "-r", "first", "-s", STACK_MIB, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=AWDIT_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return None, float("inf")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if "Done checking" not in done.stdout:
        return None, used
    return "\nConsistent." in done.stdout, used


def ours(path: Path, level: str) -> tuple[str, float, float]:
    """(verdict, seconds to read, seconds to judge), of processor time."""
    begun = time.process_time()
    recorded = read(path)
    read_at = time.process_time()
    verdict = judge(recorded, Question("rw-register", LEVELS.get(level, level)))
    return verdict.validity.value, read_at - begun, time.process_time() - read_at


def whole(path: Path, level: str) -> float:
    """Processor time of `ackproof check` as a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "ackproof", "check", str(path)]
    command += ["--model", "rw-register", "--consistency", LEVELS.get(level, level)]
    subprocess.run(command, capture_output=True, check=False, env=dict(os.environ))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def times(awdit: Path, folder: Path, events: int) -> bool:
    """Print the table of times; whether each is within the bound."""
    kept = True
    print("| history | level | AWDIT | Ackproof: read + judge | ratio | whole process |")
    print("|---|---|---|---|---|---|")
    for sessions, reads, seed in ((50, 0.5, 2), (1000, 0.8, 1)):
        path = folder / f"{sessions}.txt"
        snapshots(path, transactions=events // 5, steps=5, sessions=sessions, reads=reads, seed=seed)
        for level in (*LEVELS, "pram"):
            ours(path, level)  # the kernels are loaded
            mine = min((ours(path, level) for _ in range(ROUNDS)), key=lambda one: one[1] + one[2])
            other = [theirs(awdit, path, level)[1] for _ in range(ROUNDS)] if level in LEVELS else []
            least = min(other, default=float("nan"))
            total = mine[1] + mine[2]
            kept &= level not in LEVELS or total <= BOUND * least
            print(
                f"| {events:,} events, {sessions:,} sessions | {level} | {least:.2f} s | "
                f"{mine[1]:.2f} + {mine[2]:.2f} s | {total / least:.2f} | {whole(path, level):.2f} s |",
                flush=True,
            )
    return kept


def public(folders: Iterable[Path]) -> Iterator[Path]:
    """The files and folders of transactions below these folders."""
    for folder in folders:
        for path in sorted([folder, *folder.rglob("*")]):
            if path.is_dir() and recognized_transactions(path) is None:
                continue
            if path.is_dir() or (recognized_transactions(path) and path.name != "history.bincode"):
                yield path


def generated(folder: Path, count: int) -> Iterator[Path]:
    """Small histories of broken replicated stores, as Plume's files."""
    for seed in range(50_000, 50_000 + count):
        path = folder / f"{seed}.txt"
        lines = []
        for op in BrokenReplicas(seed, most=12).history():
            if op.type == "ok":
                for f, key, value in op.value:
                    lines.append(f"{f}({'xyz'.index(key)},{value or 0},{op.process},{op.index})")
        path.write_text("\n".join(lines) + "\n" if lines else "w(1,1,0,0)\n")
        yield path


def agreement(awdit: Path, work: Path, paths: Iterable[Path], name: str) -> list[str]:
    """Print how verdicts agree on these histories, by level; the differences that remain, in words."""
    counts: Counter[tuple[str, str, str]] = Counter()
    remain, first = [], 0
    plain, anchored = work / "plain.txt", work / "anchored.txt"
    for path in paths:
        try:
            history = read(path).history
        except HistoryError as refusal:
            counts["all", "refused here", ""] += 1
            remain.append(str(refusal))
            continue
        assert isinstance(history, TransactionHistory)
        plain.write_text(as_plume(history.log))
        anchored.write_text(as_plume(history.log, anchored=True))
        for level in LEVELS:
            try:
                mine = judge(read(path), Question("rw-register", LEVELS[level])).validity.value
            except HistoryError as refusal:
                mine = f"refused: {refusal.rule[:60]}"
            other = theirs(awdit, plain, level)[0]
            said = {True: "valid", False: "invalid", None: "no answer"}[other]
            if said != mine and said != "no answer" and mine in ("valid", "invalid"):
                if {True: "valid", False: "invalid"}.get(bool(theirs(awdit, anchored, level)[0])) == mine:
                    first += 1
                    said += " (its initial transaction is not first)"
                else:
                    remain.append(f"{path}, {level}: AWDIT {said}, Ackproof {mine}")
            counts[level, said, mine] += 1
    print(f"\n{name}\n\n| level | AWDIT | Ackproof | histories |\n|---|---|---|---|")
    for (level, said, mine), count in sorted(counts.items()):
        print(f"| {level} | {said} | {mine} | {count} |")
    print("".join(f"\n{line}" for line in remain), flush=True)
    return remain


def main() -> int:
    """Compare, print tables in Markdown, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("awdit", type=Path)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--generated", type=int, default=1_000)
    asked = parser.parse_intermixed_args()
    if not asked.awdit.is_file():
        print(f"skipped: there is no program of AWDIT at {asked.awdit}")
        return 0
    with tempfile.TemporaryDirectory() as work:
        kept = times(asked.awdit, Path(work), asked.events) if asked.events else True
        remain = []
        for folder in asked.folders:
            remain += agreement(asked.awdit, Path(work), public([folder]), str(folder.name))
        if asked.generated:
            small = Path(work) / "generated"
            small.mkdir()
            made = generated(small, asked.generated)
            remain += agreement(asked.awdit, Path(work), made, f"generated, {asked.generated}")
    return int(bool(remain) or not kept)


if __name__ == "__main__":
    raise SystemExit(main())
