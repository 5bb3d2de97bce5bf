"""Applied once: the index of the first copy is the only right answer."""

from __future__ import annotations

import pytest

from checkers.registry.applied_once import AppliedOnce
from checkers.verdict import Validity, Verdict
from history import NodeTrace, Recording, TraceEntry, TraceEvent
from tests.checkers.builders import NODES, HistoryBuilder


def applied(*entries: tuple[int, str | None], skipped: tuple[int, ...] = (), node: str = "n1") -> TraceEvent:
    rows = tuple(TraceEntry(index, 1, f"h{index}", op) for index, op in entries)
    return TraceEvent(1, 1, "apply", 1, "leader", 9, 9, 9, entries=rows, node=node, life=1, skipped=skipped)


def acknowledged(index: int, op: str) -> TraceEvent:
    return TraceEvent(2, 2, "acknowledge", 1, "leader", 9, 9, 9, index=index, op=op, node="n1", life=1)


def check(*events: TraceEvent, answered: int | None = None, **options: int) -> Verdict:
    """Operation 0 is the only one; its client gets that index."""
    history = HistoryBuilder()
    history.invoke(1, "register", "svc/10.0.0.1:80", "r0", node="n1")
    history.ok(1, "r0", raft_index=answered)
    traces = {"n1": NodeTrace("n1", events)}
    return AppliedOnce().check(Recording(NODES, history.history(), traces, options=options))


def test_copies_answered_with_the_first_ones_index_are_valid() -> None:
    verdict = check(applied((3, "0"), (4, None), (7, "0")), acknowledged(3, "0"), answered=3)
    assert verdict.validity is Validity.VALID
    assert verdict.measures["in_the_log_several_times"] == 1


def test_an_acknowledgement_of_the_second_copy_is_invalid_and_names_both_places() -> None:
    verdict = check(applied((3, "0"), (7, "0")), acknowledged(3, "0"), acknowledged(7, "0"))
    assert verdict.validity is Validity.INVALID
    assert "n1 acknowledged operation 0 at index 7, but it was applied first at index 3" in verdict.summary
    assert [(ref.node, ref.seq) for ref in verdict.evidence[0].events] == [("n1", 2)]
    assert verdict.evidence[0].operations == (0,)


def test_a_client_that_is_told_of_the_second_copy_is_evidence_by_itself() -> None:
    verdict = check(applied((3, "0"), (7, "0")), answered=7)
    assert verdict.validity is Validity.INVALID
    assert "the reply to operation 0 says that it took effect" in verdict.summary


def test_a_copy_that_was_skipped_is_not_the_first_one() -> None:
    """An entry of a session that has ended is in the log, and changes nothing."""
    assert check(applied((3, "0"), (7, "0"), skipped=(3,)), answered=7).validity is Validity.VALID
    assert check(applied((3, "0"), (7, "0"), skipped=(7,)), answered=7).validity is Validity.INVALID


def test_a_plain_write_that_is_in_the_log_twice_is_invalid_even_without_an_answer() -> None:
    twice = applied((3, "0"), (7, "0"))
    verdict = check(twice, plain_clients=2, concurrency=4)
    assert verdict.validity is Validity.INVALID
    assert "operation 0 carries no client id and sequence" in verdict.summary
    assert check(twice, plain_clients=1, concurrency=4).validity is Validity.VALID  # process 1 has a session
    assert check(applied((3, "0")), plain_clients=2, concurrency=4).validity is Validity.VALID


def test_nodes_that_disagree_on_which_entries_to_skip_are_named() -> None:
    verdict = check(
        applied((3, "0"), (7, "0"), skipped=(7,)), applied((3, "0"), (7, "0"), node="n2"), answered=3
    )
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].title == "n2 carried out an entry that n1 skipped"


def test_a_run_without_copies_shows_nothing() -> None:
    assert check(applied((3, "0")), acknowledged(3, "0"), answered=3).validity is Validity.UNKNOWN
    assert check(answered=3).validity is Validity.UNKNOWN


def test_an_answer_whose_application_is_in_no_trace_is_not_judged() -> None:
    verdict = check(applied((3, "5"), (4, "5")), acknowledged(9, "0"), answered=9)
    assert verdict.validity is Validity.VALID


@pytest.mark.parametrize(
    ("type_", "skipped", "validity"),
    [
        ("fail", (), Validity.INVALID),
        ("fail", (3,), Validity.UNKNOWN),  # an entry that changes nothing; nothing else was tested
        ("info", (), Validity.UNKNOWN),
    ],
)
def test_a_refused_write_has_no_effect(type_: str, skipped: tuple[int, ...], validity: Validity) -> None:
    history = HistoryBuilder()
    history.invoke(1, "register", "svc/10.0.0.1:80", "r0", node="n1")
    history.complete(1, type_, error="not-leader: n1 no longer leads term 1")
    traces = {"n1": NodeTrace("n1", (applied((3, "0"), skipped=skipped),))}
    verdict = AppliedOnce().check(Recording(NODES, history.history(), traces))
    assert verdict.validity is validity
    if validity is Validity.INVALID:
        assert "operation 0 (register of svc/10.0.0.1:80) failed" in verdict.summary
        assert verdict.evidence[0].operations == (0,)
