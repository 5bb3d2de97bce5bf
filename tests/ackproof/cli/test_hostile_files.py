"""Files that an attacker wrote: one line and an exit code, in little memory and time, and nothing outside.

Never a traceback, never without end, never a byte outside the run's folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ackproof.cli import options
from harness.sim.explore import counterexample
from harness.sim.explore.node.steps import TimeOut
from harness.sim.explore.scope import Scope
from harness.sim.explore.search import PathStep
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.schedule import replay
from harness.sim.schedule.schedule import record
from history import limits
from node_impl.core.build import DEFAULT_PARTS
from tests.ackproof.cli.mutations import mutated, replace_by_something_else
from tests.marks import first_in_ci

CHILD = Path(__file__).with_name("hostile.py")
CODES = (0, 1, 2, 254, 255)
MOST_MEGABYTES = 2048
ALWAYS, CAMPAIGN = 40, 600
"""Cases of each kind of file."""


class Desk:
    """A place with honest files, and commands to run on hostile copies of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outside = path / "outside"
        self.outside.mkdir()
        (self.outside / "precious").write_text("precious")
        small = SeedOptions(nodes=3, time_limit_s=2, rate=40, concurrency=3, nemesis=("kill", "partition"))
        self.run = run(plan_of(1, small)).write(path / "base", ["test"]).path
        self.schedule = path / "schedule.json"
        schedule, ran = record(plan_of(1, small))
        replay.save(self.schedule, schedule, ran, "durability", "nothing")
        self.steps = path / "steps.json"
        steps = (PathStep(TimeOut("n1")),)
        scope = Scope()
        counterexample.save(self.steps, scope, None, steps, counterexample.walk(scope, DEFAULT_PARTS, steps))
        self.cases: list[list[str]] = []
        self.told: list[str] = []

    def copy_of_run(self) -> Path:
        """A copy of the run of which any file may be changed."""
        return Path(shutil.copytree(self.run, self.path / "runs" / f"run-{len(self.cases)}"))

    def add(self, what: str, *arguments: str) -> None:
        """Add a case."""
        self.told.append(what)
        self.cases.append([*arguments])

    def outcomes(self) -> list[str]:
        """Run all cases; what went wrong, in words."""
        cases = self.path / "cases.json"
        cases.write_text(json.dumps(self.cases))
        store = self.path / "outside" / "cwd"
        store.mkdir()
        before = _tree(self.outside)
        done = subprocess.run(
            [sys.executable, str(CHILD), str(cases)],
            cwd=store,
            capture_output=True,
            text=True,
            timeout=300 + 25 * len(self.cases),
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[3]),
                "XDG_STATE_HOME": str(self.path / "s"),
            },
        )
        found = [json.loads(line) for line in done.stdout.splitlines()]
        wrong = [] if len(found) == len(self.cases) else [f"the child ended: {done.stderr[-2000:]}"]
        wrong += [
            f"{told}: {problem}"
            for told, outcome in zip(self.told, found, strict=False)
            if (problem := _problem(outcome)) is not None
        ]
        if _tree(self.outside) != before:
            wrong.append(f"written outside: {set(_tree(self.outside)) ^ set(before)}")
        return wrong


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def _problem(outcome: dict[str, Any]) -> str | None:
    errors: str = outcome["errors"].strip()
    if outcome["code"] not in CODES:
        return f"{outcome['code']} after {outcome['seconds']:.1f} s: {errors[-600:]}"
    if "Traceback" in errors or "a bug of ackproof itself" in errors:
        return errors[-1200:]
    if outcome["code"] == 255 and len(errors.splitlines()) > 1:
        return f"more than one line: {errors[-600:]}"
    if outcome["megabytes"] > MOST_MEGABYTES:
        return f"took {outcome['megabytes']} MB"
    return None


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def hostile_runs(desk: Desk, random: Random, count: int) -> None:
    """Cases of `analyze`: one file of a run is hostile."""
    for _ in range(count):
        copy = desk.copy_of_run()
        if random.random() < 0.7:
            (copy / "evidence.json").unlink()
        names = ["test.json", "lives.json", "history.jsonl", "lag.json", "evidence.json"]
        files = [copy / name for name in names if (copy / name).exists()]
        files += [random.choice(sorted(copy.glob("nodes/*/trace/*.jsonl"))) for _ in range(3)]
        files.append(copy / "nodes/n1/log.txt")
        path = random.choice(files)
        if random.random() < 0.2:
            what = replace_by_something_else(path, desk.outside, random)
        else:
            path.write_bytes(mutated(path.read_bytes(), random))
            what = "mutated"
        desk.add(f"{copy.name}/{path.relative_to(copy)}: {what}", "analyze", str(copy))


def hostile_replays(desk: Desk, random: Random, count: int) -> None:
    """Cases of `replay`: a schedule, or steps, that are hostile."""
    for number in range(count):
        base = desk.schedule if number % 3 else desk.steps
        path = desk.path / f"replay-{number}.json"
        path.write_bytes(mutated(base.read_bytes(), random))
        store = desk.path / "stores" / f"{number}"
        desk.add(f"{path.name} of {base.name}", "replay", str(path), "--anyway", "--store", str(store))


@pytest.mark.parametrize("add", [hostile_runs, hostile_replays])
def test_no_hostile_file_ends_in_a_traceback_or_without_end(
    add: Callable[[Desk, Random, int], None], desk: Desk
) -> None:
    add(desk, Random(f"always {add.__name__}"), ALWAYS)
    assert desk.outcomes() == []


@pytest.mark.parametrize("seed", first_in_ci(range(3), 1))
@pytest.mark.parametrize("add", [hostile_runs, hostile_replays])
def test_campaign_of_hostile_files(add: Callable[[Desk, Random, int], None], seed: int, desk: Desk) -> None:
    add(desk, Random(f"{seed} {add.__name__}"), CAMPAIGN)
    assert desk.outcomes() == []


def test_the_bounds_of_options_are_those_of_files() -> None:
    assert (options.MOST_NODES, options.MOST_CLIENTS) == (limits.MOST_NODES, limits.MOST_CLIENTS)


# ---- single claims --------------------------------------------------------------------------------------


def test_numbers_in_a_trace_take_neither_memory_nor_time(desk: Desk) -> None:
    for number in (2**63 - 1, 2**40 - 1, 10**7):
        for field in ("last", "commit", "applied", "term", "index", "seq"):
            copy = desk.copy_of_run()
            (copy / "evidence.json").unlink()
            for path in copy.glob("nodes/*/trace/*.jsonl"):
                lines = path.read_bytes().splitlines()
                for at in range(5, len(lines), 40):
                    lines[at] = json.dumps({**json.loads(lines[at]), field: number}).encode()
                path.write_bytes(b"\n".join(lines) + b"\n")
            desk.add(f"{field} is {number}", "analyze", str(copy))
    assert desk.outcomes() == []


def test_a_name_of_a_node_is_no_path(desk: Desk) -> None:
    store = desk.path / "store"
    for name in ("../../outside/made", "/tmp/made", "a/b", "..", "", "n1\x00", "x" * 300):
        path = desk.path / f"named-{len(desk.cases)}.json"
        path.write_text(desk.schedule.read_text().replace('"n1"', json.dumps(name)))
        desk.add(f"replay {name}", "replay", str(path), "--anyway", "--store", str(store))
        copy = desk.copy_of_run()
        (copy / "test.json").write_text((copy / "test.json").read_text().replace('"n1"', json.dumps(name)))
        desk.add(f"analyze {name}", "analyze", str(copy))
    assert desk.outcomes() == []
    assert not store.exists()
    assert not list(desk.path.glob("runs/*/results.json"))


def test_a_cluster_of_thousands_is_refused(desk: Desk) -> None:
    huge = {"nodes": [f"n{number}" for number in range(1, 5001)], "concurrency": 10**9}
    store = desk.path / "store"
    for field, value in huge.items():
        plain = json.loads(desk.schedule.read_bytes())
        plain["schedule"]["plan"]["test"][field] = value
        path = desk.path / f"huge-{field}.json"
        path.write_text(json.dumps(plain))
        desk.add(field, "replay", str(path), "--anyway", "--store", str(store))
    assert desk.outcomes() == []
    assert not store.exists()


def test_a_link_in_a_folder_is_replaced_and_its_target_stays(desk: Desk) -> None:
    for name in ("report.html", "results.json", "history.parquet", "evidence.json", "report.html.unfinished"):
        copy = desk.copy_of_run()
        (copy / name).unlink(missing_ok=True)
        (copy / name).symlink_to(desk.outside / "precious")
        desk.add(name, "analyze", str(copy))
    assert desk.outcomes() == []  # which also looks at what is outside


def test_a_folder_behind_a_link_is_not_read(desk: Desk) -> None:
    copies = []
    for inside in ("nodes", "nodes/n1", "nodes/n1/trace"):
        copy = desk.copy_of_run()
        moved = desk.path / f"elsewhere-{len(desk.cases)}"
        (copy / inside).rename(moved)
        (copy / inside).symlink_to(moved)
        desk.add(inside, "analyze", str(copy))
        copies.append(copy)
    assert desk.outcomes() == []
    for copy in copies:
        results = json.loads((copy / "results.json").read_bytes())
        found = {verdict["checker"]: verdict["validity"] for verdict in results["verdicts"]}
        assert found["conformance"] == "unknown"
