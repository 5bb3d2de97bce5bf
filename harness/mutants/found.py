"""docs/found.md: every seeded bug with the one command that shows it.

`python -m harness.mutants.found` prints it. The page is made from the catalogue, and a test compares the
two, so that it cannot say anything else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from harness.mutants.catalogue import AREAS
from harness.mutants.mutant import Mutant

HEAD = """\
# Bugs that can be shown

Each is the reference node with one rule broken (`harness/mutants/`). The command beside it is a simulated run
in which the checker whose property it breaks says so, within seconds; a test holds every one of them. With
`--shrink FILE` it is shrunk to a schedule of a few lines, which `ackproof replay` plays again.
`ackproof mutants NAME` finds the bug without knowing the seed, `ackproof mutants` all of them, and prints how
long each took. Where a second command is given, the bug shows in real processes, too.

This page is made by `python -m harness.mutants.found`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections()])


def _sections() -> Iterator[str]:
    for area, mutants in AREAS.items():
        yield f"## {area}\n"
        yield "| what the node does wrong | caught by | known from | shown by |"
        yield "|---|---|---|---|"
        yield from (_row(mutant) for mutant in mutants)
        yield ""


def _row(mutant: Mutant) -> str:
    shown = f"`ackproof sim --seed {mutant.seed} --mutant {mutant.name}{_beside(mutant)}`"
    if mutant.options:
        shown += f", `ackproof run --mutant {mutant.name} {' '.join(mutant.options)}`"
    return f"| {mutant.about} | {mutant.caught_by} | {mutant.source} | {shown} |"


def _beside(mutant: Mutant) -> str:
    """The options without which a seed is another run."""
    workload = "" if mutant.workload == "registry" else f" --workload {mutant.workload}"
    return workload if mutant.faults is None else f"{workload} --nemesis {','.join(mutant.faults)}"


if __name__ == "__main__":
    sys.stdout.write(page())
