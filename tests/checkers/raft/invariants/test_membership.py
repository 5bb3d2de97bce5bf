"""Membership: correct changes are valid, and each rule's violation is found and named."""

from __future__ import annotations

from checkers.raft.invariants.acknowledgement import DurableBeforeAcknowledge
from checkers.raft.invariants.membership import MembershipChanges, committed_configurations
from checkers.verdict import Validity, Verdict
from tests.checkers.builders import recording
from tests.checkers.traces import ClusterBuilder, NodeBuilder, entry

FOUR = ("n1", "n2", "n3", "n4")
THREE = ("n1", "n2", "n3")


def judge(cluster: ClusterBuilder) -> Verdict:
    return MembershipChanges().check(recording(traces=cluster.build(), nodes=tuple(cluster.nodes)))


def violation(cluster: ClusterBuilder) -> str:
    verdict = judge(cluster)
    assert verdict.validity is Validity.INVALID, verdict
    return verdict.evidence[0].title


def led(names: tuple[str, ...] = FOUR, voters: tuple[str, ...] = ("n2", "n3")) -> ClusterBuilder:
    """n1 leads term 1 and has committed in it."""
    cluster = ClusterBuilder(names).elect("n1", 1, voters)
    return cluster.replicate("n1", tuple(name for name in names if name != "n1"))


def propose(node: NodeBuilder, members: tuple[str, ...], learners: tuple[str, ...] = ()) -> int:
    """A leader appends a configuration, in force at once; its index."""
    index = len(node.log) + 1
    node.append(entry(index, node.term, f"members {members} {learners}")).configure(members, index, learners)
    return index


def settle(cluster: ClusterBuilder, leader: str, index: int) -> None:
    """The configuration is on every disk, committed and applied at the leader."""
    cluster[leader].synced()
    for name in cluster.nodes:
        if name != leader:
            cluster.catch_up(leader, name)
    cluster[leader].commit_to(index).apply_to(index)


def test_removing_and_adding_by_way_of_a_learner_is_valid() -> None:
    cluster = led()
    for members, learners in ((THREE, ()), (THREE, ("n4",)), (FOUR, ())):
        settle(cluster, "n1", propose(cluster["n1"], members, learners))
    verdict = judge(cluster)
    assert verdict.validity is Validity.VALID, verdict
    assert verdict.measures["changes"] == 3
    assert committed_configurations(cluster.build().values()) == 3


def test_what_was_never_committed_does_not_count_as_a_change() -> None:
    cluster = led()
    propose(cluster["n1"], THREE)
    assert committed_configurations(cluster.build().values()) == 1


def test_two_voters_at_once_are_invalid() -> None:
    cluster = led()
    propose(cluster["n1"], ("n1", "n2"))
    assert violation(cluster) == "n1 changed more than one voter at once"


def test_a_change_before_the_last_is_committed_is_invalid() -> None:
    cluster = led()
    propose(cluster["n1"], THREE)
    propose(cluster["n1"], ("n1", "n2"))
    assert violation(cluster) == "n1 began a change before the last one was committed"


def test_a_change_before_the_leaders_own_term_has_committed_is_invalid() -> None:
    cluster = ClusterBuilder(FOUR).elect("n1", 1, ("n2", "n3"))
    propose(cluster["n1"], THREE)
    assert violation(cluster) == "n1 began a change before it committed an entry of its term"


def test_a_learners_vote_elects_nobody() -> None:
    cluster = led()
    settle(cluster, "n1", propose(cluster["n1"], THREE))
    settle(cluster, "n1", propose(cluster["n1"], THREE, ("n4",)))
    node, log = cluster["n2"], cluster["n1"].log
    node.configure(THREE, len(log), ("n4",))
    cluster.elect("n2", 2, ("n4",))
    assert violation(cluster) == "n2 leads term 2 without a majority of voters"
    cluster["n3"].enter(2).vote_for("n2").synced()
    assert judge(cluster).validity is Validity.VALID


def test_who_was_removed_does_not_lead() -> None:
    cluster = led()
    index = propose(cluster["n1"], THREE)
    settle(cluster, "n1", index)
    cluster["n4"].configure(THREE, index)
    cluster.elect("n4", 2, ("n2", "n3"))
    assert violation(cluster) == "n4 leads term 2 but is no voter"


def test_a_removed_leader_may_commit_its_removal_and_nothing_after_it() -> None:
    cluster = led()
    settle(cluster, "n1", propose(cluster["n1"], ("n2", "n3", "n4")))
    assert judge(cluster).validity is Validity.VALID
    cluster["n1"].append(entry(len(cluster["n1"].log) + 1, 1, op="7"))
    assert violation(cluster) == "n1 leads term 1 after its removal"


def test_without_traced_configurations_it_cannot_tell() -> None:
    cluster = ClusterBuilder()
    for node in cluster.nodes.values():
        node.events = [event for event in node.events if event.event != "configuration"]
    cluster.elect("n1", 1, ("n2",))
    assert judge(cluster).validity is Validity.UNKNOWN


def test_a_write_repeated_to_a_later_leader_stands_on_the_majority_of_its_own_term() -> None:
    """The voters have changed since, and the new ones have the entry in a snapshot alone."""
    cluster = ClusterBuilder(FOUR)
    for name in FOUR:
        cluster[name].configure(THREE, 0)
    cluster.elect("n1", 1, ("n2", "n3")).replicate("n1", ("n2",), op="563")
    index = len(cluster["n1"].log)
    for name in ("n2", "n3", "n4"):
        cluster[name].configure(("n2", "n3", "n4"), index)
    cluster.elect("n2", 2, ("n3", "n4"))
    cluster["n2"].acknowledge(index, "563")
    run = recording(traces=cluster.build(), nodes=FOUR)
    verdict = DurableBeforeAcknowledge().check(run)
    assert verdict.validity is Validity.VALID, verdict
    cluster["n2"].append(entry(index + 1, 2, op="564")).synced().acknowledge(index + 1, "564")
    verdict = DurableBeforeAcknowledge().check(recording(traces=cluster.build(), nodes=FOUR))
    assert verdict.validity is Validity.INVALID, "a write of its own term needs a majority of its own voters"
