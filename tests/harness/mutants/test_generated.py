"""Generated mutants: what is changed, that a process runs with it, and how a hunt ends and goes on."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.mutants.generated.mutations import Mutation, changes, every_mutation, functions
from harness.mutants.generated.patching import function_of, patched
from harness.sim.seeds.generated import (
    GeneratedHunt,
    MutationResults,
    executor,
    hunt_mutation,
    hunt_mutations,
    sample,
    score,
)

EVERY = every_mutation()


def changed(text: str) -> list[tuple[str, str]]:
    """The changes of the one function in a text."""
    ((_, function),) = functions(ast.parse(text))
    return [
        (kind, ast.unparse(ast.fix_missing_locations(ast.Module([other], [])))) if isinstance(other, ast.stmt)
        else (kind, ast.unparse(ast.fix_missing_locations(ast.Expression(other))))  # type: ignore[arg-type]
        for node in ast.walk(function)
        for kind, other in changes(node, function)
    ]  # fmt: skip


def test_a_comparison_is_moved_turned_round_and_its_operands_are_swapped() -> None:
    assert changed("def rule(a, b):\n    return a < b") == [
        ("boundary", "a <= b"),
        ("comparison", "a >= b"),
        ("swapped operands", "b < a"),
    ]


def test_each_condition_of_several_is_dropped() -> None:
    assert changed("def rule(a, b, c):\n    return a and b and c") == [
        ("dropped condition", "b and c"),
        ("dropped condition", "a and c"),
        ("dropped condition", "a and b"),
    ]


def test_a_statement_is_dropped_and_a_variable_stays_stale() -> None:
    text = "def rule(self, x):\n    self.y = x\n    x = 7\n    self.z(x)"
    assert changed(text) == [
        ("dropped statement", "pass"),
        ("stale variable", "pass"),
        ("dropped statement", "pass"),
        ("off by one", "8"),
    ]


def test_there_are_mutations_of_every_kind_and_none_of_what_is_only_described() -> None:
    kinds = Counter(mutation.kind for mutation in EVERY)
    assert len(kinds) == 9
    assert min(kinds.values()) >= 10
    assert len({mutation.name for mutation in EVERY}) == len(EVERY)
    assert not any(".api." in mutation.module or "trace(" in mutation.before for mutation in EVERY)


def test_the_same_seed_draws_the_same_sample() -> None:
    assert sample(EVERY, 20, 5) == sample(EVERY, 20, 5)
    assert sample(EVERY, 20, 5) != sample(EVERY, 20, 6)
    assert len(set(sample(EVERY, 200, 5))) == 200


def test_a_function_has_the_mutated_code_within_and_its_own_code_after() -> None:
    mutation = _mutation("Elections.is_vote_for_this_term", "dropped condition")
    own = function_of(mutation).__code__
    with patched(mutation):
        assert function_of(mutation).__code__.co_code != own.co_code
    assert function_of(mutation).__code__ is own


def test_a_mutant_that_elects_no_leader_is_stillborn() -> None:
    hunt = hunt_mutation(
        _mutation("Elections._count_vote", "dropped statement", "become_leader"), most_seeds=1
    )
    assert (hunt.outcome, hunt.seeds) == ("stillborn", 1)


def test_a_mutant_is_caught_by_the_checker_of_its_rule() -> None:
    mutation = _mutation("Elections.candidate_log_is_up_to_date", "boundary")
    assert hunt_mutation(mutation, most_seeds=1).outcome == "stillborn"  # no log is ever up to date


def test_results_are_kept_and_continued_but_not_with_another_budget(tmp_path: Path) -> None:
    first, second = EVERY[0], EVERY[1]
    kept = MutationResults(tmp_path / "kept.jsonl", 0)
    shown: list[GeneratedHunt] = []
    found = hunt_mutations([first], executor(1, most_seeds=0), kept, shown.append)
    assert [hunt.outcome for hunt in found] == ["survived"]
    again = MutationResults(tmp_path / "kept.jsonl", 0)
    both = hunt_mutations([first, second], executor(1, most_seeds=0), again, shown.append)
    assert [hunt.mutation for hunt in both] == [first, second]
    assert [hunt.mutation for hunt in shown] == [first, second]
    assert sum(score(both)[first.module.removeprefix("node_impl.core.")].values()) >= 1
    with pytest.raises(CouldNotRun, match="another number of seeds"):
        MutationResults(tmp_path / "kept.jsonl", 7)


def _mutation(function: str, kind: str, before: str = "", after: str = "") -> Mutation:
    return next(
        mutation
        for mutation in EVERY
        if (mutation.function, mutation.kind) == (function, kind)
        and before in mutation.before
        and after in mutation.after
    )
