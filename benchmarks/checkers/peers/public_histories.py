"""Reads every public history that others recorded, and compares the verdicts with the known ones.

    python -m benchmarks.checkers.peers.public_histories FOLDER

FOLDER holds clones of the repositories below, each as `OWNER+NAME`; what is not there is left out. The known
verdict of a file is that of its authors: the name of its folder, their test suite, or `results.edn` beside
it. A file without a known verdict only has to be read; the three files of a Jepsen test (history.edn,
history.txt, jepsen.log) must also agree with each other. Prints a table in Markdown, then each
disagreement.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ackproof.judging.checking import Question, judge
from checkers.linearizability.answer import Budget
from history import HistoryError
from history.formats import read

BUDGET = Budget(configurations=200_000)


@dataclass(frozen=True)
class Corpus:
    """Files of one repository that are judged alike."""

    kind: str
    repository: str
    files: str
    """A pattern of paths."""
    model: str
    known: str | None
    """The verdict, or None if `results.edn` has it, if anything."""
    consistency: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)


KNOSSOS = "jepsen-io+knossos"
ELLE_CLI = "ligurio+elle-cli"
REDIS = "Howieboss02+CS4720_jepsen_linearizability_checking"
RAFT_BUGS = "jerrytesting+Canonical-raft-bug-logs"
CORPORA = (
    Corpus("Knossos, EDN", KNOSSOS, "data/cas-register/good/*.edn", "cas-register", "valid"),
    Corpus("Knossos, EDN", KNOSSOS, "data/cas-register/bad/*.edn", "cas-register", "invalid"),
    Corpus("Knossos, EDN", KNOSSOS, "data/mutex/bad/*.edn", "mutex", "invalid"),
    Corpus(
        "Knossos, EDN",
        KNOSSOS,
        "data/multi-register/good/*.edn",
        "multi-register",
        "valid",
        options={"initial": "0"},
    ),
    Corpus("Knossos of 2014, EDN", "gator1+knossos", "data/memstress*.edn", "cas-register", "valid"),
    Corpus("Knossos of 2014, EDN", "gator1+knossos", "data/cas-failure.edn", "cas-register", "invalid"),
    Corpus("Knossos of 2014, EDN", "gator1+knossos", "data/rethink-fail*.edn", "cas-register", "invalid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/knossos/cas-register/bad/*.edn", "cas-register", "invalid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/knossos/cas-register/good/*.edn", "cas-register", "valid"),
    Corpus("elle-cli, JSON", ELLE_CLI, "histories/knossos/cas-register/good/*.json", "cas-register", "valid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/knossos/mutex/bad/*.edn", "mutex", "invalid"),
    Corpus("elle-cli, JSON", ELLE_CLI, "histories/knossos/mutex/bad/*.json", "mutex", "invalid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/elle/rw-register.edn", "rw-register", "valid"),
    Corpus("elle-cli, JSON", ELLE_CLI, "histories/elle/rw-register.json", "rw-register", "valid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/elle/paper-example.edn", "list-append", "invalid"),
    Corpus("elle-cli, JSON", ELLE_CLI, "histories/elle/paper-example.json", "list-append", "invalid"),
    Corpus(
        "elle-cli, EDN",
        ELLE_CLI,
        "histories/elle/list-append-gh-30.edn",
        "list-append",
        "invalid",
        "serializable",
    ),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/jepsen/counter.edn", "interval-counter", "valid"),
    Corpus("elle-cli, JSON", ELLE_CLI, "histories/jepsen/counter.json", "interval-counter", "valid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/jepsen/set_full.edn", "set-full", "invalid"),
    Corpus("elle-cli, JSON", ELLE_CLI, "histories/jepsen/set_full.json", "set-full", "invalid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/jepsen/set.edn", "set-full", "valid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/jepsen/bank.edn", "bank", "valid"),
    Corpus("elle-cli, JSON", ELLE_CLI, "histories/jepsen/bank.json", "bank", "valid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/jepsen/bank-tidb.edn", "bank", "invalid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/jepsen/bank-neg.edn", "bank", "valid"),
    Corpus("elle-cli, JSON", ELLE_CLI, "histories/jepsen/bank-negative-balances.json", "bank", "invalid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/jepsen/long-fork.edn", "long-fork", "invalid"),
    Corpus("elle-cli, EDN", ELLE_CLI, "histories/custom/comments.edn", "set-full", None),
    Corpus("Elle, EDN", "jepsen-io+elle", "histories/paper-example.edn", "list-append", "invalid"),
    Corpus("Elle, EDN", "jepsen-io+elle", "histories/*.edn", "list-append", None),
    Corpus("TiPocket, EDN", "pingcap+tipocket", "pkg/elle/histories/*.edn", "list-append", None),
    Corpus("Jepsen test of Redis, EDN", REDIS, "store_final/redis-*/*/history.edn", "register", None),
    Corpus("Jepsen test of Redis, text", REDIS, "store_final/redis-*/*/history.txt", "register", None),
    Corpus("Jepsen test of Redis, log", REDIS, "store_final/redis-*/*/jepsen.log", "register", None),
    Corpus("Jepsen test of a bank, EDN", REDIS, "store_final/bank-*/*/history.edn", "bank", None),
    Corpus("Jepsen test of a bank, text", REDIS, "store_final/bank-*/*/history.txt", "bank", None),
    Corpus("Jepsen test of a bank, log", REDIS, "store_final/bank-*/*/jepsen.log", "bank", None),
    Corpus(
        "harness for Redis, JSON",
        REDIS,
        "results/histories/*.json",
        "register",
        None,
        columns={"process": "client"},
    ),
    Corpus("Jepsen tests of Raft, EDN", "Deabus+braft_bug", "history.edn", "list-append", None),
    Corpus("Jepsen tests of Raft, text", "Deabus+braft_bug", "history.txt", "list-append", None),
    Corpus("Jepsen tests of Raft, log", "Deabus+braft_bug", "jepsen.log", "list-append", None),
    Corpus("Jepsen tests of Raft, EDN", RAFT_BUGS, "history.edn", "cas-register", None),
    Corpus("Jepsen tests of Raft, text", RAFT_BUGS, "history.txt", "cas-register", None),
    Corpus("Jepsen tests of Raft, log", RAFT_BUGS, "jepsen.log", "cas-register", None),
    Corpus("transaction fuzzer, EDN", "hjungwoo01+tx-fuzzer", "**/*history.edn", "rw-register", None),
    Corpus("Porcupine, log", "anishathalye+porcupine", "test_data/jepsen/*.log", "cas-register", None),
    Corpus("Porcupine, kv", "anishathalye+porcupine", "test_data/kv/*ok.txt", "kv-append", "valid"),
    Corpus("Porcupine, kv", "anishathalye+porcupine", "test_data/kv/*bad.txt", "kv-append", "invalid"),
)


@dataclass
class Outcome:
    """What came of one file."""

    kind: str
    file: str
    verdict: str
    known: str | None
    why: str
    seconds: float
    was_read: bool


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", default="", help="only kinds that contain this")
    arguments = parser.parse_args()
    outcomes = list(_judged(arguments.folder, arguments.kind))
    print("| files | count | read | known verdicts | agree | unknown | disagree |")
    print("|---|---|---|---|---|---|---|")
    for kind in dict.fromkeys(one.kind for one in outcomes):
        own = [one for one in outcomes if one.kind == kind]
        known = [one for one in own if one.known]
        agree = sum(one.verdict == one.known for one in known)
        unknown = sum(one.verdict == "unknown" for one in known)
        readable = sum(one.was_read for one in own)
        cells = (len(own), readable, len(known), agree, unknown, len(known) - agree - unknown)
        print(f"| {kind} | {' | '.join(map(str, cells))} |")
    for one in outcomes:
        if one.verdict == "refused" or (one.known and one.verdict != one.known):
            print(
                f"\n{one.file}: {one.verdict}, known {one.known or 'none'}, {one.seconds:.1f} s\n"
                f"    {one.why}"
            )
    for line in _contradictions(outcomes):
        print(f"\n{line}")


def _judged(folder: Path, kind: str) -> Iterator[Outcome]:
    done: set[Path] = set()
    for corpus in CORPORA:
        if kind not in corpus.kind:
            continue
        for path in sorted(folder.glob(f"{corpus.repository}/{corpus.files}")):
            if path in done:
                continue
            done.add(path)
            outcome = _outcome(folder, path, corpus)
            print(f"{outcome.file}: {outcome.verdict}", file=sys.stderr, flush=True)
            yield outcome


def _outcome(folder: Path, path: Path, corpus: Corpus) -> Outcome:
    begun = time.perf_counter()
    question = Question(corpus.model, corpus.consistency, corpus.options, BUDGET)
    name = str(path.relative_to(folder))
    was_read = False
    try:
        recorded = read(path, columns=corpus.columns)
        was_read = True
        verdict = judge(recorded, question)
        shown, why = verdict.validity.value, verdict.summary
    except HistoryError as refusal:
        shown, why = "refused", str(refusal).removeprefix(f"{folder}/")
    known = corpus.known or _of_results(path)
    return Outcome(corpus.kind, name, shown, known, why[:400], time.perf_counter() - begun, was_read)


def _of_results(path: Path) -> str | None:
    """The verdict of the `results.edn` beside a history, if it is about the whole history."""
    results = path.with_name("results.edn")
    if not results.is_file():
        return None
    found = re.search(r":linear\w*\s*\{[^}]*?:valid\? (true|false)", results.read_text(errors="replace"))
    return None if found is None else {"true": "valid", "false": "invalid"}[found[1]]


def _contradictions(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The files of one test of Jepsen's whose verdicts differ."""
    by_folder: dict[str, list[Outcome]] = {}
    for one in outcomes:
        by_folder.setdefault(str(Path(one.file).parent), []).append(one)
    for folder, own in by_folder.items():
        names = {Path(one.file).name for one in own}
        verdicts = {one.verdict for one in own}
        if "history.edn" in names and len(names) == len(own) > 1 and len(verdicts) > 1:
            yield f"{folder}: " + ", ".join(f"{Path(one.file).name} {one.verdict}" for one in own)


if __name__ == "__main__":
    main()
