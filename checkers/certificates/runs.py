"""Writes certificates about a run: lines of traces that contradict Raft, and registrations that were lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from checkers.verdict import Evidence, Validity, Verdict
from checkers.verification.certificate import (
    Certificate,
    CertificateError,
    Claim,
    LostWrite,
    Proof,
    RunCertificates,
    TracedEvent,
    TracedEvents,
)
from checkers.verification.recheck import recheck_run
from checkers.verification.runs.registrations import SETS
from checkers.verification.runs.traces import INVARIANTS
from history import History, Recording


def certificates_of(recording: Recording, verdicts: Iterable[Verdict]) -> RunCertificates:
    """One certificate for each verdict of a run that has one; each was rechecked before it is written."""
    invalid = [verdict for verdict in verdicts if verdict.validity is Validity.INVALID]
    found = (_certificate(recording, verdict) for verdict in invalid)
    return RunCertificates(tuple(certificate for certificate in found if certificate is not None))


def _certificate(recording: Recording, verdict: Verdict) -> Certificate | None:
    for evidence in verdict.evidence:
        for proof in _proofs(recording.history, verdict.checker, evidence):
            certificate = Certificate(verdict.checker, Claim.INVALID, proofs=(proof,))
            try:
                recheck_run(recording, certificate)
            except CertificateError:
                continue
            return certificate
    return None


def _proofs(history: History, checker: str, evidence: Evidence) -> Iterator[Proof]:
    if checker in INVARIANTS and evidence.events:
        events = tuple(TracedEvent(event.node, event.life, event.seq) for event in evidence.events)
        yield TracedEvents(events[:2])
    whole = len(history)  # a cut history may lack operations that a trace names
    operations = [history[index] for index in evidence.operations if index < whole]
    begun = dict.fromkeys(o.index if o.type == "invoke" else history.invocation(o).index for o in operations)
    writes = [index for index in begun if history[index].f in SETS]
    reads = [index for index in begun if history[index].f in ("lookup", "list", "final-list")]
    for write, read in product(writes, reads):
        yield LostWrite(write, read)
