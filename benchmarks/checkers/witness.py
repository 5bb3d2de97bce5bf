"""How long the index witness takes on a registry's history; prints one line a size.

    python benchmarks/checkers/witness.py [MOST_OPERATIONS]

20 clients on 10,000 keys in 625 services, a fifth of the operations deregister, every hundredth lists its
service, 1 % of the writes have an unknown outcome that the apply trace resolves. Timed on one core: from a
history's columns, as a Parquet file gives them, to what is proven. Best of three. Exits 1 if a million
operations take over 1 s.
"""

from __future__ import annotations

import random
import sys
import time

import numpy as np
from histories import DEREGISTER, LIST, LOOKUP, REGISTER, CorrectRegistry, history_from, recorded

from checkers.registry.applied import AppliedLog
from checkers.registry.linearizability.by_index.witness import examine
from checkers.registry.linearizability.claims import claims_of
from history import History

KEYS, KEYS_A_SERVICE = 10_000, 16
SHARES = {REGISTER: 0.4, DEREGISTER: 0.2, LOOKUP: 0.39, LIST: 0.01}
"""How often clients ask what, as shares of all operations."""


def registry_history(operations: int) -> tuple[History, AppliedLog]:
    """A correct registry's history, whose replies name indices; and what its nodes applied."""
    draw = random.Random(1)
    system = CorrectRegistry(operations, KEYS, SHARES, draw, keys_a_service=KEYS_A_SERVICE)
    rows = recorded(system, operations, draw)
    writes = np.flatnonzero(np.isin(rows.f, (REGISTER, DEREGISTER)) & (rows.indices >= 0))
    applied = dict(zip(writes.tolist(), rows.indices[writes].tolist(), strict=True))
    return history_from(system, rows), AppliedLog(applied, (), system.index)


def main(most: int) -> int:
    """Print one line for each size, and return the exit status."""
    size, seconds = 10_000, 0.0
    while size <= most:
        history, applied = registry_history(size)
        taken = []
        for _ in range(3):
            begun = time.process_time()
            found = examine(claims_of(history, applied))
            taken.append(time.process_time() - begun)
            assert found.proven.all()
            assert not found.contradictions
        seconds = min(taken)
        print(f"{size:>10,} operations {seconds:8.3f} s of processor time, {len(found.names)} parts proven")
        size *= 10
    return int(most >= 1_000_000 and seconds > 1.0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
