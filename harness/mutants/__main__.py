"""Starts one node with one seeded bug: `python -m harness.mutants NAME ARGUMENTS...`."""

from __future__ import annotations

import sys

from harness.errors import unknown_name
from harness.mutants.catalogue import MUTANTS
from node_impl.io.server import main

if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in MUTANTS:
        print(f"harness.mutants: {unknown_name('mutant', name, MUTANTS)}", file=sys.stderr)  # noqa: T201 - its output
        sys.exit(64)
    sys.exit(main(sys.argv[2:], MUTANTS[name].parts))
