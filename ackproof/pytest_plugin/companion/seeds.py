"""Simulated seeds for tests: one with its folder, or many with the first violation made small."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from checkers.check_all import Results
from harness.errors import unknown_name
from harness.mutants.catalogue import MUTANTS
from harness.nemesis import nemesis_of
from harness.run.folder import RunFolder
from harness.run.judging import judge
from harness.sim import command
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.schedule.schedule import record
from harness.sim.schedule.shrink import size
from harness.sim.schedule.story import whole_story
from harness.sim.seeds.campaign import seed_executor
from harness.workload import WORKLOADS
from history.files import decode_json, read_regular


def simulate(seed: int, options: Mapping[str, Any], store: str, command: str) -> dict[str, Any]:
    """Run one seed into a folder under `store`, and judge it.

    Args:
        command: the line that runs the same again, for the report.

    Raises:
        ValueError: an option is wrong.
        CouldNotRun: the store cannot be written.
    """
    words = shlex.split(command)
    folder = _one(seed, _options(options), Path(store), words)
    return in_plain(judge(folder), folder)


def _one(seed: int, options: SeedOptions, store: Path, words: list[str]) -> RunFolder:
    return command.Watched(seed, options).run(store, words)


def simulate_many(
    start: int, seeds: int, options: Mapping[str, Any], store: str, jobs: int
) -> dict[str, Any]:
    """Run seeds until one shows a violation; make its schedule small, and write that under `store`.

    Raises:
        ValueError: an option is wrong.
        CouldNotRun: the store cannot be written.
    """
    chosen, folder = _options(options), Path(store)
    file = folder / "seeds.jsonl"
    file.unlink(missing_ok=True)
    found = command.many(
        range(start, start + seeds), chosen, file, seed_executor(jobs), quiet=True, stop_at_first=True
    )
    answer: dict[str, Any] = msgspec.to_builtins(found)
    if found.violations:
        seed = found.violations[0].seed
        small = folder / f"seed-{seed}.json"
        before = size(record(plan_of(seed, chosen))[0])
        shrunk = command.shrunk(seed, chosen, small, quiet=True)
        answer["shrunk"] = {
            "seed": seed,
            "file": str(small),
            "story": list(whole_story(shrunk.schedule)),
            "verdict": msgspec.to_builtins(shrunk.verdict),
            "from_lines": before,
            "to_lines": size(shrunk.schedule),
            "runs": shrunk.runs,
        }
    return answer


def results(folder: str) -> dict[str, Any]:
    """What was judged in a run's folder."""
    run = RunFolder(Path(folder))
    found = decode_json(read_regular(run.results_json, root=run.path), Results, where=run.results_json)
    return in_plain(found, run)


def in_plain(found: Results, folder: RunFolder) -> dict[str, Any]:
    """Results as plain values, with the verdicts that decided, and the folder."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    decided = msgspec.to_builtins(found.decisive)
    return {**plain, "decisive": decided, "folder": str(folder.path)}


def _options(given: Mapping[str, Any]) -> SeedOptions:
    """The options of seeds; a name that does not exist is refused.

    Raises:
        ValueError: an option is wrong, in words.
    """
    options = msgspec.convert(given, SeedOptions)
    if options.workload not in WORKLOADS:
        raise ValueError(unknown_name("workload", options.workload, WORKLOADS))
    if options.mutant is not None and options.mutant not in MUTANTS:
        raise ValueError(unknown_name("mutant", options.mutant, MUTANTS))
    if options.nemesis is not None:
        nodes = tuple(f"n{number}" for number in range(1, (options.nodes or 3) + 1))
        nemesis_of(options.nemesis, SIM, nodes)
    return options
