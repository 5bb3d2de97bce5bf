"""Changes one piece of a run's evidence, as accidents do: a file is lost, cut, doubled, swapped or edited.

Each manipulation takes the folder of a run and a source of random numbers, changes one piece, and says in
words what it did; or it says None where the run has no such piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from history.units import SECOND_NS

Manipulation = Callable[[Path, Random], str | None]
NUMBER = re.compile(rb"(?<=[:\[,])\d+(?=[,}\]])")


def evidence_files(folder: Path) -> list[Path]:
    """All files of a run on which verdicts rest."""
    found = [folder / name for name in ("history.jsonl", "lives.json", "lag.json", "test.json")]
    return [
        path for path in (*found, *traces(folder), *sorted(folder.glob("nodes/*/log.txt"))) if path.exists()
    ]


def traces(folder: Path) -> list[Path]:
    """The trace files of all lives of all nodes."""
    return sorted(folder.glob("nodes/*/trace/*.jsonl"))


def remove_file(folder: Path, random: Random) -> str | None:
    """Remove one file of evidence."""
    path = random.choice(evidence_files(folder))
    path.unlink()
    return f"removed {path.relative_to(folder)}"


def remove_node(folder: Path, random: Random) -> str | None:
    """Remove all traces of one node, as if its host had never come back."""
    node = random.choice(sorted(folder.glob("nodes/*")))
    for path in node.glob("trace/*.jsonl"):
        path.unlink()
    return f"removed the traces of {node.name}"


def cut_at_byte(folder: Path, random: Random) -> str | None:
    """Cut one file at any byte."""
    path = random.choice([path for path in evidence_files(folder) if path.stat().st_size])
    at = random.randrange(path.stat().st_size)
    path.write_bytes(path.read_bytes()[:at])
    return f"cut {path.relative_to(folder)} at byte {at}"


def cut_trace(folder: Path, random: Random) -> str | None:
    """Cut the last lines of one life's trace, as a host that lost its power does."""
    path = random.choice(traces(folder))
    lines = path.read_bytes().splitlines(keepends=True)
    kept = random.randrange(len(lines)) if lines else 0
    path.write_bytes(b"".join(lines[:kept]))
    return f"kept {kept} lines of {path.relative_to(folder)}"


def cut_all_traces(folder: Path, random: Random) -> str | None:
    """Cut the traces of all nodes, each somewhere: a whole cluster lost its power."""
    for path in traces(folder):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: random.randrange(len(lines) + 1)]))
    return "cut every trace"


def cut_history(folder: Path, random: Random) -> str | None:
    """Cut the last lines of the history, as a harness that was killed does."""
    path = folder / "history.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    kept = random.randrange(len(lines))
    path.write_bytes(b"".join(lines[:kept]))
    return f"kept {kept} lines of the history"


def remove_line(folder: Path, random: Random) -> str | None:
    """Remove one line of a history or trace."""
    path = random.choice([folder / "history.jsonl", *traces(folder)])
    lines = path.read_bytes().splitlines(keepends=True)
    if not lines:
        return None
    at = random.randrange(len(lines))
    path.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
    return f"removed line {at + 1} of {path.relative_to(folder)}"


def double_lines(folder: Path, random: Random) -> str | None:
    """Repeat some lines of a history or trace right after themselves."""
    path = random.choice([folder / "history.jsonl", *traces(folder)])
    lines = path.read_bytes().splitlines(keepends=True)
    if not lines:
        return None
    at = random.randrange(len(lines))
    end = min(len(lines), at + random.randint(1, 5))
    path.write_bytes(b"".join(lines[:end] + lines[at:end] + lines[end:]))
    return f"doubled lines {at + 1} to {end} of {path.relative_to(folder)}"


def double_life(folder: Path, random: Random) -> str | None:
    """Copy the trace of one life as one more life of the same node."""
    path = random.choice(traces(folder))
    number = len(list(path.parent.glob("*.jsonl"))) + 1
    (path.parent / f"{number:04}.jsonl").write_bytes(path.read_bytes())
    return f"copied {path.relative_to(folder)} as life {number}"


def swap_lives(folder: Path, random: Random) -> str | None:
    """Swap the traces of two lives of one node."""
    several = [node for node in sorted(folder.glob("nodes/*/trace")) if len(list(node.glob("*.jsonl"))) > 1]
    if not several:
        return None
    one, other = random.sample(sorted(random.choice(several).glob("*.jsonl")), 2)
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    return f"swapped {one.relative_to(folder)} and {other.name}"


def swap_nodes(folder: Path, random: Random) -> str | None:
    """Swap the traces of two nodes' first lives."""
    one, other = random.sample(sorted(folder.glob("nodes/*/trace/0001.jsonl")), 2)
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    return f"swapped {one.relative_to(folder)} and {other.relative_to(folder)}"


def delay_node(folder: Path, random: Random) -> str | None:
    """Shift all times of one node: its clock, and when its lives began and ended."""
    node = random.choice(sorted(folder.glob("nodes/*")))
    by = random.choice([-1, 1]) * random.randrange(1, 20 * SECOND_NS)
    for path in node.glob("trace/*.jsonl"):
        lines = []
        for line in path.read_bytes().splitlines():
            event = json.loads(line)
            event["at"] += by
            lines.append(json.dumps(event, separators=(",", ":")).encode() + b"\n")
        path.write_bytes(b"".join(lines))
    return f"shifted the clock of {node.name} by {by / SECOND_NS:.3f} s"


def edit_number(folder: Path, random: Random) -> str | None:
    """Change one number by one."""
    path = random.choice([path for path in evidence_files(folder) if path.name != "log.txt"])
    data = path.read_bytes()
    numbers = list(NUMBER.finditer(data))
    if not numbers:
        return None
    found = random.choice(numbers)
    new = int(found.group()) + random.choice([-1, 1])
    path.write_bytes(data[: found.start()] + str(new).encode() + data[found.end() :])
    return f"{path.relative_to(folder)}, byte {found.start()}: {found.group().decode()} became {new}"


def edit_byte(folder: Path, random: Random) -> str | None:
    """Change one byte."""
    path = random.choice([path for path in evidence_files(folder) if path.stat().st_size])
    data = bytearray(path.read_bytes())
    at = random.randrange(len(data))
    data[at] ^= 1 << random.randrange(8)
    path.write_bytes(data)
    return f"{path.relative_to(folder)}: changed a bit of byte {at}"


LOSSES: tuple[Manipulation, ...] = (
    remove_file,
    remove_node,
    cut_at_byte,
    cut_trace,
    cut_all_traces,
    cut_history,
    remove_line,
    double_lines,
    double_life,
    swap_lives,
    swap_nodes,
    delay_node,
)
"""What leaves evidence out or in another order: a correct run must not look wrong by it, with or without a
seal."""
EDITS: tuple[Manipulation, ...] = (edit_number, edit_byte)
"""What writes something else than the run did, which only the seal can show."""
