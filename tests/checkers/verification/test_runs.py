"""What lines of traces and lost registrations prove, and what they do not."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from checkers.certificates.runs import certificates_of
from checkers.check_all import results
from checkers.verification.certificate import (
    Certificate,
    CertificateError,
    Claim,
    LostWrite,
    RunCertificates,
    TracedEvent,
    TracedEvents,
    loaded_of_run,
    stored,
)
from checkers.verification.recheck import recheck_run
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.workload import workload
from history import NodeTrace, TraceEntry, TraceEvent
from tests.checkers.builders import HistoryBuilder, recording


def event(node: str, seq: int, name: str, *, life: int = 1, **state: object) -> TraceEvent:
    usual: dict[str, object] = {"term": 1, "role": "follower", "commit": 0, "applied": 0, "last": 0}
    return TraceEvent(seq=seq, at=seq, event=name, node=node, life=life, **{**usual, **state})  # type: ignore[arg-type]


def entry(index: int, term: int, content: str) -> TraceEntry:
    return TraceEntry(index, term, content)


CONTRADICTIONS: dict[str, Sequence[TraceEvent]] = {
    "election-safety": (event("n1", 1, "role", role="leader"), event("n2", 1, "role", role="leader")),
    "one-vote-a-term": (event("n1", 1, "vote", vote="n2"), event("n1", 2, "vote", vote="n3")),
    "log-matching": (
        event("n1", 1, "append", entries=(entry(1, 1, "a"), entry(2, 1, "b"))),
        event("n2", 1, "append", entries=(entry(2, 1, "c"),)),
    ),
    "state-machine-safety": (
        event("n1", 1, "apply", entries=(entry(1, 1, "a"),)),
        event("n2", 1, "apply", entries=(entry(1, 2, "c"),)),
    ),
    "term-monotonic": (event("n1", 1, "term", term=3), event("n1", 2, "term", term=2)),
    "commit-monotonic": (
        event("n1", 1, "commit", commit=2, last=2),
        event("n1", 2, "commit", commit=1, last=2),
    ),
    "leader-append-only": (event("n1", 1, "truncate", role="leader", index=1),),
    "committed-never-truncated": (event("n1", 1, "truncate", index=1, commit=1, last=1),),
}
FORGOTTEN = (event("n1", 9, "synced", term=3, index=0), event("n1", 1, "restart", life=2, term=2))
INNOCENT: dict[str, Sequence[TraceEvent]] = {
    "election-safety": (event("n1", 1, "role", role="leader"), event("n2", 1, "role", role="leader", term=2)),
    "one-vote-a-term": (event("n1", 1, "vote", vote="n2"), event("n2", 1, "vote", vote="n3")),
    "log-matching": (
        event("n1", 1, "append", entries=(entry(2, 1, "b"),)),
        event("n2", 1, "append", entries=(entry(2, 2, "c"),)),
    ),
    "state-machine-safety": (
        event("n1", 1, "apply", entries=(entry(1, 1, "a"),)),
        event("n2", 1, "apply", entries=(entry(1, 1, "a"),)),
    ),
    "term-monotonic": (event("n1", 1, "term", term=3), event("n2", 2, "term", term=2)),
    "commit-monotonic": (
        event("n1", 1, "commit", commit=2, last=2),
        event("n1", 1, "restart", life=2, commit=1, last=2),
    ),
    "leader-append-only": (event("n1", 1, "truncate", index=1),),
    "committed-never-truncated": (event("n1", 1, "truncate", index=2, commit=1, last=1),),
}


def rechecked(invariant: str, events: Sequence[TraceEvent], named: Sequence[TracedEvent]) -> str:
    nodes = {one.node for one in events}
    traces = {node: NodeTrace(node, tuple(one for one in events if one.node == node)) for node in nodes}
    built = HistoryBuilder()
    recorded = msgspec.structs.replace(recording(built), traces=traces)
    return recheck_run(recorded, Certificate(invariant, Claim.INVALID, proofs=(TracedEvents(tuple(named)),)))


def names(events: Sequence[TraceEvent]) -> list[TracedEvent]:
    return [TracedEvent(one.node, one.life, one.seq) for one in events]


@pytest.mark.parametrize("invariant", CONTRADICTIONS)
def test_lines_that_contradict_an_invariant_verify(invariant: str) -> None:
    events = CONTRADICTIONS[invariant]
    assert f"contradict {invariant}" in rechecked(invariant, events, names(events))


def test_a_term_that_was_on_disk_and_is_forgotten_verifies() -> None:
    assert "contradict term-monotonic" in rechecked("term-monotonic", FORGOTTEN, names(FORGOTTEN))
    not_on_disk = (event("n1", 9, "term", term=3), FORGOTTEN[1])
    with pytest.raises(CertificateError, match="do not contradict"):
        rechecked("term-monotonic", not_on_disk, names(not_on_disk))


@pytest.mark.parametrize("invariant", INNOCENT)
def test_lines_that_contradict_nothing_are_refused(invariant: str) -> None:
    with pytest.raises(CertificateError, match="do not contradict"):
        rechecked(invariant, INNOCENT[invariant], names(INNOCENT[invariant]))


@pytest.mark.parametrize("invariant", CONTRADICTIONS)
def test_a_line_that_is_not_in_the_trace_proves_nothing(invariant: str) -> None:
    events = CONTRADICTIONS[invariant]
    with pytest.raises(CertificateError, match="no line 77"):
        rechecked(invariant, events, [TracedEvent("n1", 1, 77), *names(events)[1:]])


def lost() -> HistoryBuilder:
    """Operation 0 registers, operation 2 lists nothing."""
    built = HistoryBuilder()
    built.invoke(1, "register", "web/1.1.1.1:80", "r1")
    built.ok(1)
    built.invoke(2, "list", "web")
    built.ok(2, {})
    return built


def proved(built: HistoryBuilder, write: int = 0, read: int = 2) -> str:
    certificate = Certificate("durability", Claim.INVALID, proofs=(LostWrite(write, read),))
    return recheck_run(recording(built), certificate)


def test_a_registration_that_a_list_had_to_show_is_lost() -> None:
    assert "operation 2 had to show what operation 0 registered" in proved(lost())


def test_a_registration_that_another_write_may_have_replaced_is_not_shown_to_be_lost() -> None:
    built = HistoryBuilder()
    built.invoke(3, "deregister", "web/1.1.1.1:80")
    built.invoke(1, "register", "web/1.1.1.1:80", "r1")
    built.ok(1)
    built.invoke(2, "list", "web")
    built.ok(2, {})
    with pytest.raises(CertificateError, match="operation 0 may have replaced what 1 registered"):
        proved(built, 1, 3)


def test_a_read_that_shows_it_or_began_too_early_proves_nothing() -> None:
    built = HistoryBuilder()
    built.invoke(2, "list", "web")
    built.invoke(1, "register", "web/1.1.1.1:80", "r1")
    built.ok(1)
    built.ok(2, {})
    with pytest.raises(CertificateError, match="began before 1 was acknowledged"):
        proved(built, 1, 0)
    built.invoke(4, "lookup", "web/1.1.1.1:80")
    built.ok(4, "r1")
    with pytest.raises(CertificateError, match="shows the registration"):
        proved(built, 1, 4)
    built.invoke(5, "lookup", "db/1.1.1.1:80")
    built.ok(5, None)
    with pytest.raises(CertificateError, match="does not read"):
        proved(built, 1, 6)


@pytest.mark.parametrize(
    ("mutant", "seed", "expected"),
    [("vote-twice", 0, "one-vote-a-term"), ("acknowledge-early", 0, "durability")],
)
def test_a_run_with_a_seeded_bug_has_certificates_that_verify(mutant: str, seed: int, expected: str) -> None:
    plan = plan_of(seed, SeedOptions(mutant=mutant))
    recorded = run(plan).recording()
    suite = workload(plan.test.workload, plan.test.nodes, plan.test.concurrency).checkers
    found = certificates_of(recorded, results(suite, recorded).verdicts)
    assert expected in [certificate.model for certificate in found.certificates]
    assert loaded_of_run(stored(found)) == found
    for certificate in loaded_of_run(stored(found)).certificates:
        recheck_run(recorded, certificate)


def test_without_violations_there_is_nothing_to_prove() -> None:
    assert certificates_of(recording(lost()), []) == RunCertificates(())
