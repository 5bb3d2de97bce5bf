"""The interpreter against a client that answers at once, on one core: operations a second.

    python benchmarks/load/interpreter.py [--operations 20000] [--rounds 3]

An operation is an invocation and a completion, both written to the history's file before anything follows.
The rate is of processor time, since other work on the machine does not change it. Exits 1 if the median of
any number of clients is below the bound.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from null_client import run_null

from history import HistoryWriter

BOUND = 20_000
"""Operations a second of processor time."""
CLIENTS = (1, 10, 100, 1000)


def main() -> int:
    """Print the rates of each round, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=20_000, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for clients in CLIENTS:
                with HistoryWriter(Path(folder) / f"{number}-{clients}.jsonl") as writer:
                    found[clients].append(
                        options.operations / run_null(clients, options.operations, writer.append)
                    )
    for clients, rates in found.items():
        print(f"{clients:5} clients: {', '.join(f'{rate:,.0f}' for rate in rates)} operations/s")
    print(f"load {os.getloadavg()[0]:.1f}")
    return int(any(statistics.median(rates) < BOUND for rates in found.values()))


if __name__ == "__main__":
    sys.exit(main())
