"""For each family of faults a bug that shows with the fault, and without it in no seed.

A fault that showed no bug would prove nothing; and a bug that showed without it would not need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from harness.mutants.catalogue import MUTANTS
from harness.nemesis.faults.clock.drift import LARGEST_PERCENT
from tests.campaigns.ackproof import Ran, ackproof
from tests.deciding import decided
from tests.harness.cluster.test_faults import needs_faketime
from tests.harness.hosts.disks.test_faultydisk import needs_fuse

pytestmark = pytest.mark.campaign

SEEDS = (1, 2, 3, 4)
"""With the fault it is caught in the first of these that can; real processes do not repeat a schedule."""
SEEDS_WITHOUT = (1, 2)
"""Without it, it is caught in none of these."""
SECONDS = 9
"""Long enough for one fault, which hits the favourite target of each first."""
LEASES = (
    *("--lease", "--clock-drift-bound", str(LARGEST_PERCENT + 1), "--nodes", "3"),
    *("--election-ms", "2500", "--rate", "400", "--concurrency", "24"),
)
"""The longer a promise, the longer the time by which slow and fast clocks disagree on its end. The bound
allows for the few milliseconds that a clock leaps when its rate changes."""


class Family(NamedTuple):
    """A seeded bug, the fault that shows it, and what does not."""

    mutant: str
    with_fault: str
    without: str
    options: tuple[str, ...] = ()
    when: str = ""
    """Times of the faults; those of `without` are the same, as far as it has these faults."""


FAMILIES = {
    "process": Family("forgetful", "kill:leader", "pause:leader"),
    "network": Family("unconfirmed-reads", "partition:isolate-leader", "kill:leader"),
    "disk": Family("never-fsync", "power:all", "kill:all"),
    "clock": Family(
        "lease-without-clock-bound",
        "drift,partition",
        "partition",
        LEASES,
        "1 drift:slow-leader, 2.5 partition:isolate-leader, 7 heal partition",
    ),
}


@pytest.mark.parametrize(
    "family",
    [
        "process",
        "network",
        pytest.param("disk", marks=needs_fuse),
        pytest.param("clock", marks=needs_faketime),
    ],
)
def test_a_bug_shows_with_its_fault_and_not_without(family: str, tmp_path: Path) -> None:
    mutant, with_fault, without, more, when = FAMILIES[family]
    bug = MUTANTS[mutant]

    def ran(seed: int, nemesis: str, mutant: str | None = mutant) -> Ran:
        options = ("--seed", str(seed), "--time-limit", str(SECONDS), "--nemesis", nemesis, *more)
        times = [time for time in when.split(", ") if time and any(f in time for f in nemesis.split(","))]
        schedule = ("--schedule", ", ".join(times)) if times else ()
        bugs = ("--mutant", mutant) if mutant is not None else ()
        return ackproof("run", *bugs, *options, *schedule, "--store", str(tmp_path / "store"), state=tmp_path)

    output = []
    for seed in SEEDS:
        caught = ran(seed, with_fault)
        found = {checker for checker, validity in caught.by_checker.items() if validity == "invalid"}
        if found & {bug.caught_by, *bug.also}:
            break
        output.append(caught.telling)
    else:
        pytest.fail("\n".join(output))
    for seed in SEEDS_WITHOUT:
        missed = ran(seed, without)
        assert missed.by_checker.get(bug.caught_by) in ("valid", "not exercised"), missed.telling
        assert "invalid" not in missed.by_checker.values(), missed.telling
    if family == "clock":
        correct = decided(lambda seed: ran(seed, with_fault, mutant=None), SEEDS)
        assert correct.status == 0, f"a lease that allows for the drift holds under it: {correct.telling}"
