"""How Ackproof's verdicts agree with those that others gave to public histories.

    python benchmarks/checkers/peers/agreement.py VERDICTS.csv...

Each VERDICTS.csv stands in the folder of a corpus and has a row for each history: `file`, relative to it;
`model`; `verdict`, the known one, or anything else if none is known; and, if it has that column, `options`
such as `total=100`. The first folder of a file's path names its corpus. Printed are a table of known and own
verdicts, then each history on which they differ, with what Ackproof says. Exits 1 if any differs, or was
refused.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ackproof.judging.checking import Question, judge
from history import HistoryError
from history.formats import read


class Judged(NamedTuple):
    """One history of a corpus, and what Ackproof says of it."""

    corpus: str
    file: str
    model: str
    known: str
    ours: str
    words: str
    seconds: float


def judged(verdicts: Path) -> Iterator[Judged]:
    """Judge the histories that a file lists."""
    with verdicts.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        options = dict(pair.split("=", 1) for pair in (row.get("options") or "").split())
        question = Question(row["model"], options=options)
        begun = time.process_time()
        try:
            verdict = judge(read(verdicts.parent / row["file"]), question)
            ours, words = verdict.validity.value, verdict.summary
            if verdict.evidence:
                words += f": {verdict.evidence[0].title}"
        except HistoryError as refusal:
            ours, words = "refused", str(refusal)
        corpus = Path(row["file"]).parts[0]
        used = time.process_time() - begun
        print(f"{row['file']}: {row['verdict']}, {ours}, {used:.3f} s", file=sys.stderr, flush=True)
        yield Judged(corpus, row["file"], row["model"], row["verdict"], ours, words, used)


def main(files: list[str]) -> int:
    """Print the table and the differences; 1 if there are any."""
    found = [one for file in files for one in judged(Path(file))]
    print("| corpus | model | known | ours | histories | processor time |\n|---|---|---|---|---|---|")
    for (corpus, model, known, ours), number in Counter(
        (one.corpus, one.model, one.known, one.ours) for one in found
    ).items():
        seconds = sum(one.seconds for one in found if one[:1] + one[2:5] == (corpus, model, known, ours))
        print(f"| {corpus} | {model} | {known} | {ours} | {number} | {seconds:.2f} s |")
    differing = [
        one
        for one in found
        if one.ours != one.known and (one.known in ("valid", "invalid") or one.ours == "refused")
    ]
    for one in differing:
        print(f"\n{one.file} ({one.model}): known {one.known}, ours {one.ours}\n  {one.words}")
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
