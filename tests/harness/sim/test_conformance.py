"""The simulated node keeps to Raft's specification, and a mutant that breaks one of its guards does not."""

from __future__ import annotations

import pytest

from checkers.raft.conformance import Conformance
from checkers.verdict import Validity, Verdict
from harness.mutants.catalogue import MUTANTS
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run

BREAKS_A_GUARD_AT_ONCE = (
    "assume-all-matched",
    "commit-unmatched",
    "count-own-unsynced",
    "discard-on-election",
    "half-is-a-majority",
    "send-before-fsync",
    "truncate-on-stale-append",
)
BREAKS_A_GUARD = (
    "buffered-log",
    "forgetful",
    "hard-state-not-written",
    "never-fsync",
    "obey-deposed-leaders",
    "previous-term-unchecked",
    "recover-short",
    "term-not-persisted",
    "vote-not-persisted",
    "vote-twice",
    "vote-without-log-check",
)


def judge(seed: int, mutant: str | None = None) -> Verdict:
    return Conformance().check(run(plan_of(seed, SeedOptions(mutant=mutant))).recording())


def is_caught(mutant: str, seeds: int) -> bool:
    return any(judge(seed, mutant).validity is Validity.INVALID for seed in range(seeds))


@pytest.mark.parametrize("seed", range(6))
def test_the_correct_node_keeps_to_the_specification(seed: int) -> None:
    verdict = judge(seed)
    assert verdict.validity is Validity.VALID, verdict


@pytest.mark.parametrize("mutant", BREAKS_A_GUARD_AT_ONCE)
def test_a_mutant_that_breaks_a_guard_is_caught_within_a_few_seeds(mutant: str) -> None:
    assert is_caught(mutant, 12)


@pytest.mark.parametrize("mutant", ["acknowledge-early", "unconfirmed-reads", "retry-applied-twice"])
def test_a_mutant_that_only_answers_wrongly_takes_no_wrong_step(mutant: str) -> None:
    for seed in range(2):
        assert judge(seed, mutant).validity is not Validity.INVALID
    assert "conformance" not in MUTANTS[mutant].also


@pytest.mark.campaign
@pytest.mark.parametrize("mutant", BREAKS_A_GUARD)
def test_every_mutant_that_breaks_a_guard_is_caught(mutant: str) -> None:
    assert is_caught(mutant, 200)


@pytest.mark.campaign
def test_the_correct_node_keeps_to_the_specification_in_a_hundred_seeds() -> None:
    verdicts = [judge(seed) for seed in range(100, 200)]
    assert not [verdict for verdict in verdicts if verdict.validity is Validity.INVALID]
    assert sum(verdict.validity is Validity.VALID for verdict in verdicts) >= 95
