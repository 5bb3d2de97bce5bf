"""Each invariant accepts a correct cluster, rejects its own violation, is unknown if it cannot tell."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from checkers.raft import raft_invariants
from checkers.verdict import Mark, Unjudged, Validity, Verdict
from history import NodeTrace
from tests.checkers.builders import not_fine, recording
from tests.checkers.traces import ClusterBuilder, entry, healthy_cluster

NAMES = tuple(checker.name for checker in raft_invariants())


def judge(traces: ClusterBuilder | dict[str, NodeTrace]) -> dict[str, Verdict]:
    built = traces.build() if isinstance(traces, ClusterBuilder) else traces
    run = recording(traces=built)
    return {checker.name: checker.check(run) for checker in raft_invariants()}


def invalid(traces: ClusterBuilder | dict[str, NodeTrace]) -> set[str]:
    return {name for name, verdict in judge(traces).items() if verdict.validity is Validity.INVALID}


def test_a_correct_cluster_is_valid_by_every_invariant() -> None:
    assert not_fine(judge(healthy_cluster()).values()) == {}


@pytest.mark.parametrize("name", NAMES)
def test_without_any_trace_nothing_is_known(name: str) -> None:
    assert judge({})[name].validity is Validity.UNKNOWN


@pytest.mark.parametrize("missing", ["n1", "n2", "n3"])
def test_a_node_without_trace_makes_every_verdict_unknown(missing: str) -> None:
    traces = healthy_cluster().build()
    del traces[missing]
    for verdict in judge(traces).values():
        assert verdict.validity is Validity.UNKNOWN, verdict
        assert any(missing in item.text for item in verdict.evidence)


@pytest.mark.parametrize("damaged", ["n1", "n2", "n3"])
def test_a_gap_makes_every_verdict_unknown(damaged: str) -> None:
    cluster = healthy_cluster()
    cluster[damaged].gaps.append(f"{damaged}: 0001.jsonl, line 7: seq 9 follows 6")
    for verdict in judge(cluster).values():
        assert verdict.validity is Validity.UNKNOWN, verdict


@pytest.mark.parametrize("damaged", ["n1", "n2", "n3"])
@pytest.mark.parametrize("keep", range(0, 40, 3))
def test_a_trace_cut_anywhere_never_makes_a_correct_cluster_invalid(damaged: str, keep: int) -> None:
    """Whatever a damaged trace hides, what is left of a correct cluster shows no violation."""
    traces = healthy_cluster().build()
    whole = traces[damaged]
    first_life = [event for event in whole.events if event.life == 1][:keep]
    later = [event for event in whole.events if event.life > 1]
    traces[damaged] = NodeTrace(damaged, (*first_life, *later), (f"{damaged}: cut",))
    verdicts = judge(traces)
    assert {verdict.validity for verdict in verdicts.values()} == {Validity.UNKNOWN}, verdicts


@pytest.mark.parametrize("name", NAMES)
def test_no_invariant_was_exercised_by_an_idle_cluster(name: str) -> None:
    assert judge(ClusterBuilder())[name].mark is Unjudged.NOT_EXERCISED


def test_a_violation_is_invalid_even_if_another_trace_has_a_gap() -> None:
    cluster = healthy_cluster()
    cluster["n3"].enter(2).lead()
    cluster["n1"].gaps.append("n1: 0001.jsonl, line 7: damaged")
    assert judge(cluster)["election-safety"].validity is Validity.INVALID


def two_leaders_in_a_term(cluster: ClusterBuilder) -> None:
    cluster["n3"].lead()


def the_same_leader_twice_in_a_term(cluster: ClusterBuilder) -> None:
    cluster["n2"].restart().lead()


def a_leader_truncates(cluster: ClusterBuilder) -> None:
    leader = cluster["n2"]
    leader.append(entry(len(leader.log) + 1, 2)).truncate(len(leader.log))


def another_command_at_the_same_index_and_term(cluster: ClusterBuilder) -> None:
    index = len(cluster["n2"].log) + 1
    cluster["n2"].append(entry(index, 2, "a"))
    cluster["n3"].append(entry(index, 2, "b"))


def the_same_entry_upon_different_ones(cluster: ClusterBuilder) -> None:
    index = len(cluster["n2"].log) + 1
    cluster["n2"].append(entry(index, 2, "a"), entry(index + 1, 3))
    cluster["n3"].append(entry(index, 3, "b"), entry(index + 1, 3))


def a_leader_without_a_committed_entry(cluster: ClusterBuilder) -> None:
    cluster.replicate("n2", ("n1",), op="777")
    cluster["n3"].enter(3).vote_for("n3").synced().lead()


def a_committed_entry_is_truncated_by_who_knows(cluster: ClusterBuilder) -> None:
    cluster["n1"].truncate(cluster["n1"].commit)


def a_committed_entry_was_to_be_truncated(cluster: ClusterBuilder) -> None:
    cluster["n1"].refuse("n2", index=cluster["n1"].commit)


def a_committed_entry_is_truncated_by_who_does_not_know(cluster: ClusterBuilder) -> None:
    leader, follower = cluster["n2"], cluster["n3"]
    index = len(leader.log) + 1
    leader.append(entry(index, 2, op="778")).synced()
    cluster.catch_up("n2", "n3").catch_up("n2", "n1")
    leader.commit_to(index).apply_to(index)
    follower.enter(3).truncate(index)


def different_commands_applied(cluster: ClusterBuilder) -> None:
    for name, what in (("n2", "a"), ("n3", "b")):
        node = cluster[name]
        index = len(node.log) + 1
        node.append(entry(index, 2, what)).commit_to(index).apply_to(index)


def an_entry_applied_twice(cluster: ClusterBuilder) -> None:
    node = cluster["n3"]
    node.apply_to(node.applied, (node.log[-1],))


def an_entry_skipped(cluster: ClusterBuilder) -> None:
    node = cluster["n3"]
    index = len(node.log) + 1
    node.append(entry(index, 2), entry(index + 1, 2)).commit_to(index + 1).apply_to(
        index + 1, (entry(index + 1, 2),)
    )


def two_votes_in_a_life(cluster: ClusterBuilder) -> None:
    cluster["n3"].enter(3).vote_for("n1").vote_for("n2")


def two_votes_across_a_restart(cluster: ClusterBuilder) -> None:
    voter = cluster["n3"].enter(3).vote_for("n1").synced()
    voter.send(cluster["n1"], "RequestVoteReply").restart(vote=None).vote_for("n2")


def a_vote_told_before_the_disk_had_it_and_given_again(cluster: ClusterBuilder) -> None:
    voter = cluster["n3"].enter(3).vote_for("n1")
    voter.send(cluster["n1"], "RequestVoteReply").restart(vote=None).vote_for("n2")


def a_vote_forgotten(cluster: ClusterBuilder) -> None:
    cluster["n3"].enter(3).vote_for("n1").synced().restart(vote=None)


def a_term_forgotten(cluster: ClusterBuilder) -> None:
    cluster["n3"].synced().synced().restart(term=0, vote=None)


def a_term_told_and_forgotten(cluster: ClusterBuilder) -> None:
    voter = cluster["n3"].enter(3)
    voter.send(cluster["n1"], "AppendEntriesReply").restart(term=2)


def a_term_goes_back_in_a_life(cluster: ClusterBuilder) -> None:
    cluster["n3"].enter(1)


def a_commit_goes_back_in_a_life(cluster: ClusterBuilder) -> None:
    cluster["n3"].commit_to(cluster["n3"].commit - 1)


def applied_before_committed(cluster: ClusterBuilder) -> None:
    node = cluster["n3"]
    node.append(entry(len(node.log) + 1, 2)).apply_to(len(node.log))


def a_durable_log_is_lost(cluster: ClusterBuilder) -> None:
    node = cluster["n3"].synced()
    node.restart(log=node.log[:-1])


def acknowledged_by_the_leader_alone(cluster: ClusterBuilder) -> None:
    leader = cluster["n2"]
    index = len(leader.log) + 1
    leader.append(entry(index, 2, op="779")).synced().commit_to(index).acknowledge(index, "779")


def acknowledged_before_the_followers_answer(cluster: ClusterBuilder) -> None:
    acknowledged_by_the_leader_alone(cluster)
    cluster.catch_up("n2", "n3").catch_up("n2", "n1")


def acknowledged_while_a_follower_had_it_in_memory_only(cluster: ClusterBuilder) -> None:
    """n3 answers without waiting for its disk and is killed; n1 is cut off: only n2's disk has it."""
    leader, follower = cluster["n2"], cluster["n3"]
    index = len(leader.log) + 1
    put = entry(index, 2, op="780")
    leader.append(put).synced().send(follower)
    follower.append(put).send(leader, "AppendEntriesReply")
    leader.commit_to(index).acknowledge(index, "780")
    follower.restart(log=follower.log[:-1])


def acknowledged_before_the_disk_by_order_of_messages(cluster: ClusterBuilder) -> None:
    leader, follower = cluster["n2"], cluster["n3"]
    index = len(leader.log) + 1
    put = entry(index, 2, op="781")
    leader.append(put).synced().send(follower)
    follower.append(put).send(leader, "AppendEntriesReply")
    leader.commit_to(index).acknowledge(index, "781").send(follower)
    follower.synced()


def acknowledged_before_the_leaders_own_disk(cluster: ClusterBuilder) -> None:
    leader = cluster["n2"]
    index = len(leader.log) + 1
    leader.append(entry(index, 2, op="782"))
    cluster.catch_up("n2", "n3")
    leader.commit_to(index).acknowledge(index, "782").synced()


def acknowledged_what_no_log_holds(cluster: ClusterBuilder) -> None:
    cluster["n2"].acknowledge(99, "783")


CASES: list[tuple[Callable[[ClusterBuilder], None], str, str]] = [
    (two_leaders_in_a_term, "election-safety", "both led term 2"),
    (the_same_leader_twice_in_a_term, "election-safety", "elected twice in term 2"),
    (a_leader_truncates, "leader-append-only", "n2 truncated its log as the leader"),
    (another_command_at_the_same_index_and_term, "log-matching", "have different entries at index"),
    (the_same_entry_upon_different_ones, "log-matching", "differ below index"),
    (a_leader_without_a_committed_entry, "leader-completeness", "the leader of term 3, lacks"),
    (a_committed_entry_is_truncated_by_who_knows, "committed-never-truncated", "n1 truncated"),
    (a_committed_entry_was_to_be_truncated, "committed-never-truncated", "n1 was to truncate"),
    (a_committed_entry_is_truncated_by_who_does_not_know, "committed-never-truncated", "n3 truncated"),
    (different_commands_applied, "state-machine-safety", "applied different entries"),
    (an_entry_applied_twice, "state-machine-safety", "out of order"),
    (an_entry_skipped, "state-machine-safety", "out of order"),
    (two_votes_in_a_life, "one-vote-a-term", "n3 voted twice in term 3"),
    (two_votes_across_a_restart, "one-vote-a-term", "n3 voted twice in term 3"),
    (a_vote_told_before_the_disk_had_it_and_given_again, "one-vote-a-term", "n3 voted twice in term 3"),
    (a_vote_forgotten, "one-vote-a-term", "n3 forgot its vote"),
    (a_term_forgotten, "term-monotonic", "n3 lost term 2"),
    (a_term_told_and_forgotten, "term-monotonic", "n3 forgot term 3"),
    (a_term_goes_back_in_a_life, "term-monotonic", "went back"),
    (a_commit_goes_back_in_a_life, "commit-monotonic", "commitIndex went back"),
    (applied_before_committed, "commit-monotonic", "applied an entry that is not committed"),
    (a_durable_log_is_lost, "durable-log", "n3 lost its durable log"),
    (acknowledged_by_the_leader_alone, "durable-before-acknowledge", "before a majority"),
    (acknowledged_before_the_followers_answer, "durable-before-acknowledge", "before a majority"),
    (acknowledged_while_a_follower_had_it_in_memory_only, "durable-before-acknowledge", "before a majority"),
    (acknowledged_before_the_disk_by_order_of_messages, "durable-before-acknowledge", "before a majority"),
    (acknowledged_before_the_leaders_own_disk, "durable-before-acknowledge", "before a majority"),
    (acknowledged_what_no_log_holds, "durable-before-acknowledge", "in no log"),
]


@pytest.mark.parametrize(
    ("break_it", "checker", "title"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_each_invariant_rejects_its_violation_and_points_at_it(
    break_it: Callable[[ClusterBuilder], None], checker: str, title: str
) -> None:
    cluster = healthy_cluster()
    break_it(cluster)
    verdict = judge(cluster)[checker]
    assert verdict.validity is Validity.INVALID, verdict
    found = next(item for item in verdict.evidence if title in item.title)
    traced = {(e.node, e.life, e.seq) for trace in cluster.build().values() for e in trace.events}
    assert found.events
    assert {(e.node, e.life, e.seq) for e in found.events} <= traced


def test_evidence_names_the_clients_operation() -> None:
    cluster = healthy_cluster()
    acknowledged_by_the_leader_alone(cluster)
    found = judge(cluster)["durable-before-acknowledge"].evidence[0]
    assert found.operations == (779,)
    assert "operation 779 (index 9, term 2)" in found.text
    assert "on the disk of n2: 1 of 3 nodes; a majority is 2" in found.text


# ---- what is legal, and easily taken for a violation ---------------------------------------------------


def test_a_vote_that_nobody_saw_may_be_forgotten_with_its_term() -> None:
    cluster = healthy_cluster()
    voter = cluster["n3"].synced().enter(3).vote_for("n1")
    voter.send(cluster["n1"], "RequestVoteReply", received=False)
    voter.restart(term=2, vote="n2").enter(3).vote_for("n2")
    assert invalid(cluster) == set()


def test_a_sync_of_the_vote_before_does_not_bind_the_vote_in_flight() -> None:
    """n1 stands twice; `synced` tells of its first candidacy while it is already in the second term."""
    cluster = healthy_cluster()
    candidate = cluster["n1"].synced().enter(3).vote_for("n1").enter(4).vote_for("n1").synced(vote="n1")
    candidate.restart(term=3, vote="n1").enter(4).vote_for("n2")
    assert invalid(cluster) == set()


def test_an_unsynced_suffix_may_be_lost() -> None:
    cluster = healthy_cluster()
    leader, node = cluster["n2"], cluster["n3"].synced()
    kept = list(node.log)
    put = entry(len(kept) + 1, 2, op="787")
    leader.append(put).synced().send(node)
    node.append(put).restart(log=kept)
    cluster.replicate("n2", ("n1", "n3"))
    assert not_fine(judge(cluster).values()) == {}


def figure_8_like_truncation(*, name_the_last: bool) -> ClusterBuilder:
    """n1 is killed between truncating and its disk knowing of it: the old suffix comes back."""
    cluster = ClusterBuilder()
    cluster.elect("n1", 1, ("n2",))
    cluster.catch_up("n1", "n2").catch_up("n1", "n3")
    old = entry(2, 1, "old", op="42")
    cluster["n1"].append(old).synced()
    cluster.elect("n2", 2, ("n3",))
    cluster.replicate("n2", ("n3",))
    follower = cluster["n1"]
    chief = cluster["n2"]
    chief.send(follower)
    follower.enter(2).truncate(2).append(*chief.log[1:])
    recovered = [follower.log[0], old]
    extra = {"entries": (old,)} if name_the_last else {}
    follower.restart(term=1, vote="n1", log=recovered, **extra)
    cluster.catch_up("n2", "n1")
    cluster.replicate("n2", ("n1", "n3"))
    return cluster


def test_an_unsynced_truncation_may_be_undone_by_a_kill() -> None:
    """Which of two entries came back is not known, so it is no violation, and not called valid blindly."""
    verdicts = judge(figure_8_like_truncation(name_the_last=False))
    assert Validity.INVALID not in {verdict.validity for verdict in verdicts.values()}
    assert verdicts["committed-never-truncated"].validity is Validity.UNKNOWN


def test_a_restart_that_names_its_last_entry_leaves_no_doubt() -> None:
    verdicts = judge(figure_8_like_truncation(name_the_last=True))
    assert not_fine(verdicts.values()) == {}


def test_an_entry_truncated_before_it_was_committed_elsewhere_is_no_violation() -> None:
    """Figure 8: what one node had removed is committed later, by a leader of a later term."""
    cluster = ClusterBuilder()
    cluster.elect("n1", 1, ("n2",))
    cluster.catch_up("n1", "n2").catch_up("n1", "n3")
    two = entry(2, 1, op="42")
    for name in ("n1", "n2"):
        cluster[name].append(two).synced()
    other = entry(2, 2, "other", op="43")
    cluster["n3"].enter(2).vote_for("n3").synced().lead().append(other).synced()
    cluster["n2"].enter(2).truncate(2).append(other).synced()
    cluster["n1"].enter(3).vote_for("n1").synced().lead().append(entry(3, 3, "noop")).synced()
    cluster.catch_up("n1", "n2").catch_up("n1", "n3")
    cluster["n1"].commit_to(3)
    assert "committed-never-truncated" not in invalid(cluster)
    assert "log-matching" not in invalid(cluster)


def test_a_majority_of_followers_suffices_without_the_leaders_own_disk() -> None:
    cluster = healthy_cluster()
    leader = cluster["n2"]
    index = len(leader.log) + 1
    leader.append(entry(index, 2, op="784"))
    cluster.catch_up("n2", "n3").catch_up("n2", "n1")
    leader.commit_to(index).acknowledge(index, "784").synced()
    assert judge(cluster)["durable-before-acknowledge"].validity is Validity.VALID


def test_a_follower_may_acknowledge_what_its_leader_told_it() -> None:
    cluster = healthy_cluster()
    cluster.replicate("n2", ("n1",), op="785")
    index = len(cluster["n2"].log)
    cluster["n2"].send(cluster["n3"], "ForwardReply")
    cluster["n3"].acknowledge(index, "785")
    assert judge(cluster)["durable-before-acknowledge"].validity is Validity.VALID


def test_a_follower_that_was_told_nothing_may_not_acknowledge() -> None:
    cluster = healthy_cluster()
    leader = cluster["n2"]
    index = len(leader.log) + 1
    cluster["n2"].append(entry(index, 2, op="786")).synced()
    cluster["n3"].acknowledge(index, "786")
    cluster.catch_up("n2", "n3").catch_up("n2", "n1")
    assert judge(cluster)["durable-before-acknowledge"].validity is Validity.INVALID


def test_a_commit_index_may_begin_anew_in_a_new_life() -> None:
    cluster = healthy_cluster()
    cluster["n3"].restart()
    cluster["n3"].commit_to(1)
    assert invalid(cluster) == set()


def test_a_trace_that_contradicts_itself_is_as_bad_as_a_gap() -> None:
    cluster = healthy_cluster()
    cluster["n3"].trace("synced", index=3, last=99)
    verdicts = judge(cluster)
    assert {verdict.validity for verdict in verdicts.values()} == {Validity.UNKNOWN}


def test_a_receive_of_a_message_nobody_sent_stops_nothing() -> None:
    cluster = healthy_cluster()
    cluster["n1"].trace("receive", peer="n9", message="AppendEntries", message_id="n9:1:1")
    assert judge(cluster)["durable-before-acknowledge"].validity is Validity.VALID


def test_crossed_messages_do_not_hang_the_ordering() -> None:
    traces = healthy_cluster().build()
    for name, trace in traces.items():
        traces[name] = msgspec.structs.replace(trace, events=tuple(reversed(trace.events)))
    assert all(verdict.validity is not Validity.VALID for verdict in judge(traces).values())


def test_an_acknowledged_entry_that_a_later_leader_lacks_is_caught_though_nobody_committed_it() -> None:
    cluster = ClusterBuilder()
    cluster.elect("n1", 1, ("n2",))
    cluster["n1"].append(entry(2, 1, op="7")).synced().acknowledge(2, "7")
    cluster.elect("n2", 2, ("n3",))
    verdict = judge(cluster)["leader-completeness"]
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].operations == (7,)


@pytest.mark.parametrize(("digest", "mark"), [("d", Unjudged.NOT_EXERCISED), ("e", Validity.INVALID)])
def test_replicas_that_end_at_one_index_must_have_one_state(digest: str, mark: Mark) -> None:
    """Equal final states are no snapshot: they show no violation, and exercise nothing."""
    cluster = healthy_cluster()
    index = cluster["n1"].applied
    cluster["n1"].trace("stop", index=index, digest="d")
    cluster["n2"].trace("stop", index=index + 1, digest="x")
    cluster["n3"].trace("stop", index=index, digest=digest)
    verdict = judge(cluster)["snapshot-safety"]
    assert verdict.mark is mark
    assert verdict.measures["final_states"] == 3
