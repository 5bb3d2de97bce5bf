"""The proof that `test_node_chaos.py` bites: with one rule broken, a property is seen to fail.

Each mutant overrides one small named method.
"""

from __future__ import annotations

import pytest

from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import HardState, Recovered, Request
from node_impl.core.node import Node
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import AppendEntries, RequestVote
from node_impl.core.registry.sessions import Sessions
from tests.node_impl.chaos import run_chaos
from tests.node_impl.cluster import CONFIG, SNAPSHOTS
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


class IsAMajorityAlone(Raft):
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


class AcknowledgesEarly(Node):
    def may_acknowledge(self, index: int) -> bool:
        return True


class ServesReadsUnapplied(Node):
    def may_serve_read(self, read_index: int) -> bool:
        return True


class AppliesCopies(Sessions):
    def is_repeated(self, last_sequence: int, sequence: int) -> bool:
        return False

    def is_passed(self, last_sequence: int, sequence: int) -> bool:
        return False


class RepeatsAnyWrite(Node):
    def may_repeat(self, request: Request) -> bool:
        return True


class InstallsOldSnapshots(Raft):
    def is_news(self, index: int) -> bool:
        return index > self.log.base_index


class ForgetsSessions(Node):
    def sessions_in_snapshot(self) -> bytes:
        return Sessions(1).snapshot()


LOST = {"leader completeness", "committed entries stay"}


@pytest.mark.parametrize(
    ("parts", "rules"),
    [
        pytest.param(parts, rules, id=id_)
        for id_, parts, rules in (
            ("votes twice", Parts(core=VotesTwice), {"election safety", "one vote a term"}),
            ("votes for shorter logs", Parts(core=VotesForShorterLogs), LOST),
            ("forgets term and vote", Parts(core=ForgetsTermAndVote), {"terms never fall"}),
            ("does not wait for the disk", Parts(core=DoesNotWaitForTheDisk), {*LOST, "recovery"}),
            (
                "is a majority alone",
                Parts(core=IsAMajorityAlone),
                {*LOST, "election safety", "linearizability"},
            ),
            ("commits without counting", Parts(core=CommitsWithoutCounting), LOST),
            ("truncates on any match", Parts(core=TruncatesOnAnyMatch), LOST),
            ("skips the consistency check", Parts(core=SkipsTheConsistencyCheck), {*LOST, "log matching"}),
            (
                "acknowledges early",
                Parts(node=AcknowledgesEarly),
                {"acknowledged writes stay", "linearizability"},
            ),
            ("serves reads unapplied", Parts(node=ServesReadsUnapplied), {"linearizability"}),
            (
                "applies copies",
                Parts(sessions=AppliesCopies),
                {"acknowledged writes stay", "linearizability"},
            ),
            ("repeats any write", Parts(node=RepeatsAnyWrite), {"each write once"}),
        )
    ],
)
def test_a_broken_rule_is_seen(parts: Parts, rules: set[str]) -> None:
    violation = first_violation(parts, CONFIG)
    assert violation.rule in rules, str(violation)


@pytest.mark.parametrize(
    ("parts", "rules"),
    [
        pytest.param(parts, rules, id=id_)
        for id_, parts, rules in (
            ("installs old snapshots", Parts(core=InstallsOldSnapshots), {"state machine safety"}),
            (
                "forgets sessions in snapshots",
                Parts(node=ForgetsSessions),
                {"snapshots are equal", "acknowledged writes stay", "linearizability"},
            ),
        )
    ],
)
def test_a_broken_rule_of_snapshots_is_seen(parts: Parts, rules: set[str]) -> None:
    violation = first_violation(parts, SNAPSHOTS)
    assert violation.rule in rules, str(violation)


def first_violation(parts: Parts, config: NodeConfig) -> Violation:
    """What the first seed that shows anything shows."""
    for seed in range(SEEDS):
        try:
            run_chaos(seed, size=3 + 2 * (seed % 2), parts=parts, restart_all=True, config=config)
        except Violation as violation:
            return violation
    raise AssertionError(f"not seen in {SEEDS} seeds")
