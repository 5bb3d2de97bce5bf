"""What cannot be told is unknown: a proof of nothing, a trace with gaps, messages that say too little."""

from __future__ import annotations

import msgspec
import pytest

from checkers.raft.conformance.spec import Entry
from checkers.verdict import Validity
from history import NodeTrace
from tests.checkers.raft.conformance.behaviour import Behaviour
from tests.checkers.raft.conformance.scenes import deposed, found, judge, settled, votes_twice


def test_a_run_without_an_election_is_refused_as_proof() -> None:
    verdict = judge(Behaviour())
    assert verdict.validity is Validity.UNKNOWN
    assert "no node was elected" in verdict.summary


def test_a_run_that_commits_nothing_is_refused_as_proof() -> None:
    b = Behaviour()
    b.elect("n1", "n2", "n3")
    verdict = judge(b)
    assert verdict.validity is Validity.UNKNOWN
    assert "committed" in verdict.summary


def test_without_a_trace_nothing_is_known() -> None:
    assert judge({}).validity is Validity.UNKNOWN


@pytest.mark.parametrize("missing", ["n1", "n2", "n3"])
def test_a_node_without_trace_makes_it_unknown(missing: str) -> None:
    traces = deposed().traces()
    del traces[missing]
    verdict = judge(traces)
    assert verdict.validity is Validity.UNKNOWN
    assert missing in verdict.summary


@pytest.mark.parametrize("damaged", ["n1", "n2", "n3"])
@pytest.mark.parametrize("keep", range(1, 24, 2))
def test_a_trace_cut_anywhere_never_makes_a_correct_behaviour_invalid(damaged: str, keep: int) -> None:
    b = deposed()
    b.restart(damaged)
    if damaged != "n2":
        b.replicate("n2", "n3")
    traces = b.traces()
    whole = traces[damaged].events
    kept = (*[e for e in whole if e.life == 1][:keep], *[e for e in whole if e.life > 1])
    traces[damaged] = NodeTrace(damaged, kept, (f"{damaged}: cut",))
    verdict = judge(traces)
    assert verdict.validity is Validity.UNKNOWN, verdict.evidence


def test_a_trace_that_does_not_say_what_messages_carry_is_unknown_not_invalid() -> None:
    traces = {
        name: NodeTrace(
            name,
            tuple(
                msgspec.structs.replace(e, index=None, ok=None, count=0) if e.event == "send" else e
                for e in trace.events
            ),
        )
        for name, trace in deposed().traces().items()
    }
    verdict = judge(traces)
    assert verdict.validity is Validity.UNKNOWN
    assert "is not known" in verdict.summary


def test_a_message_that_nobody_sent_is_refused() -> None:
    b = settled()
    b.line("n3", "receive", peer="n1", message="AppendEntries", message_id="n1:1:999")
    verdict = judge(b)
    assert found(verdict.evidence, "Receive", "DOMAIN messages")


def test_of_nodes_that_wait_for_each_other_in_vain_each_message_is_refused() -> None:
    b = settled()
    for name, peer, number in (("n1", "n3", 998), ("n1", "n3", 999), ("n3", "n1", 998)):
        b.line(name, "receive", peer=peer, message="AppendEntries", message_id=f"{peer}:1:{number}")
    verdict = judge(b)
    assert found(verdict.evidence, "Receive", "DOMAIN messages")
    assert verdict.measures["violations"] == 3


def test_a_violation_is_invalid_even_if_another_trace_has_a_gap() -> None:
    b = settled()
    votes_twice(b)
    traces = b.traces()
    traces["n2"] = NodeTrace("n2", traces["n2"].events, ("n2: a gap",))
    assert judge(traces).validity is Validity.INVALID


def begun_with_logs(*, named: bool) -> Behaviour:
    """The traces begin when n1 and n2 hold two entries of term 1, of which they name at most the last."""
    log: list[Entry | None] = [(1, "a" * 16), (1, "b" * 16)]
    b = Behaviour()
    for name in ("n1", "n2"):
        b[name].current_term, b[name].log, b[name].own_durable = 1, list(log), 2
        b.lines[name].clear()
        b.disk[name] = (1, None, list(log))
        b.line(name, "restart", entries=[(2, 1, "b" * 16, None)] if named else [])
    b.elect("n1", "n2")
    b.replicate("n1", "n2")
    b.advance("n1", 3)
    return b


def test_a_log_of_which_the_last_entry_is_named_says_enough_to_go_on_from_it() -> None:
    assert judge(begun_with_logs(named=True)).validity is Validity.VALID


def test_entries_that_no_trace_names_are_unknown_where_a_step_stands_on_them() -> None:
    verdict = judge(begun_with_logs(named=False))
    assert verdict.validity is Validity.UNKNOWN, verdict
    assert "entry at index 2 is not known" in verdict.summary


def test_to_send_entries_that_no_trace_names_is_unknown() -> None:
    b = begun_with_logs(named=True)
    b["n1"].next_index["n3"] = 1
    b.replicate("n1", "n3")
    verdict = judge(b)
    assert verdict.validity is Validity.UNKNOWN, verdict
    assert any("sends entries that are not known" in item.text for item in verdict.evidence)
