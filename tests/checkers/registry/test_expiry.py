"""Expiry: replies agree with what clients and nodes did, in the order of the log."""

from __future__ import annotations

import pytest

from checkers.registry.expiry import Expiry
from checkers.verdict import Validity, Verdict
from history import NodeTrace, Recording, TraceEntry, TraceEvent
from tests.checkers.builders import NODES, HistoryBuilder

KEY = "svc/10.0.0.1:80"
REMOVED = "expire:removed:2:svc/10.0.0.1:80"


class Run:
    """A history, and the log that the nodes applied; its first entry is a no-op."""

    def __init__(self) -> None:
        self.history = HistoryBuilder()
        self.ops: list[str | None] = [None]

    def do(self, f: str, value: object = None, *, result: object = None, index: int | None = None) -> None:
        """A client's operation, answered at that index, or at that of its own entry."""
        invocation = self.history.invoke(1, f, KEY, value, node="n1")
        if f in ("register", "deregister", "update"):
            self.ops.append(str(invocation))
        told = value if f == "register" or (f == "update" and result is None) else result
        self.history.ok(1, told, raft_index=index or len(self.ops))

    def check(self) -> Verdict:
        rows = tuple(TraceEntry(index, 1, f"h{index}", op) for index, op in enumerate(self.ops, start=1))
        last = len(rows)
        event = TraceEvent(1, 1, "apply", 1, "leader", last, last, last, entries=rows, node="n1", life=1)
        traces = {"n1": NodeTrace("n1", (event,))} if self.ops else {}
        return Expiry().check(Recording(NODES, self.history.history(), traces))


def expired() -> Run:
    """Registered at index 2, seen, removed by expiry at index 3."""
    run = Run()
    run.do("register", "r0")
    run.do("lookup", result="r0")
    run.ops.append(REMOVED)
    return run


def test_an_instance_that_expired_is_gone_and_may_be_registered_again() -> None:
    run = expired()
    run.do("beat", result="unknown")
    run.do("lookup", result=None)
    run.do("deregister", result=None)
    run.do("register", "r9")
    run.do("beat", result="taken")
    run.do("lookup", result="r9")
    verdict = run.check()
    assert verdict.validity is Validity.VALID, verdict.summary
    assert verdict.measures["expired_removed"] == 1


def test_an_expiry_of_an_earlier_registration_spares_a_later_one() -> None:
    run = Run()
    run.do("register", "r0")
    run.do("register", "r1")
    run.ops.append(REMOVED)
    run.do("lookup", result="r1")
    assert run.check().validity is Validity.UNKNOWN, "right, but nothing expired"
    run.ops.append("expire:removed:3:svc/10.0.0.1:80")
    assert run.check().validity is Validity.VALID


@pytest.mark.parametrize(
    ("f", "result", "reason"),
    [
        ("lookup", "r0", "it showed r0, but the key held nothing"),
        ("beat", "taken", "the beat was taken, but there was no such instance"),
        ("deregister", "r0", "it removed r0, but the key held nothing"),
        ("update", "r3", "it replied r3, but the key held nothing"),
    ],
)
def test_who_still_meets_an_expired_instance_contradicts_the_log(f: str, result: str, reason: str) -> None:
    run = expired()
    run.do(f, result=result)
    verdict = run.check()
    assert verdict.validity is Validity.INVALID
    assert reason in verdict.summary


def test_an_old_reading_is_invalid_though_it_was_once_true() -> None:
    run = expired()
    run.do("register", "r9")
    run.do("lookup", result="r0", index=2)
    verdict = run.check()
    assert verdict.validity is Validity.INVALID
    assert "when it began, a client had already got index 4 in a reply" in verdict.summary


def test_a_beat_may_be_answered_from_the_past() -> None:
    run = expired()
    run.do("register", "r9")
    run.do("beat", result="taken", index=2)
    assert run.check().validity is Validity.VALID


def test_an_update_changes_what_is_there_and_says_where_nothing_is() -> None:
    run = Run()
    run.do("update", "r0", result=False)
    run.do("lookup", result=None)
    run.do("register", "r2")
    run.do("update", "r4")
    run.do("lookup", result="r4")
    run.ops.append("expire:removed:3:svc/10.0.0.1:80")
    run.do("lookup", result=None)
    assert run.check().validity is Validity.VALID
    run.do("update", "r9", result="r9")
    assert "it replied r9, but the key held nothing" in run.check().summary


@pytest.mark.parametrize(
    ("seen", "validity"), [({}, Validity.VALID), ({"10.0.0.1:80": "r0"}, Validity.INVALID)]
)
def test_a_list_shows_a_whole_service_as_the_log_held_it(seen: object, validity: Validity) -> None:
    run = expired()
    invocation = run.history.invoke(1, "list", "svc", node="n1")
    run.history.ok(1, seen, raft_index=3)
    assert run.check().validity is validity
    assert invocation > 0


def test_a_write_that_names_another_index_than_its_own_is_invalid() -> None:
    run = expired()
    run.do("register", "r9", index=9)
    assert "the nodes applied it at index 4" in run.check().summary


def test_an_expiry_of_what_was_never_registered_is_invalid() -> None:
    run = expired()
    run.ops.append("expire:removed:3:svc/10.0.0.1:80")
    verdict = run.check()
    assert verdict.validity is Validity.INVALID
    assert "there is no registration at that index" in verdict.summary


def test_without_a_trace_expiries_are_unknown() -> None:
    run = expired()
    run.ops = []
    verdict = run.check()
    assert verdict.validity is Validity.UNKNOWN
    assert "there are no traces" in verdict.summary


def test_an_index_that_no_trace_shows_makes_it_unknown() -> None:
    run = expired()
    rows = (TraceEntry(1, 1, "h1", None), TraceEntry(3, 1, "h3", REMOVED))
    event = TraceEvent(1, 1, "apply", 1, "leader", 3, 3, 3, entries=rows, node="n1", life=1)
    recording = Recording(NODES, run.history.history(), {"n1": NodeTrace("n1", (event,))})
    assert "no trace shows what was applied at index 2" in Expiry().check(recording).summary
