"""Counterexamples: the same on real cores, in a file, and for the checkers of traces."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from harness.errors import CouldNotRun
from harness.sim.explore.command import SearchBounds, explore, replayed
from harness.sim.explore.counterexample import NoSuchStep, is_counterexample, load, parts_of, walk
from harness.sim.explore.scope import Scope
from node_impl.core.build import DEFAULT_PARTS

BROKEN = Scope(nodes=3, elections=2, proposals=1, crashes=1, pre_vote=False)


@pytest.fixture
def counterexample(tmp_path: Path) -> Path:
    file = tmp_path / "steps.json"
    explored = explore(BROKEN, "vote-not-persisted", SearchBounds(states=50_000), out=file, quiet=True)
    assert explored.found.outcome == "violation"
    return file


@pytest.mark.parametrize(
    ("mutant", "checker"),
    [
        ("vote-twice", "one-vote-a-term"),
        ("half-is-a-majority", "election-safety"),
        ("forgetful", "term-monotonic"),
        ("vote-without-log-check", "leader-completeness"),
    ],
)
def test_the_checkers_of_traces_find_the_same_violation_in_the_same_steps(mutant: str, checker: str) -> None:
    explored = explore(BROKEN, mutant, SearchBounds(states=100_000), quiet=True)
    assert explored.violation is not None
    assert checker in explored.also


def test_a_counterexample_is_a_readable_file_whose_steps_are_taken_again(counterexample: Path) -> None:
    assert is_counterexample(counterexample)
    walked = replayed(counterexample, anyway=False)
    assert walked.violation is not None
    assert walked.violation.startswith("one-vote-a-term: ")
    assert "crashes, with 0 of the unfinished writes on disk" in counterexample.read_text(encoding="utf-8")
    assert "<svg" in counterexample.with_suffix(".svg").read_text(encoding="utf-8")
    assert "✕ must not happen" in counterexample.with_suffix(".mmd").read_text(encoding="utf-8")


def test_on_the_correct_core_the_same_steps_break_nothing(counterexample: Path) -> None:
    """They end where the mutant says what a correct node does not say."""
    steps = load(counterexample).steps
    walked = walk(BROKEN, DEFAULT_PARTS, steps)
    assert walked.violation is None


def test_a_counterexample_of_another_version_or_other_code_says_what_differs(counterexample: Path) -> None:
    content = msgspec.json.decode(counterexample.read_bytes())
    counterexample.write_bytes(msgspec.json.encode({**content, "ackproof_way": 2}))
    with pytest.raises(CouldNotRun, match=r"format 2.*reads format 1"):
        load(counterexample)
    counterexample.write_bytes(
        msgspec.json.encode({**content, "code": {**content["code"], "node_impl/core/raft": "0"}})
    )
    with pytest.raises(CouldNotRun, match=r"other code: node_impl/core/raft changed"):
        load(counterexample)
    assert load(counterexample, anyway=True).steps
    counterexample.write_bytes(msgspec.json.encode({**content, "mutant": "nobody"}))
    with pytest.raises(CouldNotRun, match="'nobody'"):
        load(counterexample)


def test_steps_that_cannot_be_taken_are_named(counterexample: Path) -> None:
    steps = load(counterexample).steps
    with pytest.raises(NoSuchStep, match=re.escape("is not in transit")):
        walk(BROKEN, DEFAULT_PARTS, steps[-1:])
    with pytest.raises(NoSuchStep, match="has 0 unfinished writes"):
        walk(BROKEN, DEFAULT_PARTS, steps[1:2])


def test_a_bug_outside_the_core_is_refused_with_advice() -> None:
    with pytest.raises(CouldNotRun, match="outside its Raft core"):
        parts_of("never-fsync", Scope())


def test_a_start_of_another_size_is_refused() -> None:
    with pytest.raises(CouldNotRun, match="of 3 nodes, not of 2"):
        explore(Scope(nodes=2, start="figure-8"), None, SearchBounds(), quiet=True)
