"""Every verdict of the checkers' own tests is proved once more, by what knows nothing of the checkers; and
every number in it must be that of an operation, which is the index of its invocation."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest

import checkers
from checkers.certificates import linearizability as of_data_types
from checkers.certificates import transactions as of_transactions
from checkers.linearizability.answer import Budget
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.linearizability.tally import NONE_PROVED, Proved
from checkers.transactions.consistency import LIST_APPEND
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity, Verdict
from checkers.verification.data_types.closed_parts import TooLarge
from checkers.verification.recheck import recheck_linearizability, recheck_transactions
from history import Recording
from history.values import encoded
from tests.numbers import misnamed

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


@pytest.fixture(autouse=True, scope="session")
def numbered() -> Iterator[None]:
    """Refuse a verdict of any checker that names an operation by its completion."""
    with pytest.MonkeyPatch.context() as patch:
        for checker in _all_checkers():
            for method in ("check", "judge"):
                if method in vars(checker):
                    patch.setattr(checker, method, _numbered(vars(checker)[method]))
        yield


def _all_checkers() -> Iterator[type[Any]]:
    """Every class of the package that gives a verdict on a recording."""
    for module in pkgutil.walk_packages(checkers.__path__, "checkers."):
        loaded = importlib.import_module(module.name)
        for _, member in inspect.getmembers(loaded, inspect.isclass):
            if member.__module__ == module.name and {"check", "judge"} & vars(member).keys():
                yield member


def _numbered(judge: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(judge)
    def judged(checker: Any, *arguments: Any, **more: Any) -> Any:
        verdict = judge(checker, *arguments, **more)
        if isinstance(verdict, Verdict) and arguments and isinstance(arguments[0], Recording):
            wrong = misnamed(arguments[0].history, verdict)
            assert not wrong, f"{verdict.checker} names completions: {wrong}"
        return verdict

    return judged


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
    return options if initial is None else {**options, "initial": encoded(initial)}
