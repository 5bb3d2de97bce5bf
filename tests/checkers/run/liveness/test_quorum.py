"""Liveness: what a healed quorum must do, and what shows that it did not."""

from __future__ import annotations

from typing import Literal

import pytest

from checkers.run.liveness.bounds import BOUND_ELECTIONS
from checkers.run.liveness.liveness import Liveness
from checkers.verdict import Unjudged, Validity, Verdict
from history import NodeTrace, TraceEvent
from history.units import MILLISECOND_NS
from tests.checkers.builders import HistoryBuilder, recording

ELECTION_MS, REQUEST_MS = 100, 500
DEAF_N3 = {
    "actions": [
        {"kind": "Start", "nodes": ["n1", "n2", "n3"]},
        {"kind": "Cut", "links": [["n1", "n3"], ["n2", "n3"]]},
    ]
}
BOUND_MS = BOUND_ELECTIONS * ELECTION_MS
Role = Literal["follower", "candidate", "leader"]
LINE = tuple[int, int, Role]
"""(milliseconds since the quorum was healed, term, role) of one line of a trace."""


def trace(node: str, *lines: LINE, healed_ns: int = 0, vote: tuple[int, str] | None = None) -> NodeTrace:
    events = [
        TraceEvent(seq, healed_ns + ms * MILLISECOND_NS, "role", term, role, 9, 9, 9, node=node, life=1)
        for seq, (ms, term, role) in enumerate(lines, start=1)
    ]
    if vote is not None:
        at, voted_for = healed_ns + vote[0] * MILLISECOND_NS, vote[1]
        events.append(
            TraceEvent(99, at, "vote", lines[-1][1], "follower", 9, 9, 9, node=node, life=1, vote=voted_for)
        )
    return NodeTrace(node, tuple(events))


def check(
    *,
    answers: bool = True,
    asks: bool = True,
    n2: tuple[LINE, ...] = (),
    vote: tuple[int, str] | None = None,
) -> Verdict:
    """n3 hears no other node; n1 leads term 5, and n2 follows unless its lines say otherwise."""
    built = HistoryBuilder()
    built.nemesis("heal-quorum", DEAF_N3)
    healed_ns = built.now
    built.wait(BOUND_MS)
    for number in range(10 if asks else 0):
        for node in ("n1", "n2", "n3"):
            result = "ok" if answers and node != "n3" else "info"
            built.do("register", "svc/a", f"r{number}{node}", None, result, node=node)
    built.wait(2 * REQUEST_MS + 600)
    built.nemesis("final-heal", {"actions": []})
    traces = {
        "n1": trace("n1", (1, 5, "leader"), (BOUND_MS + 900, 5, "leader"), healed_ns=healed_ns),
        "n2": trace("n2", *(n2 or ((1, 5, "follower"),)), healed_ns=healed_ns, vote=vote),
        "n3": trace("n3", (1, 99, "candidate"), healed_ns=healed_ns),
    }
    options = {"election_ms": ELECTION_MS, "request_timeout_ms": REQUEST_MS}
    return Liveness().check(recording(built, traces=traces, options=options))


def test_a_quorum_with_a_leader_that_answers_is_valid_whatever_the_broken_node_does() -> None:
    verdict = check()
    assert (verdict.validity, verdict.summary) == (
        Validity.VALID,
        "n1, n2 kept a leader and answered, with n3 deaf",
    )


def test_a_quorum_that_still_campaigns_after_the_bound_had_no_leader() -> None:
    verdict = check(n2=((1, 5, "follower"), (700, 6, "candidate")))
    assert verdict.validity is Validity.INVALID
    assert "n1, n2 were well for 1.2 s and had no common leader" in verdict.summary
    assert "n2 is a candidate of term 6 since 0.703 s" in verdict.evidence[0].text


@pytest.mark.parametrize(
    ("vote", "mark"),
    [
        ((800, "n3"), Unjudged.NOT_EXERCISED),  # without pre-vote a deaf node may be first each time
        ((BOUND_MS + 300, "n3"), Validity.INVALID),  # too late to be why there was no leader in time
        ((800, "n1"), Validity.INVALID),
    ],
)
def test_a_quorum_that_voted_for_a_deaf_node_had_no_leader_by_chance(
    vote: tuple[int, str], mark: Unjudged | Validity
) -> None:
    verdict = check(n2=((1, 5, "follower"), (700, 6, "candidate")), vote=vote)
    assert verdict.mark is mark


def test_a_leader_that_is_deposed_by_a_deaf_node_is_no_matter_of_chance() -> None:
    verdict = check(n2=((1, 5, "follower"), (BOUND_MS + 50, 6, "follower")), vote=(BOUND_MS + 60, "n3"))
    assert verdict.validity is Validity.INVALID
    assert "n2 moved to term 6" in verdict.evidence[0].text


def test_a_term_that_begins_though_all_is_well_is_a_leader_that_did_not_stay() -> None:
    verdict = check(n2=((1, 5, "follower"), (BOUND_MS + 50, 6, "candidate"), (BOUND_MS + 90, 7, "leader")))
    assert verdict.validity is Validity.INVALID
    assert "n2 moved to term 6 at 1.253 s, and 2 new terms began" in verdict.evidence[0].text


def test_a_quorum_that_answers_nothing_is_named_with_what_was_asked_of_it() -> None:
    verdict = check(answers=False)
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].title == "n1, n2 were well and answered no write"
    assert [one.title for one in verdict.evidence[1:]] == [
        "n1 was well and answered no operation",
        "n2 was well and answered no operation",
    ]


def test_a_quorum_of_which_nothing_was_asked_is_not_known_to_answer() -> None:
    assert check(asks=False).validity is Validity.UNKNOWN


def test_a_run_without_such_a_phase_does_not_exercise_it() -> None:
    assert Liveness().check(recording()).mark is Unjudged.NOT_EXERCISED


def test_on_a_real_clock_nothing_is_judged() -> None:
    built = HistoryBuilder()
    built.nemesis("heal-quorum", DEAF_N3)
    real = recording(built, options={"monotonic_start_ns": 7}, harness_lag=((1, 1),))
    assert Liveness().check(real).mark is Unjudged.NOT_EXERCISED
