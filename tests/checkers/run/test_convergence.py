"""Convergence: who stays behind at the end, and whether that is known."""

from __future__ import annotations

from checkers.run.convergence import Convergence, members
from checkers.verdict import Unjudged, Validity, Verdict
from history import NodeTrace, TraceEvent
from history.stored.trace import EventName
from history.units import SECOND_NS
from tests.checkers.builders import HistoryBuilder, recording

KEY = "svc/10.0.0.1:80"


def healed(floor: int = 50) -> HistoryBuilder:
    """All faults are healed, and a write was acknowledged at index `floor`."""
    built = HistoryBuilder()
    built.nemesis("final-heal", {"actions": []})
    built.do("register", KEY, "r1", "r1", raft_index=floor)
    return built


def read(built: HistoryBuilder, node: str, index: int) -> None:
    built.do("final-local", "svc", None, {}, node=node, raft_index=index)


def check(built: HistoryBuilder, traces: dict[str, NodeTrace] | None = None, **options: object) -> Verdict:
    return Convergence().check(recording(built, traces=traces or {}, options=options))


def traced(node: str, applied: int, at_s: int, members: tuple[str, ...] | None = None) -> NodeTrace:
    events = [TraceEvent(1, at_s * SECOND_NS, "stop", 1, "follower", 90, applied, 90, node=node, life=1)]
    if members is not None:
        event = TraceEvent(
            1, 1, "configuration", 1, "leader", 90, 9, 90, index=5, members=members, node=node, life=1
        )
        events.insert(0, event)
    return NodeTrace(node, tuple(events))


def test_nodes_that_have_all_applied_what_replies_named_are_valid() -> None:
    built = healed()
    for node in ("n1", "n2", "n3"):
        read(built, node, 50)
    assert check(built).validity is Validity.VALID


def test_a_node_that_stays_behind_for_longer_than_the_bound_is_named_with_its_distance() -> None:
    built = healed()
    read(built, "n1", 50)
    read(built, "n2", 51)
    read(built, "n3", 9)
    built.wait(11_000)
    read(built, "n3", 9)
    verdict = check(built)
    assert verdict.validity is Validity.INVALID
    assert verdict.summary == "n3 stays 41 entries behind"
    assert "(n1 up to 50, n2 up to 51)" in verdict.evidence[0].text


def test_a_node_that_is_behind_and_was_not_asked_for_so_long_is_unknown() -> None:
    built = healed()
    read(built, "n1", 50)
    read(built, "n2", 50)
    read(built, "n3", 9)
    assert check(built).validity is Validity.UNKNOWN


def test_a_node_that_still_makes_progress_is_unknown_on_a_real_clock_and_wrong_in_virtual_time() -> None:
    def moving() -> HistoryBuilder:
        built = healed()
        for index in range(6):
            read(built, "n3", index)
            built.wait(3000)
        return built

    # The harness ran all the time, and woke in time.
    awake = tuple((at * SECOND_NS // 20, 0) for at in range(1000))
    real = recording(moving(), options={"monotonic_start_ns": 5}, nodes=("n3",), harness_lag=awake)
    verdict = Convergence().check(real)
    assert (verdict.validity, "still made progress" in verdict.summary) == (Validity.UNKNOWN, True)
    virtual = Convergence().check(recording(moving(), nodes=("n3",)))
    assert virtual.validity is Validity.INVALID


def test_a_node_that_answered_no_read_is_judged_by_the_end_of_its_trace() -> None:
    built = healed()
    read(built, "n1", 50)
    read(built, "n2", 50)
    behind, caught_up = traced("n3", 9, at_s=20), traced("n3", 50, at_s=20)
    assert check(built, {"n3": behind}).summary == "n3 stays 41 entries behind"
    assert check(built, {"n3": caught_up}).validity is Validity.VALID
    assert check(built, {"n3": traced("n3", 9, at_s=2)}).validity is Validity.UNKNOWN
    assert check(built).validity is Validity.UNKNOWN


def test_a_node_that_is_no_member_any_more_need_not_follow() -> None:
    built = healed()
    read(built, "n1", 50)
    read(built, "n2", 50)
    traces = {"n1": traced("n1", 50, 20, members=("n1", "n2")), "n3": traced("n3", 9, 20)}
    verdict = check(built, traces)
    assert (verdict.validity, verdict.summary.split()[0]) == (Validity.VALID, "2")


def test_without_reads_at_the_end_nothing_was_exercised() -> None:
    assert check(healed()).unjudged is Unjudged.NOT_EXERCISED


def test_a_change_of_members_that_was_truncated_never_comes_into_force() -> None:
    """n1 has another entry at that index when it takes it for committed."""

    def at(
        seq: int, event: EventName, commit: int, last: int, members: tuple[str, ...] | None = None
    ) -> TraceEvent:
        return TraceEvent(
            seq, seq, event, 2, "follower", commit, commit, last, index=5, members=members, node="n1", life=1
        )

    removed, truncated, later = (
        at(1, "configuration", 4, 5, ("n1", "n2")),
        at(2, "truncate", 4, 4),
        at(3, "commit", 5, 5),
    )
    with_it = recording(traces={"n1": NodeTrace("n1", (removed, later))})
    without = recording(traces={"n1": NodeTrace("n1", (removed, truncated, later))})
    assert members(with_it) == ("n1", "n2")
    assert members(without) == without.nodes
