"""Certificates of verdicts: writing one for a history that was judged, and rechecking one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ackproof.judging.checking import Question
from ackproof.judging.limits import LimitReached, within
from checkers.judges import ISOLATION
from checkers.models import MODELS
from checkers.transactions.consistency import LIST_APPEND, STRICT_SERIALIZABLE
from checkers.verdict import Verdict
from checkers.verification.certificate import (
    Certificate,
    CertificateError,
    Claim,
    loaded,
    loaded_of_run,
    stored,
)
from checkers.verification.data_types.closed_parts import TooLarge
from checkers.verification.recheck import recheck_linearizability, recheck_run, recheck_transactions
from harness.errors import CouldNotRun
from history import Recording
from history.formats import RecordedHistory


class Rechecked(NamedTuple):
    """What rechecking a certificate showed."""

    claim: str | None
    proved: bool | None
    """None if there is no proof, or one that is too large to recheck."""
    why: str


def certify(recorded: RecordedHistory, question: Question, verdict: Verdict) -> Certificate:
    """The certificate of a verdict on a history, or one that says why there is none."""
    # Here, since these load what searches and judges.
    if question.model in ISOLATION:
        from checkers.certificates.transactions import certificate_of as of_transactions

        consistency = question.consistency or STRICT_SERIALIZABLE
        try:
            with within(question.budget):
                found = of_transactions(
                    recorded.history,
                    verdict,
                    workload=question.model,
                    consistency=consistency,
                    options=question.options,
                )
        except LimitReached as limit:
            return _without(question, f"{limit} is used up")
    elif question.model in MODELS:
        from checkers.certificates.linearizability import certificate_of as of_data_type

        model = question.data_type()
        found = of_data_type(
            recorded.history, model, question.budget, name=question.model, options=question.options
        )
    else:
        return _without(question, f"verdicts of {question.model} have no certificates yet")
    if found.claim is not None and found.claim.value != verdict.validity.value:
        return _without(question, f"the verdict is {verdict.validity.value}: {verdict.summary}")
    return found


def certify_run(recording: Recording, verdicts: Sequence[Verdict], path: Path) -> str:
    """Write the certificates of a run's verdicts; the answer says which verdicts have one.

    Raises:
        CouldNotRun: the file cannot be written.
    """
    from checkers.certificates.runs import certificates_of

    found = certificates_of(recording, verdicts)
    try:
        path.write_bytes(stored(found))
    except OSError as error:
        raise CouldNotRun(f"cannot write the certificates to {path}: {error.strerror}") from error
    proved = ", ".join(certificate.model for certificate in found.certificates)
    return f"{path}: {proved}" if proved else f"{path}: none, as no verdict has a certificate"


def recheck_all(
    recording: Recording, content: bytes, tell_share: Callable[[float], None] = lambda _: None
) -> list[Rechecked]:
    """Recheck the stored certificates of a run, each by itself; after each, say which share is done."""
    try:
        found = loaded_of_run(content).certificates
    except CertificateError as refusal:
        return [Rechecked(None, False, str(refusal))]
    rechecked = []
    for certificate in found:
        rechecked.append(_rechecked(recording, certificate))
        tell_share(len(rechecked) / len(found))
    return rechecked


def _rechecked(recording: Recording, certificate: Certificate) -> Rechecked:
    try:
        return Rechecked(certificate.claim, True, recheck_run(recording, certificate))
    except CertificateError as refusal:
        return Rechecked(certificate.claim, False, str(refusal))


def _without(question: Question, reason: str) -> Certificate:
    return Certificate(question.model, None, question.consistency, question.options, (), reason)


def recheck(recorded: RecordedHistory, content: bytes, most_configurations: int) -> Rechecked:
    """Recheck a stored certificate against the history that it is about."""
    claim: Claim | None = None
    try:
        certificate = loaded(content)
        claim = certificate.claim
        if claim is None:
            return Rechecked(None, None, certificate.without or "the certificate holds no proof")
        if certificate.model in ISOLATION:
            lists = certificate.model == LIST_APPEND
            why = recheck_transactions(recorded.history, certificate, lists=lists)
        elif certificate.model in MODELS:
            model = Question(certificate.model, options=certificate.options).data_type()
            why = recheck_linearizability(recorded.history, model, certificate, most_configurations)
        else:
            raise CertificateError(f"no certificate is known for {certificate.model!r}")
    except ValueError as refusal:  # a CertificateError, or an option that the data type lacks
        return Rechecked(None if claim is None else claim.value, False, str(refusal))
    except TooLarge as limit:
        return Rechecked(None if claim is None else claim.value, None, str(limit))
    return Rechecked(claim.value, True, why)
