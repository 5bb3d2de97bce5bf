"""The general engine against Porcupine, file by file, on one core, in the same minutes.

    python benchmarks/checkers/peers/against_porcupine.py PORCUPINE [FOLDER]

PORCUPINE is a checkout of github.com/anishathalye/porcupine; nothing is downloaded. Go must be installed.
FOLDER holds `jepsen/*.log` and `kv/*.txt`; by default Porcupine's own test_data. Each side is timed from
operations in memory to the verdict, without the reading. Porcupine begins with its events and splits them
by key within its time, as its API has it. Ackproof begins with arrays of positions and codes and the
different calls, key by key, as its reader leaves them. Ackproof keeps its work space, and the kinds of
calls on registers that it met in other files; the texts of a key-value store are new to it each time, and
nothing of a file's own search is kept. Not in the time: `LinearizabilityOf` replays an order on the real
texts, of which the search knows only fingerprints. Each round times all files on both sides; the minimum of
all rounds counts.

Exits 1 if a verdict differs, the total is not twice as fast, or one file is slower than 1.2 times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROUNDS = 3
REPEATS = 30
TIMEOUT_S = 60
BOUND_TOTAL, BOUND_FILE = 0.5, 1.2


def build(porcupine: Path, folder: Path) -> Path:
    """The Go program, built against the checkout."""
    for source in (Path(__file__).parent / "porcupine").glob("*.go"):
        (folder / source.name).write_text(source.read_text())
    module = "github.com/anishathalye/porcupine"
    (folder / "go.mod").write_text(
        f"module timed\ngo 1.21\nrequire {module} v0.0.0\nreplace {module} => {porcupine.resolve()}\n"
    )
    subprocess.run(["go", "build", "-o", "timed", "."], cwd=folder, check=True)
    return folder / "timed"


def theirs(program: Path, files: list[str]) -> dict[str, tuple[str, float]]:
    """By file Porcupine's verdict and seconds."""
    asked = [text for file in files for text in (model_name(file), file)]
    command = [str(program), "answer", str(REPEATS), str(TIMEOUT_S), *asked]
    lines = subprocess.run(
        command, capture_output=True, check=True, text=True, env={**os.environ, "GOMAXPROCS": "1"}
    ).stdout.splitlines()
    return {row["file"]: (row["verdict"], row["seconds"]) for row in map(json.loads, lines)}


def model_name(file: str) -> str:
    """The data type of a file of Porcupine's test data."""
    return "cas-register" if file.endswith(".log") else "kv-append"


def main(porcupine: Path, corpus: Path) -> int:
    """Print one line for each file, and return the exit status."""
    begun = time.perf_counter()
    from checkers.linearizability.answer import Answer
    from checkers.linearizability.engine import Engine
    from checkers.linearizability.kernels.each import LEFT
    from checkers.linearizability.part import parts
    from checkers.linearizability.search.results import ANSWERS
    from checkers.models import MODELS
    from history.formats import read

    paths = [*corpus.glob("jepsen/*.log"), *corpus.glob("kv/*.txt")]
    files = sorted(str(path) for path in paths if path.stat().st_size)
    model_of = {file: MODELS[model_name(file)] for file in files}
    Engine(model_of[files[0]]).decide_all(parts(read(Path(files[0])).history))
    print(f"start-up, imports and compiled search included: {time.perf_counter() - begun:.3f} s")

    found = {file: parts(read(Path(file)).history) for file in files}
    ours: dict[str, tuple[str, float]] = {}
    porcupines: dict[str, tuple[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        program = build(porcupine, Path(folder))
        for _ in range(ROUNDS):
            for file, (verdict, seconds) in theirs(program, files).items():
                porcupines[file] = verdict, min(seconds, porcupines.get(file, (verdict, seconds))[1])
            warm = {name: Engine(MODELS[name]) for name in ("cas-register", "kv-append")}
            for file in files:
                warm[model_of[file].name].decide_all(found[file])
            for file in files:
                best = ours.get(file, ("", 1e9))[1]
                engine = warm[model_of[file].name]
                for _ in range(REPEATS):
                    parts_again = found[file]
                    if model_of[file].name == "kv-append":
                        # Texts of a key-value store are never met again: as if they came from a new file.
                        parts_again = replace(parts_again, calls=(*parts_again.calls,))
                    at = time.perf_counter()
                    decided = engine.decided(parts_again)
                    assert decided is not None, "without numba there is nothing to compare"
                    codes = set(decided.statuses[::3].tolist())
                    answers = (
                        {ANSWERS[code] for code in codes}
                        if LEFT not in codes
                        else {result.answer for result in engine.decide_all(parts_again)}
                    )
                    best = min(best, time.perf_counter() - at)
                words = {
                    Answer.LINEARIZABLE: "valid",
                    Answer.NOT_LINEARIZABLE: "invalid",
                    Answer.GAVE_UP: "unknown",
                }
                gravest = max(
                    answers, key=[Answer.LINEARIZABLE, Answer.GAVE_UP, Answer.NOT_LINEARIZABLE].index
                )
                ours[file] = words[gravest], best
    return report(corpus, files, ours, porcupines)


def report(
    corpus: Path, files: list[str], ours: dict[str, tuple[str, float]], theirs: dict[str, tuple[str, float]]
) -> int:
    """Print the comparison, and return 1 if a bound is broken."""
    print(f"{'file':24} {'verdict':8} {'Porcupine':>12} {'Ackproof':>12} {'ratio':>7}")
    slower, differing = 0, 0
    for file in sorted(files, key=lambda file: ours[file][1] / theirs[file][1]):
        ratio = ours[file][1] / theirs[file][1]
        slower += ratio > BOUND_FILE
        differing += ours[file][0] != theirs[file][0]
        verdict = (
            ours[file][0] if ours[file][0] == theirs[file][0] else f"{ours[file][0]} != {theirs[file][0]}"
        )
        name = str(Path(file).relative_to(corpus))
        seconds = f"{1e6 * theirs[file][1]:9.1f} us {1e6 * ours[file][1]:9.1f} us"
        print(f"{name:24} {verdict:8} {seconds} {ratio:7.3f}")
    total = [sum(side[file][1] for file in files) for side in (theirs, ours)]
    print(
        f"total of {len(files)}: Porcupine {1e3 * total[0]:.2f} ms, Ackproof {1e3 * total[1]:.2f} ms, "
        f"{total[0] / total[1]:.1f} times as fast; {slower} files slower than {BOUND_FILE} times; "
        f"{differing} verdicts differ"
    )
    return int(bool(differing or slower or total[1] > BOUND_TOTAL * total[0]))


if __name__ == "__main__":
    checkout = Path(sys.argv[1])
    sys.exit(main(checkout, Path(sys.argv[2]) if len(sys.argv) > 2 else checkout / "test_data"))
