"""The contract from both sides: what `node_impl` traces is what the invariants read.

Real nodes run in virtual time while they crash and messages are lost. Correct ones are valid by every
invariant, never merely unknown; with one rule broken, the invariant about that rule says so.
"""

from __future__ import annotations

import msgspec
import pytest

from checkers.raft import raft_checkers, raft_invariants
from checkers.verdict import Validity, Verdict
from history import NodeTrace, TraceEvent
from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import HardState, Recovered
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.replication import Replication
from node_impl.core.registry.sessions import Sessions
from node_impl.core.serving.client_writes import ClientWrites
from node_impl.core.serving.state_machine import StateMachine
from tests.checkers.builders import not_fine, recording
from tests.checkers.traces import NodeBuilder, entry
from tests.node_impl.chaos import run_membership_chaos
from tests.node_impl.cluster import CONFIG, SNAPSHOTS, Cluster, Faults, register

ROUGH = Faults(
    lost=30,
    repeated=30,
    delay_ns=(1 * MILLISECOND_NS, 20 * MILLISECOND_NS),
    fsync_ns=(1 * MILLISECOND_NS, 15 * MILLISECOND_NS),
    crash_between_effects=20,
)


class Mute:
    """In place of the cluster's own watch, which would end a broken run at once."""

    def check(self, *_: object) -> None:
        """A trace line."""

    def reached_disk(self, *_: object) -> None:
        """A record."""

    def wrote(self, *_: object) -> None:
        """A step's records."""


def run(
    seed: int, parts: Parts = DEFAULT_PARTS, config: NodeConfig = CONFIG, faults: Faults = ROUGH
) -> dict[str, NodeTrace]:
    cluster = Cluster(3 + 2 * (seed % 2), seed, faults=faults, parts=parts, config=config)
    cluster.invariants = Mute()  # type: ignore[assignment]
    random = cluster.random
    cluster.start()
    for _ in range(60):
        cluster.run(50 * MILLISECOND_NS)
        match random.below(16):
            case 0 if cluster.up:
                cluster.crash(random.choice(cluster.up))
            case 1:
                cluster.crash(*cluster.up)
                cluster.start()
            case 2 | 3:
                cluster.start()
            case 4:
                cluster.cut(random.sample(cluster.names, 1))
            case 5:
                cluster.heal()
        for _ in range(3):
            if cluster.up:
                cluster.ask(random.choice(cluster.up), register(random.below(5), random.below(1 << 30)))
    cluster.heal()
    cluster.start()
    cluster.run(2 * SECOND_NS)
    for name in cluster.up:
        cluster.ask(name, register(9))
    cluster.run(1 * SECOND_NS)
    return node_traces(cluster)


def node_traces(cluster: Cluster) -> dict[str, NodeTrace]:
    """As `read_trace` returns them."""
    events: dict[str, list[TraceEvent]] = {name: [] for name in cluster.names}
    for name, trace in cluster.traces:
        own = events[name]
        life = (own[-1].life if own else 0) + (trace.event == "restart")
        seq = own[-1].seq + 1 if own and own[-1].life == life else 1
        trace.seq, trace.at = seq, len(own)
        event = msgspec.json.decode(msgspec.json.encode(trace), type=TraceEvent)
        own.append(msgspec.structs.replace(event, node=name, life=life))
    return {name: NodeTrace(name, tuple(own)) for name, own in events.items()}


def judge(traces: dict[str, NodeTrace]) -> dict[str, Verdict]:
    run_ = recording(nodes=tuple(traces), traces=traces)
    return {checker.name: checker.check(run_) for checker in raft_checkers()}


@pytest.mark.parametrize("seed", range(12))
def test_correct_nodes_are_valid_by_every_invariant_through_crashes(seed: int) -> None:
    verdicts = judge(run(seed))
    assert not_fine(verdicts.values()) == {}
    assert verdicts["term-monotonic"].measures["restarts"] > 3
    assert verdicts["durable-before-acknowledge"].measures["acknowledged"] >= 3


@pytest.mark.parametrize("seed", range(12))
def test_correct_nodes_that_take_and_install_snapshots_are_valid_too(seed: int) -> None:
    verdicts = judge(run(seed, config=SNAPSHOTS))
    assert not_fine(verdicts.values()) == {}
    assert verdicts["snapshot-safety"].measures["indices"] > 3


@pytest.mark.parametrize("seed", range(12))
def test_correct_nodes_whose_membership_changes_are_valid_too(seed: int) -> None:
    cluster = run_membership_chaos(seed)
    verdicts = judge(node_traces(cluster))
    assert not_fine(verdicts.values()) == {}


def test_those_runs_install_snapshots() -> None:
    verdicts = [judge(run(seed, config=SNAPSHOTS))["snapshot-safety"] for seed in range(6)]
    assert sum(verdict.measures["installed"] for verdict in verdicts) > 6


class VotesTwice(Elections):
    def vote_is_free_for(self, candidate: str) -> bool:
        return True


class ForgetsTermAndVote(RaftState):
    def recover(self, recovered: Recovered) -> HardState:
        return HardState(0, None)


class DoesNotWaitForTheDisk(RaftState):
    def sync_barrier(self) -> int:
        return 0


class CommitsWithoutCounting(Replication):
    def commit_index_by_counting(self) -> int:
        return self._state.log.last_index


class SnapshotsDiffer(StateMachine):
    """Its state depends on which node it is."""

    def sessions_in_snapshot(self) -> bytes:
        sessions = Sessions(10)
        sessions.forgotten_up_to = int(self._raft.state.name[1:])
        return sessions.snapshot()


class AcknowledgesEarly(ClientWrites):
    def may_acknowledge(self, index: int) -> bool:
        return True


@pytest.mark.parametrize(
    ("parts", "checker"),
    [
        pytest.param(parts, checker, id=type_.__name__)
        for type_, parts, checker in (
            (VotesTwice, Parts(elections=VotesTwice), "one-vote-a-term"),
            (ForgetsTermAndVote, Parts(state=ForgetsTermAndVote), "term-monotonic"),
            (DoesNotWaitForTheDisk, Parts(state=DoesNotWaitForTheDisk), "durable-before-acknowledge"),
            (CommitsWithoutCounting, Parts(replication=CommitsWithoutCounting), "leader-completeness"),
            (AcknowledgesEarly, Parts(client_writes=AcknowledgesEarly), "durable-before-acknowledge"),
        )
    ],
)
def test_a_node_with_one_rule_broken_is_caught_by_the_invariant_about_it(parts: Parts, checker: str) -> None:
    verdicts = (judge(run(seed, parts))[checker] for seed in range(20))
    assert any(verdict.validity is Validity.INVALID for verdict in verdicts)


def test_states_that_differ_are_caught_by_their_digests() -> None:
    verdict = judge(run(0, Parts(state_machine=SnapshotsDiffer), SNAPSHOTS))["snapshot-safety"]
    assert verdict.validity is Validity.INVALID


def with_snapshot_installed(
    last: int, digest: str = "d", what: str = "", *, taken: bool = True, missing: tuple[str, ...] = ()
) -> dict[str, Verdict]:
    """n2, which holds three entries, installs n1's snapshot up to index 2, and then ends at `last`."""
    one, two, three = entry(1, 1), entry(2, 1, what), entry(3, 1)
    n1, n2 = NodeBuilder("n1"), NodeBuilder("n2")
    n1.restart().enter(1).vote_for("n1").synced().lead().append(entry(1, 1), entry(2, 1), three)
    n1.synced().commit_to(3).apply_to(3)
    if taken:
        n1.trace("snapshot", index=2, entries=(entry(2, 1),), digest="d")
    n2.restart().enter(1).append(one, entry(2, 1), three).synced()
    n2.log, n2.commit, n2.applied = n2.log[:last], 2, 2
    n2.trace("snapshot", index=2, entries=(two,), digest=digest, peer="n1")
    traces = {name: node.build() for name, node in (("n1", n1), ("n2", n2))}
    run_ = recording(nodes=(*traces, *missing), traces=traces)
    return {checker.name: checker.check(run_) for checker in raft_invariants()}


def test_a_snapshot_installed_as_it_should_be_is_accepted() -> None:
    verdicts = with_snapshot_installed(last=3)
    assert not [name for name, verdict in verdicts.items() if verdict.validity is Validity.INVALID]


def test_discarding_what_follows_an_installed_snapshot_is_caught() -> None:
    verdict = with_snapshot_installed(last=2)["committed-never-truncated"]
    assert verdict.validity is Validity.INVALID


def test_a_snapshot_of_another_state_is_caught() -> None:
    verdict = with_snapshot_installed(last=3, digest="e")["snapshot-safety"]
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].title.endswith("have different states at index 2")


@pytest.mark.parametrize("missing", [(), ("n3",)])
def test_a_snapshot_that_nobody_took_is_caught_unless_one_that_is_not_traced_may_have(
    missing: tuple[str, ...],
) -> None:
    verdict = with_snapshot_installed(last=3, taken=False, missing=missing)["snapshot-safety"]
    assert verdict.validity is (Validity.UNKNOWN if missing else Validity.INVALID)
    assert any("no node took" in found.text for found in verdict.evidence)


def test_a_snapshot_of_an_entry_that_was_not_committed_is_caught() -> None:
    verdict = with_snapshot_installed(last=3, what="x")["snapshot-safety"]
    assert verdict.validity is Validity.INVALID
