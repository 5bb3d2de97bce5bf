"""The quiet end: a cluster that is well and idle keeps its leader, repeats nothing, and finishes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from checkers.run.liveness.bounds import BOUND_ELECTIONS, QUIET_ELECTIONS
from checkers.run.liveness.liveness import Liveness
from checkers.verdict import Unjudged, Validity, Verdict
from harness.sim.judging import results_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from history import NodeTrace, TraceEntry, TraceEvent
from history.units import MILLISECOND_NS
from node_impl.core.build import Parts
from node_impl.core.raft.elections import Elections
from tests.checkers.builders import HistoryBuilder, recording

ELECTION_MS, HEARTBEAT_MS = 100, 20
SINCE_MS = BOUND_ELECTIONS * ELECTION_MS
UNTIL_MS = SINCE_MS + QUIET_ELECTIONS * ELECTION_MS
OPTIONS = {"election_ms": ELECTION_MS, "heartbeat_ms": HEARTBEAT_MS, "request_timeout_ms": 500}
Lines = Sequence[tuple[int, dict[str, Any]]]


def line(ms: int, event: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    """A line at this number of milliseconds after the heal."""
    return ms, {"event": event, **fields}


def trace(node: str, role: str, lines: Lines, healed_ns: int, stop_ms: int = UNTIL_MS) -> NodeTrace:
    """One life, from the heal to the end of the quiet time."""
    usual = {"term": 5, "role": role, "commit": 9, "applied": 9, "last": 9}
    every = sorted([(0, {"event": "restart"}), *lines, (stop_ms, {"event": "stop"})], key=lambda one: one[0])
    return NodeTrace(
        node,
        tuple(
            TraceEvent(seq=seq, at=healed_ns + ms * MILLISECOND_NS, node=node, life=1, **{**usual, **fields})
            for seq, (ms, fields) in enumerate(every, start=1)
        ),
    )


def check(
    *,
    n1: Lines = (),
    n2: Lines = (),
    n2_role: str = "follower",
    read_ms: int = 1,
    answers: bool = True,
    without: str = "",
    stop_ms: int = UNTIL_MS,
) -> Verdict:
    """n1 leads term 5, n2 and n3 follow, and some reads are answered soon, unless said otherwise."""
    built = HistoryBuilder()
    built.nemesis("final-heal", {"actions": []})
    healed_ns = built.now
    for number in range(10):
        for node in ("n1", "n2"):
            built.invoke(100 + number, "final-list", "svc/a", None, node=node)
            built.wait(read_ms)
            built.complete(100 + number, "ok" if answers or node == "n1" else "fail", [])
    handed = line(stop_ms, "send", peer="n2", message="TimeoutNow")
    traces = {
        "n1": trace("n1", "leader", [*n1, handed], healed_ns, stop_ms),
        "n2": trace("n2", n2_role, n2, healed_ns, stop_ms),
        "n3": trace("n3", "follower", [], healed_ns, stop_ms),
    }
    traces.pop(without, None)
    return Liveness().check(recording(built, traces=traces, options=OPTIONS))


def appended(index: int, content: str) -> dict[str, Any]:
    return {"entries": (TraceEntry(index, 5, content),), "last": index}


def sendings(times: int, **fields: Any) -> Lines:
    return [line(SINCE_MS + 1 + number, "send", peer="n2", **fields) for number in range(times)]


def test_a_quiet_cluster_that_only_sends_heartbeats_is_valid() -> None:
    beats = [
        line(ms, "send", peer="n2", message="AppendEntries", index=9)
        for ms in range(0, UNTIL_MS, HEARTBEAT_MS)
    ]
    verdict = check(n1=beats)
    assert (verdict.validity, verdict.summary) == (
        Validity.VALID,
        "n1 led 3 members for 0.8 s in which nothing else happened",
    )


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"n2_role": "candidate"}, "a healed cluster has no leader"),
        (
            {"n2": [line(SINCE_MS + 5, "role", role="candidate")]},
            "a leader does not stay though all is quiet",
        ),
        (
            {"n2": [line(SINCE_MS + 5, "term", term=6, role="candidate")]},
            "a leader does not stay though all is quiet",
        ),
        ({"n2": sendings(1, message="PreVote")}, "a member campaigns though all is quiet"),
        (
            {"n1": sendings(3, message="AppendEntries", index=7, count=2)},
            "one entry is sent again and again",
        ),
        (
            {"n1": sendings(3, message="InstallSnapshot", index=7, count=64)},
            "one snapshot is sent again and again",
        ),
        ({"n1": sendings(90, message="AppendEntries", index=9)}, "more messages than heartbeats"),
        (
            {"n1": [line(SINCE_MS + 100 + at, "append", **appended(9, "same")) for at in range(3)]},
            "a log grows though nothing is asked for",
        ),
        (
            {"n2": [line(SINCE_MS + at, "snapshot", index=8) for at in (0, 50)]},
            "one snapshot is taken again and again",
        ),
        (
            {"n2": [line(SINCE_MS + at, "synced", index=9) for at in range(5)]},
            "a disk is synced again and again",
        ),
        (
            {"n1": [line(SINCE_MS - 9, "append", **appended(10, "a"))]},
            "an entry is not committed though all is quiet",
        ),
        ({"read_ms": 15}, "reads wait for heartbeats"),
        ({"answers": False, "read_ms": 70}, "a member answers no read after the final heal"),
    ],
)  # fmt: skip
def test_what_a_quiet_cluster_must_not_do(changes: dict[str, Any], kind: str) -> None:
    verdict = check(**changes)
    assert verdict.validity is Validity.INVALID
    assert kind in {one.kind for one in verdict.evidence}


def test_an_election_before_the_quiet_time_and_a_disturbed_read_prove_nothing() -> None:
    moves = [line(ms, "role", role="follower") for ms in range(0, 600, 4)]
    verdict = check(n2=moves, read_ms=15)
    assert verdict.validity is Validity.VALID, verdict.summary


def test_without_an_orderly_end_of_most_members_nothing_is_judged() -> None:
    built = HistoryBuilder()
    built.nemesis("final-heal", {"actions": []})
    verdict = Liveness().check(recording(built, options=OPTIONS))
    assert verdict.mark is Unjudged.NOT_EXERCISED


def test_every_simulated_run_has_a_quiet_end_in_which_the_correct_node_rests() -> None:
    ran = run(plan_of(202_611_290_001, SeedOptions(time_limit_s=3)))
    assert ran.ended_at - ran.worked_until >= QUIET_ELECTIONS * ran.plan.test.election_ms * MILLISECOND_NS
    verdict = next(one for one in results_of(ran).verdicts if one.checker == "liveness")
    assert verdict.validity is Validity.VALID
    assert "in which nothing else happened" in verdict.summary


class StepsDownWhenHeard(Elections):
    """A leader that hears a majority stops leading."""

    def hears_a_majority(self) -> bool:
        return not super().hears_a_majority()


class HeartbeatsMeanNothing(Elections):
    """A follower's election timer runs on though it hears its leader."""

    def hear_leader(self, leader: str) -> None:
        self._state.know_leader(leader)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (Parts(elections=StepsDownWhenHeard), "leader"),
        (Parts(elections=HeartbeatsMeanNothing), "leader"),
    ],
    ids=("steps down when heard", "heartbeats mean nothing"),
)
def test_a_simulated_node_that_does_not_rest_is_found_in_one_seed(parts: Parts, said: str) -> None:
    ran = run(plan_of(3, SeedOptions(time_limit_s=2)), parts=parts)
    verdict = Liveness().check(ran.recording())
    assert verdict.validity is Validity.INVALID
    assert said in verdict.summary


RECEIVED_FIRST = {
    "n1": [line(SINCE_MS + 9, "send", peer="n2", message="AppendEntries", message_id="n1:1:1")],
    "n2": [line(SINCE_MS + 5, "receive", peer="n1", message="AppendEntries", message_id="n1:1:1")],
}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"without": "n1"}, "the trace of n1 does not reach the quiet end, and no other member led then"),
        (RECEIVED_FIRST, "n2 received AppendEntries from n1 0.004 s before it was sent"),
        ({"stop_ms": UNTIL_MS + 50}, "its end is missing"),
    ],
    ids=["a trace is gone", "a clock was shifted", "the history was cut"],
)
def test_what_is_missing_or_was_changed_accuses_no_node(changes: dict[str, Any], why: str) -> None:
    verdict = check(**changes)
    assert (verdict.validity, verdict.evidence) == (Validity.UNKNOWN, ())
    assert why in verdict.summary
