"""What the node trace costs: the reference node next to itself without one, in alternating rounds.

    python benchmarks/node/trace_cost.py [--members 5] [--rounds 10] [--seconds 1]

The rounds are those of `etcd.py`. Writes a second on a busy machine depend more on its other work than on the
trace, so the bound is on processor time a write, clients included: on an idle machine, throughput is its
inverse. Exits 1 if the median round with the trace takes more than 1 / 0.9 of its
neighbour without, at any number of clients.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from clusters import nodes, running
from etcd import CLIENTS, duel, spread

BOUND = 1 / 0.9
UNTRACED = (str(Path(__file__).with_name("untraced_node.py")),)


def refuse_any_trace(folder: Path) -> None:
    """Stop if the nodes without a trace wrote one: the other nodes would then look cheap."""
    written = sum(path.stat().st_size for path in folder.glob("*/trace/*.jsonl"))
    if written:
        raise SystemExit(f"the nodes without a trace wrote {written} bytes of it: nothing was measured")


def main() -> int:
    """Print the ratios for each number of clients, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    options = parser.parse_args()
    costs_too_much = False
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(tempfile.mkdtemp(dir=scratch)) for _ in range(2)]
        traced = nodes(options.members, folders[0], "traced")
        untraced = nodes(options.members, folders[1], "untraced", UNTRACED)
        with running(traced), running(untraced):
            print(f"{options.members} members; load {os.getloadavg()[0]:.1f}")
            for clients in CLIENTS:
                ratios = duel(traced, untraced, clients, options.rounds, options.seconds)
                refuse_any_trace(folders[1])
                costs_too_much |= bool(np.median(ratios.cost) > BOUND)
                print(f"{clients:3} clients: {spread(ratios.rate)} times the writes a second without a trace")
                print(f"{clients:3} clients: {spread(ratios.cost)} of the processor time (bound {BOUND:.2f})")
            print(f"load {os.getloadavg()[0]:.1f}")
    return int(costs_too_much)


if __name__ == "__main__":
    sys.exit(main())
