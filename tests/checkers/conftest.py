"""Every verdict of the checkers' own tests is proved once more, by what knows nothing of the checkers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checkers.certificates import linearizability as of_data_types
from checkers.certificates import transactions as of_transactions
from checkers.linearizability.answer import Budget
from checkers.linearizability.by_model import NONE_PROVED, LinearizabilityOf, Proved
from checkers.transactions.consistency import LIST_APPEND
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity, Verdict
from checkers.verification.data_types.closed_parts import TooLarge
from checkers.verification.recheck import recheck_linearizability, recheck_transactions
from checkers.verification.transactions.steps import text_of
from history import Recording

MOST_VERDICTS = 40
"""How many verdicts of each test are proved."""
MOST_OPERATIONS = 60
"""Longer histories are left to the tests of certificates."""
MOST_CONFIGURATIONS = 20_000


@pytest.fixture(autouse=True)
def proved(request: pytest.FixtureRequest) -> Iterator[None]:
    """Write and recheck the certificates of the first verdicts on small histories.

    A test that replaces parts of a checker gets none, as its verdicts are meant to be wrong.
    """
    if "monkeypatch" in request.fixturenames:
        yield
        return
    left = [MOST_VERDICTS]

    def wanted(recording: Recording, verdict: Verdict) -> bool:
        decided = verdict.validity is not Validity.UNKNOWN
        left[0] -= decided
        return decided and left[0] >= 0 and len(recording.history) <= MOST_OPERATIONS

    def judge_data_type(
        checker: LinearizabilityOf, recording: Recording, proved: Proved = NONE_PROVED
    ) -> Verdict:
        verdict = of_data_type(checker, recording, proved)
        if wanted(recording, verdict):
            _prove_data_type(checker, recording, verdict)
        return verdict

    def judge_isolation(checker: Isolation, recording: Recording) -> Verdict:
        verdict = of_isolation(checker, recording)
        if wanted(recording, verdict):
            _prove_transactions(checker, recording, verdict)
        return verdict

    of_data_type, of_isolation = LinearizabilityOf.judge, Isolation.judge
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LinearizabilityOf, "judge", judge_data_type)
        patch.setattr(Isolation, "judge", judge_isolation)
        yield


def _prove_data_type(judge: LinearizabilityOf, recording: Recording, verdict: Verdict) -> None:
    history, model = recording.history, judge.model
    budget = Budget(MOST_CONFIGURATIONS)
    certificate = of_data_types.certificate_of(history, model, budget, name=model.name, options={})
    if certificate.claim is None:
        return
    assert certificate.claim.value == verdict.validity.value, (verdict, certificate)
    try:
        recheck_linearizability(history, model, certificate, MOST_CONFIGURATIONS)
    except TooLarge:
        return


def _prove_transactions(isolation: Isolation, recording: Recording, verdict: Verdict) -> None:
    certificate = of_transactions.certificate_of(
        recording.history,
        verdict,
        workload=isolation.workload,
        consistency=isolation.consistency,
        options={} if isolation.workload == LIST_APPEND else _options(isolation),
    )
    if certificate.claim is not None:
        recheck_transactions(recording.history, certificate, lists=isolation.workload == LIST_APPEND)


def _options(isolation: Isolation) -> dict[str, str]:
    """What is assumed of registers, as the command line takes it."""
    duplicates, initial = isolation.assumed
    options = {"duplicates": "true"} if duplicates else {}
    return options if initial is None else {**options, "initial": text_of(initial)}
