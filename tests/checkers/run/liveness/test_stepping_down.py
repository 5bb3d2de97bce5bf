"""How a leadership ends: a leader that no majority answers notices, and one that goes hands over."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.run.liveness.stepping_down import judge_leaderships
from checkers.verdict import Evidence
from history import NodeTrace, TraceEvent
from history.units import MILLISECOND_NS
from tests.checkers.builders import recording

ELECTION_MS, HEARTBEAT_MS = 100, 20
OPTIONS = {"election_ms": ELECTION_MS, "heartbeat_ms": HEARTBEAT_MS}
Line = tuple[int, str, dict[str, Any]]
LEADS: Line = (0, "role", {})


def judged(*lines: Line, options: dict[str, Any] = OPTIONS) -> tuple[Evidence, ...]:
    """What is found in the trace of n1, one of three voters, that leads term 5 unless a line differs."""
    usual = {"term": 5, "role": "leader", "commit": 9, "applied": 9, "last": 9}
    events = tuple(
        TraceEvent(
            seq=seq, at=ms * MILLISECOND_NS, event=event, node="n1", life=1, **{**usual, **fields}  # type: ignore[arg-type]  # a line's own fields
        )
        for seq, (ms, event, fields) in enumerate(sorted(lines, key=lambda one: one[0]), start=1)
    )  # fmt: skip
    return judge_leaderships(recording(traces={"n1": NodeTrace("n1", events)}, options=options)).evidence


def heartbeats(begin: int, end: int) -> list[Line]:
    return [
        (ms, "send", {"peer": peer, "message": "AppendEntries", "index": 9})
        for ms in range(begin, end, HEARTBEAT_MS)
        for peer in ("n2", "n3")
    ]


def answers(begin: int, end: int) -> list[Line]:
    return [
        (ms + 1, "receive", {"peer": "n2", "message": "AppendEntriesReply"})
        for ms in range(begin, end, HEARTBEAT_MS)
    ]


def test_a_leader_that_one_of_two_followers_answers_leads_on() -> None:
    assert not judged(LEADS, *heartbeats(0, 2000), *answers(0, 2000))


def test_a_leader_that_no_follower_answers_any_more_must_notice() -> None:
    (found,) = judged(LEADS, *heartbeats(0, 2000), *answers(0, 300))
    assert found.kind == "a leader goes on without a majority"
    assert found.title.startswith("n1 led term 5 for 0.")
    assert judged(LEADS, *heartbeats(0, 2000))


def test_a_leader_that_steps_down_in_time_has_noticed() -> None:
    assert not judged(LEADS, *heartbeats(0, 300), (301, "role", {"role": "follower"}))


@pytest.mark.parametrize("requests", [1, 500])
def test_a_process_that_was_stopped_could_not_notice(requests: int) -> None:
    """It takes what came meanwhile when it runs again, for longer than a heartbeat, and only then its other
    timer is due."""
    sent: Line = (0, "send", {"peer": "n2", "message": "AppendEntries", "index": 9})
    again = [(ms, *sent[1:]) for ms in range(3000, 3045) for _ in range(requests)]
    assert not judged(LEADS, *heartbeats(0, 100), *answers(0, 100), *again)


def test_the_time_in_which_a_leader_was_stopped_does_not_count() -> None:
    """It was silent for 0.48 s, 0.3 s of which it was stopped, and notices at once: 0.35 s are the bound."""
    ends: Line = (570, "role", {"role": "follower"})
    assert not judged(LEADS, *heartbeats(0, 140), *answers(0, 60), *heartbeats(440, 560), ends)
    (found,) = judged(LEADS, *heartbeats(0, 140), *answers(0, 60), *heartbeats(440, 1000))
    assert found.title.startswith("n1 led term 5 for 0.")


def test_a_leader_alone_in_its_cluster_needs_no_answer() -> None:
    alone = (0, "configuration", {"members": ("n1",)})
    assert not judged(alone, LEADS, *heartbeats(1, 2000))


def test_a_leader_that_ends_in_order_asks_another_voter_to_stand() -> None:
    stop: Line = (50, "stop", {})
    asked = (50, "send", {"peer": "n2", "message": "TimeoutNow"})
    assert not judged(LEADS, asked, stop)
    (found,) = judged(LEADS, stop)
    assert (found.kind, found.title) == (
        "a leader goes and asks no other to lead",
        "n1 gave up term 5 and asked no other node to lead",
    )
    assert not judged((0, "role", {"role": "follower"}), (50, "stop", {"role": "follower"}))


def test_a_leader_that_applied_its_own_removal_asks_another_voter_to_stand() -> None:
    removed = (10, "configuration", {"members": ("n2", "n3"), "index": 9})
    steps_down = (20, "role", {"role": "follower"})
    asked = (20, "send", {"peer": "n2", "message": "TimeoutNow"})
    assert not judged(LEADS, removed, (20, "apply", {}), asked, steps_down)
    assert judged(LEADS, removed, (20, "apply", {}), steps_down)
    not_committed = (10, "configuration", {"members": ("n2", "n3"), "index": 10})
    assert not judged(LEADS, not_committed, (20, "apply", {}), steps_down)


def test_a_leader_that_steps_down_for_another_reason_hands_nothing_over() -> None:
    assert not judged(LEADS, (20, "apply", {}), (20, "role", {"role": "follower"}))


def test_without_time_outs_nothing_is_judged() -> None:
    assert not judged(LEADS, (50, "stop", {}), options={})


def test_voters_who_had_no_reason_to_answer_before_have_a_time_out_of_their_own() -> None:
    """n2 answered until it was removed; whether n3, which is away, answers in time shows only after that."""
    removed: Line = (1000, "configuration", {"members": ("n1", "n3"), "index": 10})
    ends: Line = (1300, "role", {"role": "follower"})
    assert not judged(LEADS, *heartbeats(0, 1300), *answers(0, 1000), removed, ends)
    assert judged(LEADS, *heartbeats(0, 2000), *answers(0, 1000), removed)


def test_a_configuration_of_the_same_voters_gives_no_more_time() -> None:
    learner: Line = (300, "configuration", {"members": ("n1", "n2", "n3"), "learners": ("n4",), "index": 10})
    ends: Line = (500, "role", {"role": "follower"})
    assert judged(LEADS, *heartbeats(0, 500), learner, ends)
