"""Writes the first part of docs/found.md: every seeded bug with the one command that shows it.

`python -m harness.mutants.found` makes it from the catalogue, and a test compares the page with it. The
second part, about released systems, is written by hand: it is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.mutants.catalogue import AREAS
from harness.mutants.mutant import Mutant

SECOND_PART = "\n## In released systems\n"
"""What the part that is written by hand begins with."""
HEAD = """\
# What was found, and how to see each

First the bugs that are seeded on purpose, then what was found [in released systems](#in-released-systems).

Each seeded bug is the reference node with one rule broken (`harness/mutants/`). The command in the last
column is a simulated run of a few seconds, in which the checker of the broken property reports a violation. A
test runs all of these commands. Add `--shrink FILE` to reduce the run to a schedule of a few lines, which
`ackproof replay` plays again. `ackproof mutants NAME` finds the bug without knowing the seed;
`ackproof mutants` finds all of them and prints how long each took. Where a second command is given, it shows
the bug in real processes.

`python -m harness.mutants.found` writes this part.
"""
PAGE = Path(__file__).parents[2] / "docs" / "found.md"


def page() -> str:
    """The text of docs/found.md: the first part from the catalogue, and its second part as it is."""
    _, mark, by_hand = PAGE.read_text(encoding="utf-8").partition(SECOND_PART)
    return "\n".join([HEAD, *_sections()]) + mark + by_hand


def _sections() -> Iterator[str]:
    for area, mutants in AREAS.items():
        yield f"## {area}\n"
        yield "| what the node does wrong | caught by | known from | shown by |"
        yield "|---|---|---|---|"
        yield from (_row(mutant) for mutant in mutants)
        yield ""


def _row(mutant: Mutant) -> str:
    shown = f"`ackproof sim --seed {mutant.seed} --mutant {mutant.name}{_with_options(mutant)}`"
    if mutant.options:
        shown += f", `ackproof run --mutant {mutant.name} {' '.join(mutant.options)}`"
    return f"| {mutant.about} | {mutant.caught_by} | {mutant.source} | {shown} |"


def _with_options(mutant: Mutant) -> str:
    """The options that the seed needs in order to be the same run."""
    workload = "" if mutant.workload == "registry" else f" --workload {mutant.workload}"
    return workload if mutant.faults is None else f"{workload} --nemesis {','.join(mutant.faults)}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
