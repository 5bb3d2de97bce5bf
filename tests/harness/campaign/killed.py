"""Kills a campaign at each of its writes, resumes it, and prints what was kept; run by test_journal.py.

`python killed.py STORE`: for each moment and each part of a line that reached the file, a child process is
killed with SIGKILL there, and this process resumes. A line of JSON follows on standard output for each.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from harness.campaign import journal as journals
from harness.campaign.cells import Cell
from harness.campaign.outcomes import Outcome
from tests.harness.campaign.fakes import carried_out, fake, plan, resumed

SEEDS = 6
PARTS = (0.0, 0.5, 1.0)
"""How much of a line reaches the file before the kill."""


def child(store: Path, moment: int, part: float) -> None:
    """Run the campaign, and be killed at a write; the first is the header's."""
    writes, write = [0], os.write

    def last(descriptor: int, data: bytes) -> int:
        writes[0] += 1
        if writes[0] == moment:
            write(descriptor, data[: round(len(data) * part)])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(descriptor, data)

    journals.os.write = last  # type: ignore[attr-defined]
    carried_out(store, plan(Cell(seeds=SEEDS)))
    os._exit(0)


def main() -> None:
    """Every moment in turn."""
    for moment in range(2, SEEDS + 3):
        for part in PARTS:
            store = Path(sys.argv[1]) / f"{moment}-{part}"
            pid = os.fork()
            if pid == 0:
                child(store, moment, part)
            _, status = os.waitpid(pid, 0)
            folder = next(store.iterdir())
            kept = [line.seed for line in journals.read(folder).runs]
            again: list[int] = []

            def noted(cell: Cell, seed: int, again: list[int] = again) -> Outcome:
                again.append(seed)
                return fake(cell, seed)

            seeds = [line.seed for line in resumed(folder, noted).runs]
            killed = os.WIFSIGNALED(status)
            found = {"moment": moment, "part": part, "killed": killed, "kept": kept, "again": again}
            print(json.dumps({**found, "seeds": seeds}), flush=True)  # noqa: T201 - read by the test


if __name__ == "__main__":
    main()
