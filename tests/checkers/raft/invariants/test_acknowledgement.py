"""Whose copies stand behind an acknowledgement, where one write is in two entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.raft.invariants.acknowledgement import DurableBeforeAcknowledge
from checkers.verdict import Validity
from harness.sim.judging import judge
from harness.sim.plan.swarm import plan_of
from tests.checkers.builders import recording
from tests.checkers.traces import ClusterBuilder, entry

OP = "563"


def asked_again(*, replicated: bool) -> ClusterBuilder:
    """n1 led and has a write in its log alone; n2 leads next, and is asked for the same write by n1."""
    cluster = ClusterBuilder().elect("n1", 1, ("n2", "n3"))
    index = len(cluster["n1"].log) + 1
    cluster["n1"].append(entry(index, 1, op=OP)).synced()
    cluster.elect("n2", 2, ("n3",))
    cluster["n2"].send(cluster["n1"])
    cluster["n1"].enter(2).send(cluster["n2"], "Forward")
    assert len(cluster["n2"].log) == index - 1, "its no-op took the place of n1's"
    cluster["n2"].append(entry(index, 2, op=OP)).synced()
    if replicated:
        cluster.catch_up("n2", "n3")
        cluster["n2"].commit_to(index)
    cluster["n2"].send(cluster["n1"], "ForwardReply")
    cluster["n1"].acknowledge(index, OP)
    return cluster


@pytest.mark.parametrize("replicated", [True, False])
def test_a_deposed_leader_may_tell_of_a_write_that_its_successor_put_at_the_same_index(
    replicated: bool,
) -> None:
    verdict = DurableBeforeAcknowledge().check(recording(traces=asked_again(replicated=replicated).build()))
    assert verdict.validity is (Validity.VALID if replicated else Validity.INVALID), verdict


def test_a_sound_run_in_which_that_happened_is_not_called_wrong(tmp_path: Path) -> None:
    """One of some three thousand seeds."""
    assert judge(plan_of(3301), tmp_path).invalid == ()


def test_a_copy_that_a_restart_may_have_lost_makes_it_unknown() -> None:
    """n2 acknowledges what is on its own disk, and perhaps on n1's, which does not say what it recovered."""
    cluster = ClusterBuilder().elect("n1", 1, ("n2", "n3")).replicate("n1", ("n2", "n3"))
    old = [entry(index, 1, f"old {index}") for index in (3, 4)]
    cluster["n1"].append(*old).synced()
    cluster.elect("n2", 2, ("n3",))
    leader, follower = cluster["n2"], cluster["n1"]
    leader.append(entry(4, 2, op=OP)).synced().send(follower)
    follower.enter(2).truncate(3).append(*leader.log[2:])
    follower.restart(term=1, vote="n1", log=[*follower.log[:2], *old])
    leader.commit_to(4).acknowledge(4, OP)
    verdict = DurableBeforeAcknowledge().check(recording(traces=cluster.build()))
    assert verdict.validity is Validity.UNKNOWN, verdict
    assert "For n1 it is not known" in verdict.summary


@pytest.mark.parametrize("missing", [None, "n3"])
def test_what_is_in_no_log_may_be_in_one_that_is_missing(missing: str | None) -> None:
    cluster = ClusterBuilder().elect("n1", 1, ("n2", "n3")).replicate("n1", ("n2", "n3"))
    cluster["n1"].acknowledge(9, "900")
    traces = {name: trace for name, trace in cluster.build().items() if name != missing}
    verdict = DurableBeforeAcknowledge().check(recording(nodes=tuple(cluster.nodes), traces=traces))
    assert verdict.validity is (Validity.INVALID if missing is None else Validity.UNKNOWN), verdict
    assert any("no node ever had it in its log" in found.text for found in verdict.evidence)
