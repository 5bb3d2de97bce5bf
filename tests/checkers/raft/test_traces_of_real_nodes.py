"""The contract from both sides: what `node_impl` traces is what the invariants read.

Real nodes run in virtual time while they crash and messages are lost. Correct ones are valid by every
invariant, never merely unknown; with one rule broken, the invariant about that rule says so.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from checkers.raft import raft_checkers
from checkers.verdict import Validity, Verdict
from harness.history import NodeTrace, TraceEvent
from node_impl.build import DEFAULT_PARTS, Parts
from node_impl.events import HardState, Recovered
from node_impl.node import Node
from node_impl.raft.core import Raft
from tests.checkers.builders import recording
from tests.node_impl.cluster import MS, SECOND, Cluster, Faults, register

ROUGH = Faults(
    lost=30, repeated=30, delay_ns=(1 * MS, 20 * MS), fsync_ns=(1 * MS, 15 * MS), crash_between_effects=20
)


class Mute:
    """In place of the cluster's own watch, which would end a broken run at once."""

    def check(self, *_: object) -> None:
        """A trace line."""

    def reached_disk(self, *_: object) -> None:
        """A record."""


def run(seed: int, parts: Parts = DEFAULT_PARTS) -> dict[str, NodeTrace]:
    cluster = Cluster(3 + 2 * (seed % 2), seed, faults=ROUGH, parts=parts)
    cluster.invariants = Mute()  # type: ignore[assignment]
    random = cluster.random
    cluster.start()
    for _ in range(60):
        cluster.run(50 * MS)
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
    cluster.run(2 * SECOND)
    for name in cluster.up:
        cluster.ask(name, register(9))
    cluster.run(1 * SECOND)
    return node_traces(cluster)


def node_traces(cluster: Cluster) -> dict[str, NodeTrace]:
    """As `read_trace` returns them."""
    events: dict[str, list[TraceEvent]] = {name: [] for name in cluster.names}
    for name, trace in cluster.traces:
        own = events[name]
        life = (own[-1].life if own else 0) + (trace.event == "restart")
        seq = own[-1].seq + 1 if own and own[-1].life == life else 1
        line: dict[str, Any] = {
            "seq": seq,
            "at": len(own),
            **{
                field: getattr(trace, field)
                for field in ("event", "term", "role", "commit", "applied", "last")
            },
            **{field: value for field, value in trace.fields.items() if value not in (None, ())},
        }
        event = msgspec.json.decode(msgspec.json.encode(line), type=TraceEvent)
        own.append(msgspec.structs.replace(event, node=name, life=life))
    return {name: NodeTrace(name, tuple(own)) for name, own in events.items()}


def judge(traces: dict[str, NodeTrace]) -> dict[str, Verdict]:
    run_ = recording(nodes=tuple(traces), traces=traces)
    return {checker.name: checker.check(run_) for checker in raft_checkers()}


@pytest.mark.parametrize("seed", range(12))
def test_correct_nodes_are_valid_by_every_invariant_through_crashes(seed: int) -> None:
    verdicts = judge(run(seed))
    assert {name: v.summary for name, v in verdicts.items() if v.validity is not Validity.VALID} == {}
    assert verdicts["term-monotonic"].measures["restarts"] > 3
    assert verdicts["durable-before-acknowledge"].measures["acknowledged"] >= 3


class VotesTwice(Raft):
    def vote_is_free_for(self, candidate: str) -> bool:
        return True


class ForgetsTermAndVote(Raft):
    def recover(self, recovered: Recovered) -> HardState:
        return HardState(0, None)


class DoesNotWaitForTheDisk(Raft):
    def sync_barrier(self) -> int:
        return 0


class CommitsWithoutCounting(Raft):
    def commit_index_by_counting(self) -> int:
        return self.log.last_index


class AcknowledgesEarly(Node):
    def may_acknowledge(self, index: int) -> bool:
        return True


@pytest.mark.parametrize(
    ("parts", "checker"),
    [
        pytest.param(parts, checker, id=type_.__name__)
        for type_, parts, checker in (
            (VotesTwice, Parts(core=VotesTwice), "one-vote-a-term"),
            (ForgetsTermAndVote, Parts(core=ForgetsTermAndVote), "term-monotonic"),
            (DoesNotWaitForTheDisk, Parts(core=DoesNotWaitForTheDisk), "durable-before-acknowledge"),
            (CommitsWithoutCounting, Parts(core=CommitsWithoutCounting), "leader-completeness"),
            (AcknowledgesEarly, Parts(node=AcknowledgesEarly), "durable-before-acknowledge"),
        )
    ],
)
def test_a_node_with_one_rule_broken_is_caught_by_the_invariant_about_it(parts: Parts, checker: str) -> None:
    verdicts = (judge(run(seed, parts))[checker] for seed in range(20))
    assert any(verdict.validity is Validity.INVALID for verdict in verdicts)
