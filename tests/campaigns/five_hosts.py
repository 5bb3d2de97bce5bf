"""Five remote hosts, each a real sshd in a network namespace of its own, under all kinds of faults together.

`python -m tests.campaigns.five_hosts 1 10` runs seeds 1 to 10, one after the other, and prints a row for
each: the table of docs/results/hosts.md. Needs root, sshd, nftables, libfaketime and FUSE.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from harness.nemesis import FINAL_HEAL, NEMESES
from history import Operation, read_history
from history.operation import NEMESIS
from tests.harness.hosts.sshds import Sshds, sshds

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
NAMES = ("n1", "n2", "n3", "n4", "n5")
FAULTS = "partition,kill,pause,clock,power,slow-disk"
SCHEDULE = "random"
"""Each comes and goes by itself, so that several are on most of the time."""
SECONDS = 60
GENTLE = ("--rate", "60", "--heartbeat-ms", "150", "--election-ms", "1000")
"""So that two cores, which five nodes, five sshds and the harness share, are not what is tested."""
BOUND_S = 240
BEGUN_BY = {NEMESES[name].end: NEMESES[name].begin for name in FAULTS.split(",")}
"""By the operation that ends a fault."""


class Seed(NamedTuple):
    """What came of one seed."""

    seed: int
    status: int
    verdict: str
    acknowledged: int
    elections: int
    together: int
    """The largest number of kinds of faults that were active at the same time."""
    output: str
    """What the command printed."""

    def row(self) -> str:
        return f"| {self.seed} | {self.acknowledged} | {self.elections} | {self.together} | {self.verdict} |"


async def run_seed(seed: int, hosts: Sshds, store: Path, seconds: int = SECONDS) -> Seed:
    """One run on hosts that are up."""
    process = await asyncio.create_subprocess_exec(
        *hosts.inside(),
        *(ACKPROOF, "run", "--world", "ssh", "--nodes-file", str(hosts.nodes_file())),
        *(
            "--nemesis",
            FAULTS,
            "--schedule",
            SCHEDULE,
            "--time-limit",
            str(seconds),
            "--seed",
            str(seed),
            *GENTLE,
        ),
        *("--store", str(store)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return _read(seed, process.returncode, output.decode(), store / "latest")


def _read(seed: int, status: int, output: str, folder: Path) -> Seed:
    results = folder / "results.json"
    if not results.exists():
        return Seed(seed, status, "none", 0, 0, 0, output)
    found = json.loads(results.read_text())
    measures = {verdict["checker"]: verdict.get("measures", {}) for verdict in found["verdicts"]}
    return Seed(
        seed,
        status,
        {0: "valid", 1: "invalid", 2: "unknown"}.get(status, str(status)),
        int(measures["vacuity"]["acknowledged_writes"]),
        int(measures["election-safety"]["elections"]),
        most_together(read_history(folder / "history.jsonl")),
        output,
    )


def most_together(operations: Iterable[Operation]) -> int:
    """Faults of how many kinds were on at once at the most, all seen to have taken effect."""
    on: set[str] = set()
    most = 0
    for operation in operations:
        if operation.process != NEMESIS or operation.type == "invoke":
            continue
        if operation.f == FINAL_HEAL:
            break
        if operation.f in BEGUN_BY:
            on.discard(BEGUN_BY[operation.f])
        elif any(action["took_effect"] for action in operation.value["actions"]):
            on.add(operation.f)
        most = max(most, len(on))
    return most


async def main(first: int, last: int) -> None:
    """Run seeds one after the other."""
    print("| seed | acknowledged writes | elections | kinds on at once | verdict |\n|---|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory() as kept:
        for seed in range(first, last + 1):
            folder = Path(kept) / str(seed)
            folder.mkdir()
            async with asyncio.timeout(BOUND_S), sshds(folder, NAMES) as hosts:
                came = await run_seed(seed, hosts, folder / "store")
            print(came.row(), flush=True)  # noqa: T201
            if came.status:
                print(came.output, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
