"""The mutation score: how many mutants that no person chose the simulator catches.

Each mutation runs with the seeds 0, 1, 2, ... until a checker finds a violation or the budget of seeds ends.
The seeds take turns among workloads, so that sessions, beats and leases are exercised too. How a hunt ends:

| outcome | |
|---|---|
| `caught` | a checker found a violation |
| `stillborn` | there is no such function, or nothing was committed in the first seed, as any test would see |
| `endless` | a seed took more things, memory or processor time than any run of the correct node |
| `survived` | the budget ended; the mutant may be equivalent to the node, or no judge looks there |

Results are lines of JSON, each written when its hunt ends; the same command goes on where it stopped.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from harness.errors import CouldNotRun
from harness.executors.executor import Executor, each_result
from harness.executors.in_process import InProcess
from harness.executors.processes import Processes
from harness.mutants.generated.mutations import Mutation
from harness.mutants.generated.patching import StillbornError, patched
from harness.sim.bounded import TooMuchTakenError, bounded
from harness.sim.judging import results_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.stream import Stream
from harness.sim.plan.swarm import plan_of
from harness.sim.run import SimulatedRun, run
from harness.sim.schedule.version import differences, digests
from harness.sim.world.world import TooMuchHappensError

TURNS = (
    SeedOptions(),
    SeedOptions(workload="ephemeral"),
    SeedOptions(lease=True),
    SeedOptions(workload="sessions"),
    SeedOptions(workload="subscriptions"),
    SeedOptions(workload="membership"),
)
"""What the seeds take turns with."""
MOST_HAPPENINGS = 1_000_000
MOST_PROCESSOR_S = 40
MOST_MEMORY_BYTES = 6 << 30
"""Runs of the correct node have less than half of these."""
LONGEST_HUNT_S = 86_400.0

Outcome = Literal["caught", "stillborn", "endless", "survived"]
OUTCOMES: tuple[Outcome, ...] = ("caught", "stillborn", "endless", "survived")


class GeneratedHunt(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the hunt for one mutation ended."""

    mutation: Mutation
    outcome: Outcome
    seeds: int
    """How many seeds were run."""
    wall_s: float
    caught_by: tuple[str, ...] = ()
    """The checkers that found a violation in the last seed."""
    summary: str = ""
    """What the gravest verdict says, or why there was none."""


class _Header(msgspec.Struct, frozen=True):
    """The first line of a file of results."""

    seeds: int
    code: Mapping[str, str]
    ackproof_mutations: int = 1


def sample(mutations: Sequence[Mutation], size: int, seed: int) -> tuple[Mutation, ...]:
    """Draw this number of them, in the order in which they were drawn; all, if there are not as many."""
    draw, left = Stream(seed, "generated mutants"), list(mutations)
    return tuple(left.pop(draw.below(len(left))) for _ in range(min(size, len(left))))


def options_of(seed: int) -> SeedOptions:
    """What this seed is run with."""
    return TURNS[seed % len(TURNS)]


def hunt_mutation(mutation: Mutation, *, most_seeds: int) -> GeneratedHunt:
    """Run seeds with a mutation until a checker finds a violation."""
    begin = time.monotonic()
    outcome: Outcome = "survived"
    found: tuple[tuple[str, ...], str] = ((), "")
    seeds = 0
    try:
        with patched(mutation), tempfile.TemporaryDirectory(prefix="ackproof-sim-") as logs:
            while outcome == "survived" and seeds < most_seeds:
                seeds += 1
                outcome, *found = _tried(seeds - 1, Path(logs))  # type: ignore[assignment]  # two values
    except StillbornError as why:
        outcome, found = "stillborn", ((), str(why))
    return GeneratedHunt(mutation, outcome, seeds, time.monotonic() - begin, *found)


def _tried(seed: int, logs: Path) -> tuple[Outcome, tuple[str, ...], str]:
    """How one seed ended: the outcome, the checkers that found a violation, and what the first says."""
    try:
        with bounded(MOST_PROCESSOR_S, MOST_MEMORY_BYTES), _limited():
            ran = run(plan_of(seed, options_of(seed)), most_happenings=MOST_HAPPENINGS)
            if seed == 0 and not _commits(ran):
                return "stillborn", (), "nothing was committed in the first seed"
            found = results_of(ran, logs)
    except (TooMuchHappensError, TooMuchTakenError, MemoryError) as error:
        return "endless", (), f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - the mutated code raised it where no node was stepped
        return "caught", ("an error at a start",), f"{type(error).__name__}: {error}"
    invalid = tuple(verdict.checker for verdict in found.verdicts if verdict.validity == "invalid")
    if not invalid:
        return "survived", (), ""
    return "caught", invalid, found.decisive[0].summary


def _commits(ran: SimulatedRun) -> bool:
    """Whether any node committed anything."""
    return any(line.event == "commit" for lives in ran.traces.values() for lines in lives for line in lines)


@contextmanager
def _limited() -> Iterator[None]:
    """Refuse memory beyond the bound: mutated code may ask for all of it at once."""
    memory = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, memory[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, memory)


class MutationResults:
    """A file of results: made new, or read and continued.

    Raises:
        CouldNotRun: the file belongs to another budget or to other code, or cannot be written.
    """

    def __init__(self, path: Path, most_seeds: int) -> None:
        self._header = _Header(most_seeds, digests())
        self._encode = msgspec.json.Encoder().encode
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.done = {hunt.mutation.name: hunt for hunt in self._read(path)}
            """The hunts by the names of their mutations."""
            self._file = path.open("ab", buffering=0)
            if path.stat().st_size == 0:
                self._file.write(self._encode(self._header) + b"\n")
        except OSError as error:
            raise CouldNotRun(f"cannot write {path}: {error.strerror}; choose another --results") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CouldNotRun(f"{path} holds no mutation score: {error}; move it away") from error

    def add(self, hunt: GeneratedHunt) -> None:
        """Keep how a hunt ended: the line has reached the kernel when this returns."""
        self._file.write(self._encode(hunt) + b"\n")
        self.done[hunt.mutation.name] = hunt

    def _read(self, path: Path) -> Iterator[GeneratedHunt]:
        if not path.exists():
            return
        content = path.read_bytes()
        *lines, torn = content.split(b"\n")
        if torn:
            with path.open("r+b") as file:
                file.truncate(len(content) - len(torn))
        if not lines:
            return
        header = msgspec.json.decode(lines[0], type=_Header)
        changed = differences(header.code)
        if changed or header.seeds != self._header.seeds:
            why = f"other code ({', '.join(changed)} changed)" if changed else "another number of seeds"
            raise CouldNotRun(f"{path} was made with {why}; move it away, or choose another with --results")
        for line in lines[1:]:
            yield msgspec.json.decode(line, type=GeneratedHunt)


HuntExecutor: TypeAlias = Executor[str, [Mutation], GeneratedHunt]


def executor(jobs: int, *, most_seeds: int) -> HuntExecutor:
    """Hunts in this process, or on `jobs` others, each on one core."""
    perform = partial(hunt_mutation, most_seeds=most_seeds)
    return InProcess(perform) if jobs == 1 else Processes(perform, jobs, LONGEST_HUNT_S)


def hunt_mutations(
    chosen: Sequence[Mutation],
    on: HuntExecutor,
    kept: MutationResults,
    show: Callable[[GeneratedHunt], None],
) -> list[GeneratedHunt]:
    """Hunt these mutations but those that were hunted already; give all in the same order.

    Raises:
        CouldNotRun: the harness could not do one of them, or cannot write the results.
    """
    left = [mutation for mutation in chosen if mutation.name not in kept.done]
    for _, hunt in each_result(on, ((mutation.name, mutation) for mutation in left)):
        kept.add(hunt)
        show(hunt)
    return [kept.done[mutation.name] for mutation in chosen]


def score(hunts: Sequence[GeneratedHunt]) -> dict[str, Counter[str]]:
    """By module of the node's core: how many mutations of it ended in each way."""
    found: dict[str, Counter[str]] = {}
    for hunt in hunts:
        found.setdefault(hunt.mutation.module.removeprefix("node_impl.core."), Counter())[hunt.outcome] += 1
    return dict(sorted(found.items()))
