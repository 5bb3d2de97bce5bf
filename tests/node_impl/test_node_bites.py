"""The proof that `test_node_chaos.py` bites: with one rule broken, the property that it keeps is seen to fail.

Each mutant overrides one small named method; the weather is rougher where its bug needs that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from node_impl.build import Parts
from node_impl.config import NodeConfig
from node_impl.events import HardState, Recovered, TimerFired
from node_impl.node import Node
from node_impl.raft.core import Raft
from node_impl.raft.messages import AppendEntries, RequestVote
from tests.node_impl.chaos import ROUGH, run_chaos
from tests.node_impl.cluster import SECOND
from tests.node_impl.invariants import Violation

SEEDS = 60


class VotesTwice(Raft):
    def vote_is_free_for(self, candidate: str) -> bool:
        return True


class VotesForShorterLogs(Raft):
    def candidate_log_is_up_to_date(self, request: RequestVote) -> bool:
        return True


class ForgetsTermAndVote(Raft):
    def recover(self, recovered: Recovered) -> HardState:
        return HardState(0, None)


class DoesNotWaitForTheDisk(Raft):
    def sync_barrier(self) -> int:
        return 0


class CommitsAlone(Raft):
    def is_majority(self, count: int) -> bool:
        return True


class CommitsWithoutCounting(Raft):
    def commit_index_by_counting(self) -> int:
        return self.log.last_index


class TruncatesOnAnyMatch(Raft):
    def truncation_point(self, request: AppendEntries) -> int | None:
        point = request.prev_log_index + 1
        is_inside = self.previous_entry_matches(request) and point <= self.log.last_index
        return point if is_inside else None


class SkipsTheConsistencyCheck(Raft):
    def previous_entry_matches(self, request: AppendEntries) -> bool:
        return request.prev_log_index <= self.log.last_index


class ServesReadsUnconfirmed(Raft):
    def leadership_is_confirmed(self) -> bool:
        return True


class AcknowledgesEarly(Node):
    def may_acknowledge(self, index: int) -> bool:
        return True


class ServesReadsUnapplied(Node):
    def may_serve_read(self, read_index: int) -> bool:
        return True


@pytest.mark.parametrize(
    ("parts", "rules"),
    [
        (Parts(core=VotesTwice), {"election safety", "one vote a term"}),
        (Parts(core=VotesForShorterLogs), {"leader completeness", "committed entries stay"}),
        (Parts(core=ForgetsTermAndVote), {"terms never fall"}),
        (Parts(core=DoesNotWaitForTheDisk), {"leader completeness", "committed entries stay"}),
        (Parts(core=CommitsAlone), {"election safety", "committed entries stay", "leader completeness"}),
        (Parts(core=CommitsWithoutCounting), {"committed entries stay", "leader completeness"}),
        (Parts(core=TruncatesOnAnyMatch), {"committed entries stay"}),
        (Parts(core=SkipsTheConsistencyCheck), {"log matching", "committed entries stay"}),
        (Parts(core=ServesReadsUnconfirmed), {"linearizability"}),
        (Parts(node=AcknowledgesEarly), {"acknowledged writes stay", "linearizability"}),
        (Parts(node=ServesReadsUnapplied), {"linearizability"}),
    ],
    ids=lambda value: value.core.__name__ + value.node.__name__ if isinstance(value, Parts) else "",
)
def test_a_broken_rule_is_seen(parts: Parts, rules: set[str]) -> None:
    for seed in range(SEEDS):
        try:
            run_chaos(seed, size=3 + 2 * (seed % 2), parts=parts, restart_all=True)
        except Violation as violation:
            print(seed, violation)
            assert violation.rule in rules, violation
            return
    pytest.fail(f"not seen in {SEEDS} seeds")
