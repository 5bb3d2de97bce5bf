"""`ackproof.sim_test`: a test that runs many seeds in virtual time, and shrinks the first that fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ackproof.pytest_plugin import calling, evidence, marks

EXAMPLE = "ackproof.sim_test(seeds=200, nodes=3)"

Test = TypeVar("Test", bound=Callable[..., object])


def sim_test(
    *,
    seeds: int = marks.USUAL_SEEDS,
    start: int = 0,
    nodes: int | None = None,
    workload: str | None = None,
    nemesis: str | Sequence[str] | None = None,
    time_limit_s: int | None = None,
    concurrency: int | None = None,
    rate: int | None = None,
    mutant: str | None = None,
    lease: bool | None = None,
    jobs: int | None = None,
) -> Callable[[Test], Test]:
    """Let a pytest test run many seeds of the reference node in virtual time before its body.

    The test fails if a seed shows a violation, or if every seed proved too little. Of a violation it shows
    the smallest story that still shows it, and the line that replays this story. The body may ask for the
    fixture `sim`, which has the counts.

    Args:
        seeds: how many seeds.
        start: the first seed.
        nodes: how many nodes. What is None here and below, each seed chooses for itself.
        workload: what the clients do; None for `registry`.
        nemesis: the faults; empty for none.
        time_limit_s: simulated seconds of work and faults.
        concurrency: how many clients.
        rate: client operations per simulated second, of all clients together.
        mutant: the seeded bug that the nodes have.
        lease: whether a leader answers reads under a lease.
        jobs: how many processes; None shares the cores among the workers of pytest-xdist.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    mark = pytest.mark.ackproof_sim(**given)

    def decorate(test: Test) -> Test:
        marked: Test = mark(test)
        return marked

    return decorate


class Simulated:
    """What many simulated seeds showed."""

    def __init__(self, found: Mapping[str, Any], again: str) -> None:
        self._found = found
        self._again = again
        self._was_looked_at = False
        self.seeds = int(found["seeds"])
        """How many seeds ended."""
        self.valid = int(found["valid"])
        self.unknown = int(found["unknown"])
        """Seeds that proved too little."""
        self.invalid = int(found["invalid"])
        shrunk = found.get("shrunk")
        self.failing_seed: int | None = None if shrunk is None else int(shrunk["seed"])
        """The first seed that shows a violation, in the order of the seeds."""
        self.story: tuple[str, ...] = () if shrunk is None else tuple(shrunk["story"])
        """The smallest schedule that still shows the violation, a line for each thing that happens."""
        self.replay: Path | None = None if shrunk is None else Path(shrunk["file"])
        """The file for `ackproof replay`."""

    @property
    def validity(self) -> str:
        """`invalid` if any seed is; `valid` if none is and at least one is valid; else `unknown`."""
        self._was_looked_at = True
        return str(self._found["validity"])

    @property
    def is_valid(self) -> bool:
        """Whether no seed is invalid, and at least one is valid."""
        return self.validity == "valid"

    def assert_valid(self) -> None:
        """Fail the test, with the story, unless the seeds are valid."""
        __tracebackhide__ = True
        if not self.is_valid:
            raise AssertionError(self.explained())

    def require_a_look(self) -> None:
        """Fail the test if its body did not look at a validity that is not `valid`."""
        if not self._was_looked_at and not self.is_valid:
            raise pytest.fail.Exception(self.explained(), pytrace=False)

    def explained(self) -> str:
        """The counts; of a violation the evidence, the smallest story, and the line that replays it."""
        counts = f"{self.seeds} seeds: {self.valid} valid, {self.invalid} invalid, "
        counts += f"{self.unknown} proved nothing"
        shrunk = self._found.get("shrunk")
        if shrunk is None:
            return f"{self._found['validity']}: {counts}\n  run them again  {self._again}"
        return "\n".join(
            [
                f"invalid: seed {self.failing_seed}; {counts}",
                *evidence.lines_of([shrunk["verdict"]]),
                f"  {shrunk['from_lines']} lines shrunk to {shrunk['to_lines']} in {shrunk['runs']} runs:",
                *(f"    {line}" for line in self.story),
                f"  replay it     ackproof replay {self.replay}",
                f"  whole seed    {shrunk['again']}",
            ]
        )

    def reports(self) -> list[Path]:
        """The picture of the smallest story, if there is one."""
        return [] if self.replay is None else [self.replay.with_suffix(".svg")]

    def __repr__(self) -> str:
        return f"<Simulated {self._found['validity']}, {self.seeds} seeds>"


def simulate_seeds(mark: pytest.Mark, store: Path, root: Path) -> Simulated:
    """Run the seeds of a mark `ackproof_sim`, and shrink the first that fails.

    Raises:
        NotJudged: they could not be run.
        pytest.UsageError: the mark is wrong.
    """
    from ackproof.pytest_plugin.cases import plan_options

    options = marks.options_of(mark, (*marks.OF_SEEDS, *marks.IN_BOTH), EXAMPLE)
    start, jobs = options.pop("start", 0), options.pop("jobs", None)
    seeds = options.pop("seeds", marks.USUAL_SEEDS)
    for name, value, least in (("seeds", seeds, 1), ("start", start, 0), ("jobs", jobs, 1)):
        if value is not None and (type(value) is not int or value < least):
            raise pytest.UsageError(f"{name}={value!r} of sim_test is not a whole number from {least} on")
    words = list(marks.arguments(options, marks.IN_BOTH))
    found = calling.ask(
        "simulate_many",
        root,
        start=start,
        seeds=seeds,
        options=plan_options(options),
        store=str(store),
        jobs=jobs or _share_of_cores(),
    )
    if "shrunk" in found:
        found["shrunk"]["again"] = marks.line("sim", words, found["shrunk"]["seed"])
    again = " ".join(["ackproof sim --seeds", str(seeds), "--start", str(start), *words])
    return Simulated(found, again)


def _share_of_cores() -> int:
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return max(1, (os.cpu_count() or 1) // workers)
