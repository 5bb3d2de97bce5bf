"""Invalid verdicts come in an order that begins with the root causes."""

from __future__ import annotations

from itertools import permutations

import networkx as nx
import pytest

from checkers.causes import EXPLAINS, root_causes_first
from checkers.judges import JUDGES
from checkers.registry.applied_once import AppliedOnce
from checkers.registry.beats import Beats
from checkers.registry.expiry import Expiry
from checkers.registry.membership_views import MembershipViews
from checkers.registry.suite import registry_checkers
from checkers.transactions.consistency import LIST_APPEND
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity, Verdict

ELSEWHERE = (AppliedOnce(), Beats(), Expiry(), MembershipViews(), Isolation(LIST_APPEND))
"""Checkers of other suites than the registry's, that no option of `ackproof check` names."""


def verdict(checker: str, validity: Validity = Validity.INVALID) -> Verdict:
    return Verdict(checker, validity, "as the test says")


def test_the_graph_of_explanations_names_checkers_that_exist_and_has_no_cycle() -> None:
    known = {checker.name for checker in (*registry_checkers(), *ELSEWHERE)} | set(JUDGES)
    named = {*EXPLAINS, *(effect for effects in EXPLAINS.values() for effect in effects)}
    assert named <= known
    graph = nx.DiGraph((cause, effect) for cause, effects in EXPLAINS.items() for effect in effects)
    assert nx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize(
    "order", list(permutations(["durability", "election-safety", "leader-completeness"]))
)
def test_two_leaders_explain_lost_entries_and_these_explain_lost_registrations(
    order: tuple[str, ...],
) -> None:
    found = root_causes_first([verdict(checker) for checker in order])
    assert [(one.verdict.checker, one.by) for one in found] == [
        ("election-safety", ()),
        ("leader-completeness", ("election-safety",)),
        ("durability", ("leader-completeness",)),
    ]


def test_an_explanation_reaches_over_a_checker_that_found_nothing() -> None:
    valid = verdict("leader-completeness", Validity.VALID)
    found = root_causes_first([verdict("durability"), valid, verdict("election-safety")])
    assert [(one.verdict.checker, one.by) for one in found] == [
        ("election-safety", ()),
        ("durability", ("election-safety",)),
    ]


def test_verdicts_that_do_not_explain_each_other_keep_their_order() -> None:
    found = root_causes_first([verdict("unique-ids"), verdict("term-monotonic"), verdict("own-checker")])
    assert [one.verdict.checker for one in found] == ["unique-ids", "term-monotonic", "own-checker"]
    assert all(one.by == () for one in found)


def test_without_an_invalid_verdict_there_is_nothing_to_explain() -> None:
    assert root_causes_first([verdict("durability", Validity.UNKNOWN)]) == []
