"""What cannot be told is unknown: a proof of nothing, a trace with gaps, messages that say too little."""

from __future__ import annotations

import msgspec
import pytest

from checkers.verdict import Validity
from harness.history import NodeTrace
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


def test_a_violation_is_invalid_even_if_another_trace_has_a_gap() -> None:
    b = settled()
    votes_twice(b)
    traces = b.traces()
    traces["n2"] = NodeTrace("n2", traces["n2"].events, ("n2: a gap",))
    assert judge(traces).validity is Validity.INVALID
