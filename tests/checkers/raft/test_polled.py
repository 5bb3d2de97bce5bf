"""Election safety of systems without traces, judged by what their nodes answer."""

from __future__ import annotations

import pytest

from checkers.lacking import LACKS
from checkers.raft.invariants.elections import ElectionSafety
from checkers.raft.polled import ONE_LEADER_A_TERM
from checkers.verdict import Mark, Unjudged, Validity
from history import History, PolledStatus, Recording
from history.units import SECOND_NS

Said = tuple[str, str, int]
"""Node, role and term of one answer."""


def judged(*said: Said, promises: bool = True) -> Mark:
    statuses = tuple(
        PolledStatus(node, number * SECOND_NS, role, term) for number, (node, role, term) in enumerate(said)
    )
    options = {LACKS: ["traces", "indices"], ONE_LEADER_A_TERM: promises}
    recording = Recording(("n1", "n2", "n3"), History([]), options=options, statuses=statuses)
    verdict = ElectionSafety().check(recording)
    if verdict.validity is Validity.INVALID:
        assert verdict.evidence[0].title == "n1 and n2 both led term 2"
        assert "n1 answered so at 2.000 s; n2 answered so at 3.000 s" in verdict.evidence[0].text
    return verdict.mark


LEADS_1: Said = ("n1", "leader", 2)
LEADS_2: Said = ("n2", "leader", 2)


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ((LEADS_1, LEADS_2, LEADS_1, LEADS_2), Validity.INVALID),
        ((LEADS_1, LEADS_1, ("n2", "leader", 3), ("n2", "leader", 3)), Validity.VALID),
        ((("n1", "follower", 2), LEADS_2, LEADS_2), Validity.VALID),
        ((LEADS_1, ("n1", "follower", 2), LEADS_1, LEADS_2), Unjudged.NOT_EXERCISED),
        ((), Unjudged.NOT_EXERCISED),
    ],
)
def test_two_nodes_that_lead_one_term_are_a_violation(said: tuple[Said, ...], mark: Mark) -> None:
    assert judged(*said) is mark


def test_one_answer_that_mixes_two_moments_is_no_violation() -> None:
    """A deposed leader may name itself, and the new term, in one answer."""
    assert judged(LEADS_2, ("n1", "leader", 1), LEADS_1, ("n1", "follower", 2), LEADS_2) is Validity.VALID


def test_without_a_promise_of_one_leader_a_term_it_is_not_applicable() -> None:
    assert judged(LEADS_1, LEADS_2, LEADS_1, LEADS_2, promises=False) is Unjudged.NOT_APPLICABLE


def test_a_term_that_no_node_names_decides_nothing() -> None:
    silent = [("n1", "leader", 0), ("n2", "leader", 0)] * 2
    assert judged(*silent) is Unjudged.NOT_EXERCISED
