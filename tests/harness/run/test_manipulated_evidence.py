"""What is missing, cut, doubled, late or edited after a run accuses nobody, and nothing valid rests on it.

The base is correct runs of every workload in the simulated world, each under its seed's faults.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from checkers.check_all import check_all
from checkers.verdict import Validity, Verdict
from harness.errors import CouldNotRun
from harness.run.folder import RunFolder
from harness.run.judging import judge
from harness.run.seal import (
    HISTORY,
    LAG,
    LIVES,
    LOGS,
    RESTS_ON,
    SIZES,
    STATUSES,
    TEST,
    TRACES,
    kind_of,
    trusted,
)
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.systems.catalogue import fitting_workloads
from harness.systems.reference_node import ReferenceNode
from harness.workload import workload
from history import HistoryError, Recording, read_history, write_parquet
from tests.harness.run.manipulations import EDITS, LOSSES, Manipulation
from tests.marks import first_in_ci

SEEDS = {"registry": 1, "cas": 2, "sessions": 3, "ephemeral": 4, "membership": 6}
REFUSALS = (CouldNotRun, HistoryError, FileNotFoundError)
"""What a command prints as one line."""
ROUNDS = 3
"""How often the tests that always run try each manipulation on each workload."""


@pytest.fixture(scope="session")
def correct_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of a short correct run of each workload."""
    store = tmp_path_factory.mktemp("correct")
    return {name: short_run(name, seed, store / f"{name}-{seed}") for name, seed in SEEDS.items()}


def short_run(name: str, seed: int, store: Path) -> Path:
    options = SeedOptions(
        nodes=3 if seed % 2 else 5, workload=name, time_limit_s=2 + seed % 3, rate=60, concurrency=4
    )
    return run(plan_of(seed, options)).write(store, ["test"]).path


def judged(path: Path) -> tuple[RunFolder, list[Verdict]]:
    """The folder, and its verdicts as the checkers say them."""
    folder = RunFolder(path)
    recording = folder.recording()
    options = recording.options
    parts = workload(options["workload"], recording.nodes, options["concurrency"])
    return folder, check_all(parts.checkers, recording)


def manipulated(
    base: Path, copy: Path, manipulations: tuple[Manipulation, ...], rounds: int, *, sealed: bool
) -> Iterator[str]:
    """Copy a run and change one piece of the copy, again and again; says what was done."""
    for number in range(rounds * len(manipulations)):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(base, copy)
        if not sealed:
            (copy / "evidence.json").unlink()
        chance = Random(f"{base.parent.name}:{number}")  # the folder of a run itself is named for its time
        done = manipulations[number % len(manipulations)](copy, chance)
        if done is not None:
            yield f"{number}: {done}"


def accused(base: Path, copy: Path, rounds: int) -> list[str]:
    """What the checkers say against a correct run of which something is missing."""
    before = {verdict.checker: verdict.validity for verdict in judged(base)[1]}
    wrong = []
    for done in manipulated(base, copy, LOSSES, rounds, sealed=False):
        try:
            verdicts = judged(copy)[1]
        except REFUSALS as refusal:
            wrong += [f"{done}: {refusal}"] * ("\n" in str(refusal))
            continue
        wrong += [
            f"{done}: {verdict.checker}: {verdict.summary}"
            for verdict in verdicts
            if (verdict.validity is Validity.INVALID and before[verdict.checker] is not Validity.INVALID)
            or "the checker itself failed" in verdict.summary
        ]
    return wrong


def overlooked(base: Path, copy: Path, rounds: int) -> list[str]:
    """Verdicts that a damaged piece of evidence should have changed and did not, or the other way round."""
    before = {verdict.checker: verdict for verdict in judged(base)[1]}
    wrong = []
    for done in manipulated(base, copy, (*LOSSES, *EDITS), rounds, sealed=True):
        try:
            folder, found = judged(copy)
        except REFUSALS as refusal:
            wrong += [f"{done}: {refusal}"] * ("\n" in str(refusal))
            continue
        state = folder.seal_state
        kinds = {kind_of(path) for path in state.damaged}
        if not kinds:
            wrong.append(f"{done}: the seal shows nothing")
        for verdict in trusted(found, state):
            rests_on = RESTS_ON.get(verdict.checker, frozenset({TEST, HISTORY, LIVES, LAG, TRACES}))
            if kinds & rests_on and verdict.validity is not Validity.UNKNOWN:
                wrong.append(f"{done}: {verdict.checker} is {verdict.validity}")
            if not kinds & rests_on and verdict.validity is not before[verdict.checker].validity:
                wrong.append(f"{done}: {verdict.checker} became {verdict.validity}: {verdict.summary}")
    return wrong


@pytest.mark.parametrize("name", SEEDS)
def test_what_is_missing_accuses_nobody(name: str, correct_runs: dict[str, Path], tmp_path: Path) -> None:
    assert accused(correct_runs[name], tmp_path / "copy", ROUNDS) == []


@pytest.mark.parametrize("name", SEEDS)
def test_a_seal_shows_each_change_and_no_verdict_rests_on_it(
    name: str, correct_runs: dict[str, Path], tmp_path: Path
) -> None:
    assert overlooked(correct_runs[name], tmp_path / "copy", ROUNDS) == []


@pytest.mark.timeout(600)  # a seed judges some hundred folders, over 120 s on a busy machine
@pytest.mark.parametrize("seed", first_in_ci(range(100, 120), 3))
def test_campaign_of_manipulations(seed: int, tmp_path: Path) -> None:
    wrong = []
    for name in fitting_workloads(ReferenceNode()):
        base = short_run(name, seed, tmp_path / f"{name}-{seed}")
        wrong += accused(base, tmp_path / "copy", 3)
        wrong += overlooked(base, tmp_path / "copy", 2)
    assert wrong == []


PARTS = {
    "history": HISTORY,
    "traces": TRACES,
    "lives": LIVES,
    "logs": LOGS,
    "harness_lag": LAG,
    "statuses": STATUSES,
    "nodes": TEST,
    "options": TEST,
    "fault_kinds": TEST,
    "resources": "resources",
    "sizes": SIZES,
}
"""The kind of evidence behind each part of a recording."""


class _Watched:
    """A recording that notes which parts of it are read."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.read: set[str] = set()

    def __getattr__(self, part: str) -> Any:
        self.read.add(PARTS[part])
        return getattr(self._recording, part)


@pytest.mark.parametrize("name", SEEDS)
def test_no_checker_reads_evidence_on_which_its_verdict_is_not_said_to_rest(
    name: str, correct_runs: dict[str, Path]
) -> None:
    recording = RunFolder(correct_runs[name]).recording()
    for number in range(len(tuple(workload(name, recording.nodes, 4).checkers))):
        checker = tuple(workload(name, recording.nodes, 4).checkers)[number]  # a new one has read nothing yet
        watched: Any = _Watched(recording)
        checker.check(watched)
        rests_on = RESTS_ON.get(checker.name, frozenset({TEST, HISTORY, LIVES, LAG, TRACES}))
        assert watched.read <= rests_on, checker.name


# ---- single claims --------------------------------------------------------------------------------------


@pytest.fixture
def copy(correct_runs: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the run of `registry`."""
    return Path(shutil.copytree(correct_runs["registry"], tmp_path / "copy"))


def edit_lives(copy: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    lives = json.loads((copy / "lives.json").read_bytes())
    for life in lives:
        edit(life)
    (copy / "lives.json").write_text(json.dumps(lives))


def test_a_run_that_nobody_touched_says_so(copy: Path) -> None:
    results = judge(RunFolder(copy))
    assert results.seal == "sealed, and unchanged since"
    again = judge(RunFolder(copy))  # the Parquet that the first made is sealed with the rest
    assert again == results
    assert json.loads((copy / "results.json").read_bytes())["seal"] == results.seal


def test_a_folder_without_a_seal_is_judged_and_marked(copy: Path) -> None:
    (copy / "evidence.json").unlink()
    results = judge(RunFolder(copy))
    assert results.seal.startswith("not sealed")
    assert {verdict.checker for verdict in results.verdicts if verdict.validity is Validity.VALID}


@pytest.mark.parametrize(
    "seal", [b"", b"{}", b'{"ackproof_evidence":9,"sealed_at":"","files":{}}', b"[" * 9999]
)
def test_a_seal_that_cannot_be_used_makes_every_verdict_unknown(copy: Path, seal: bytes) -> None:
    (copy / "evidence.json").write_bytes(seal)
    results = judge(RunFolder(copy))
    assert "the seal cannot be used" in results.seal
    assert {verdict.validity for verdict in results.verdicts} == {Validity.UNKNOWN}


def test_lines_and_parquet_that_differ_are_noticed_without_a_seal(copy: Path) -> None:
    judge(RunFolder(copy))
    (copy / "evidence.json").unlink()
    assert "differs" not in judge(RunFolder(copy)).seal
    history = read_history(copy / "history.jsonl")
    (copy / "history.parquet").unlink()
    write_parquet(type(history)(list(history)[:-2]), copy / "history.parquet")
    results = judge(RunFolder(copy))
    assert "history.parquet differs from history.jsonl" in results.seal
    found = {verdict.checker: verdict for verdict in results.verdicts}
    assert found["durability"].validity is Validity.UNKNOWN
    assert "history.parquet differs" in found["durability"].summary


@pytest.mark.parametrize("lost", ["history.jsonl", "history.parquet"])
def test_one_of_two_equal_forms_of_the_history_may_be_lost(copy: Path, lost: str) -> None:
    before = judge(RunFolder(copy))
    (copy / lost).unlink()
    after = judge(RunFolder(copy))
    assert after.seal == f"sealed, and missing since: {lost}"
    assert [verdict.validity for verdict in after.verdicts] == [v.validity for v in before.verdicts]


def test_a_violation_stays_one_if_what_shows_it_is_unchanged(correct_runs: dict[str, Path]) -> None:
    folder, _ = judged(correct_runs["registry"])
    state = type(folder.seal_state)(is_sealed=True, changed=("nodes/n1/log.txt",))
    wrong = [
        Verdict("durability", Validity.INVALID, "1 lost"),
        Verdict("node-health", Validity.INVALID, "bad"),
    ]
    assert [verdict.validity for verdict in trusted(wrong, state)] == [Validity.INVALID, Validity.UNKNOWN]


def test_a_life_whose_host_was_lost_may_lack_its_last_lines(copy: Path) -> None:
    edit_lives(copy, lambda life: life.update(ended_by="host lost"))
    for path in copy.glob("nodes/*/trace/*.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: len(lines) // 2]))
    RunFolder(copy).seal()  # the run itself came to its end, without these lines
    folder, verdicts = judged(copy)
    found = {verdict.checker: verdict for verdict in verdicts}
    assert folder.seal_state.damaged == ()
    assert found["conformance"].validity is Validity.UNKNOWN
    assert "the end of that life was not seen" in found["conformance"].summary
    assert not [verdict for verdict in verdicts if verdict.validity is Validity.INVALID]
