"""Who was elected by whom: votes of another term, votes told twice and votes of nobody elect no leader."""

from __future__ import annotations

import pytest

from checkers.raft.invariants.elections import ElectionSafety
from checkers.verdict import Validity, Verdict
from tests.checkers.builders import recording
from tests.checkers.traces import ClusterBuilder, NodeBuilder

THREE = ("n1", "n2", "n3")
FIVE = (*THREE, "n4", "n5")
VOTE = "RequestVoteReply"


def judge(cluster: ClusterBuilder) -> Verdict:
    return ElectionSafety().check(recording(traces=cluster.build(), nodes=tuple(cluster.nodes)))


def stands(cluster: ClusterBuilder, name: str, term: int) -> NodeBuilder:
    candidate = cluster[name].enter(term).vote_for(name)
    candidate.role = "candidate"
    return candidate.trace("role").synced()


def votes(cluster: ClusterBuilder, name: str, candidate: str, term: int) -> NodeBuilder:
    return cluster[name].enter(term).vote_for(candidate).synced()


def is_unfounded(cluster: ClusterBuilder, term: int) -> None:
    verdict = judge(cluster)
    assert verdict.validity is Validity.INVALID, verdict
    assert [found.title for found in verdict.evidence] == [
        f"n1 led term {term} without the votes of a majority"
    ]


@pytest.mark.parametrize(("names", "voters"), [(THREE, ("n2",)), (FIVE, ("n3", "n5"))])
def test_a_majority_with_its_own_vote_elects(names: tuple[str, ...], voters: tuple[str, ...]) -> None:
    assert judge(ClusterBuilder(names).elect("n1", 1, voters)).validity is Validity.VALID


@pytest.mark.parametrize(("names", "voters"), [(THREE, ()), (FIVE, ("n4",))])
def test_a_minority_elects_nobody(names: tuple[str, ...], voters: tuple[str, ...]) -> None:
    cluster = ClusterBuilder(names).elect("n1", 1, voters)
    if not voters:  # that votes are traced at all must show somewhere
        votes(cluster, "n3", "n2", 1).send(cluster["n2"], VOTE)
    is_unfounded(cluster, 1)


def test_a_vote_told_twice_is_one_vote() -> None:
    cluster = ClusterBuilder(FIVE)
    candidate = stands(cluster, "n1", 1)
    votes(cluster, "n2", "n1", 1).send(candidate, VOTE).send(candidate, VOTE)
    candidate.lead()
    is_unfounded(cluster, 1)


def test_a_vote_of_an_earlier_term_counts_for_nothing_however_late_it_comes() -> None:
    cluster = ClusterBuilder(THREE)
    candidate = stands(cluster, "n1", 1)
    votes(cluster, "n2", "n1", 1).send(candidate, VOTE, received=False)
    stands(cluster, "n1", 2).trace("receive", peer="n2", message=VOTE, message_id="n2:1:1").lead()
    is_unfounded(cluster, 2)


def test_a_reply_of_one_who_voted_for_another_is_no_vote() -> None:
    cluster = ClusterBuilder(THREE)
    stands(cluster, "n3", 1)
    candidate = stands(cluster, "n1", 1)
    votes(cluster, "n2", "n3", 1).send(candidate, VOTE)
    candidate.lead()
    is_unfounded(cluster, 1)


def test_a_vote_before_a_restart_is_gone_with_it() -> None:
    cluster = ClusterBuilder(THREE)
    candidate = stands(cluster, "n1", 1)
    votes(cluster, "n2", "n1", 1).send(candidate, VOTE)
    candidate.restart().configure(THREE).lead()
    is_unfounded(cluster, 1)


def test_a_learners_vote_does_not_count() -> None:
    cluster = ClusterBuilder(THREE)
    for name in THREE:
        cluster[name].configure(("n1", "n3"), learners=("n2",))
    is_unfounded(cluster.elect("n1", 1, ("n2",)), 1)


def test_a_vote_of_which_nobody_traced_the_sending_is_given_the_benefit_of_the_doubt() -> None:
    cluster = ClusterBuilder(THREE)
    candidate = stands(cluster, "n1", 1)
    votes(cluster, "n3", "n1", 1).send(candidate, VOTE, received=False)
    candidate.trace("receive", peer="n2", message=VOTE, message_id="n2:1:1").lead()
    assert judge(cluster).validity is Validity.VALID
