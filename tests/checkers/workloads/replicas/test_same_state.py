"""Nodes that have applied the same entries hold the same state."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.verdict import Unjudged, Validity, Verdict
from checkers.workloads.replicas.same_state import OTHER_STATE, SameState
from history import History, Operation, Recording

A, B = "revision 7, hash 1", "revision 8, hash 2"


def judged(*replies: tuple[str, Any]) -> Verdict:
    """The verdict on final questions, each a node and its reply; None for a question without an answer."""
    operations: list[Operation] = []
    for process, (node, reply) in enumerate(replies):
        at = len(operations)
        operations.append(Operation(at, at, process, "invoke", "hash", "1", node=node))
        kind: Any = "fail" if reply is None else "ok"
        operations.append(Operation(at + 1, at + 1, process, kind, "hash", "1", reply, node=node))
    return SameState().check(Recording(("n1", "n2", "n3"), History(operations)))


def test_equal_states_at_one_index_are_valid() -> None:
    verdict = judged(("n1", [9, A]), ("n2", [9, A]), ("n3", [9, A]))
    assert verdict.validity is Validity.VALID


def test_different_states_at_one_index_are_a_violation_of_both_nodes() -> None:
    verdict = judged(("n1", [9, A]), ("n2", [9, A]), ("n3", [9, B]))
    assert verdict.validity is Validity.INVALID
    (evidence,) = verdict.evidence
    assert (evidence.kind, evidence.nodes, evidence.operations) == (OTHER_STATE, ("n1", "n3"), (0, 4))
    assert evidence.text == "After entry 9, n1 stated revision 7, hash 1, and n3 stated revision 8, hash 2."


def test_different_states_at_different_indices_prove_nothing() -> None:
    verdict = judged(("n1", [9, A]), ("n2", [10, B]), ("n3", [9, A]))
    assert verdict.validity is Validity.UNKNOWN
    assert "n2" in verdict.summary


@pytest.mark.parametrize(
    "replies", [(), (("n1", [9, A]),), (("n1", [9, A]), ("n1", [9, A])), (("n1", [9, A]), ("n2", None))]
)
def test_without_two_nodes_there_is_nothing_to_compare(replies: tuple[tuple[str, Any], ...]) -> None:
    verdict = judged(*replies)
    assert verdict.mark is Unjudged.NOT_EXERCISED


def test_a_node_that_is_compared_in_a_later_round_is_enough() -> None:
    verdict = judged(("n1", [9, A]), ("n2", [10, B]), ("n1", [10, B]), ("n2", [10, B]))
    assert verdict.validity is Validity.VALID


@pytest.mark.parametrize("reply", [None, 3, [A], ["9", A], [True, A], [9, 3]])
def test_a_reply_that_is_no_pair_is_refused(reply: Any) -> None:
    if reply is None:
        reply = {"applied": 9}
    assert judged(("n1", [9, A]), ("n2", reply)).validity is Validity.UNKNOWN
