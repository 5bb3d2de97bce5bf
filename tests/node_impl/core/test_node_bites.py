"""The proof that `test_node_chaos.py` bites: with one rule broken, a property is seen to fail.

Each mutant overrides one small named method.
"""

from __future__ import annotations

import pytest

from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import HardState, Recovered, Request
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership
from node_impl.core.raft.messages import AppendEntries, PreVote, RequestVote
from node_impl.core.raft.replication import Replication
from node_impl.core.raft.snapshots import Snapshots
from node_impl.core.registry.sessions import Sessions
from node_impl.core.serving.client_reads import ClientReads
from node_impl.core.serving.client_writes import ClientWrites
from node_impl.core.serving.open_requests import OpenRequests
from node_impl.core.serving.state_machine import StateMachine
from tests.node_impl.chaos import run_chaos
from tests.node_impl.cluster import CONFIG, SNAPSHOTS
from tests.node_impl.invariants import Violation

SEEDS = 60


class VotesTwice(Elections):
    def vote_is_free_for(self, candidate: str) -> bool:
        return True


class VotesForShorterLogs(Elections):
    def candidate_log_is_up_to_date(self, request: RequestVote | PreVote) -> bool:
        return True


class ForgetsTermAndVote(RaftState):
    def recover(self, recovered: Recovered) -> HardState:
        return HardState(0, None)


class DoesNotWaitForTheDisk(RaftState):
    def sync_barrier(self) -> int:
        return 0


class IsAMajorityAlone(Membership):
    def is_majority(self, count: int) -> bool:
        return True


class CommitsWithoutCounting(Replication):
    def commit_index_by_counting(self) -> int:
        return self._state.log.last_index


class TruncatesOnAnyMatch(Replication):
    def truncation_point(self, request: AppendEntries) -> int | None:
        point = request.prev_log_index + 1
        is_inside = self.previous_entry_matches(request) and point <= self._state.log.last_index
        return point if is_inside else None


class SkipsTheConsistencyCheck(Replication):
    def previous_entry_matches(self, request: AppendEntries) -> bool:
        return request.prev_log_index <= self._state.log.last_index


class AcknowledgesEarly(ClientWrites):
    def may_acknowledge(self, index: int) -> bool:
        return True


class ServesReadsUnapplied(ClientReads):
    def may_serve_read(self, read_index: int) -> bool:
        return True


class AppliesCopies(Sessions):
    def is_repeated(self, last_sequence: int, sequence: int) -> bool:
        return False

    def is_passed(self, last_sequence: int, sequence: int) -> bool:
        return False


class RepeatsAnyWrite(OpenRequests):
    def may_repeat(self, request: Request) -> bool:
        return True


class InstallsOldSnapshots(Snapshots):
    def is_news(self, index: int) -> bool:
        return index > self._state.log.base_index


class ForgetsSessions(StateMachine):
    def sessions_in_snapshot(self) -> bytes:
        return Sessions(1).snapshot()


LOST = {"leader completeness", "committed entries stay"}


@pytest.mark.parametrize(
    ("parts", "rules"),
    [
        pytest.param(parts, rules, id=id_)
        for id_, parts, rules in (
            ("votes twice", Parts(elections=VotesTwice), {"election safety", "one vote a term"}),
            ("votes for shorter logs", Parts(elections=VotesForShorterLogs), LOST),
            ("forgets term and vote", Parts(state=ForgetsTermAndVote), {"terms never fall"}),
            ("does not wait for the disk", Parts(state=DoesNotWaitForTheDisk), {*LOST, "recovery"}),
            (
                "is a majority alone",
                Parts(membership=IsAMajorityAlone),
                {*LOST, "election safety", "linearizability"},
            ),
            ("commits without counting", Parts(replication=CommitsWithoutCounting), LOST),
            ("truncates on any match", Parts(replication=TruncatesOnAnyMatch), LOST),
            (
                "skips the consistency check",
                Parts(replication=SkipsTheConsistencyCheck),
                {*LOST, "log matching"},
            ),
            (
                "acknowledges early",
                Parts(client_writes=AcknowledgesEarly),
                {"acknowledged writes stay", "linearizability"},
            ),
            ("serves reads unapplied", Parts(client_reads=ServesReadsUnapplied), {"linearizability"}),
            (
                "applies copies",
                Parts(sessions=AppliesCopies),
                {"acknowledged writes stay", "linearizability"},
            ),
            ("repeats any write", Parts(open_requests=RepeatsAnyWrite), {"each write once"}),
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
            ("installs old snapshots", Parts(snapshots=InstallsOldSnapshots), {"state machine safety"}),
            (
                "forgets sessions in snapshots",
                Parts(state_machine=ForgetsSessions),
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
