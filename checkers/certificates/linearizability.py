"""Writes certificates about linearizability: an order of each key, or a refutation of one key."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np

from checkers.certificates.two_values import circle
from checkers.linearizability.answer import NEVER, Answer, Budget
from checkers.linearizability.by_model import confirmed
from checkers.linearizability.by_rule.deciding import Refuted, by_rule
from checkers.linearizability.distinct_values.distinct import Distinct, decided
from checkers.linearizability.engine import Engine
from checkers.linearizability.impossible import explain
from checkers.linearizability.never_written import never_written
from checkers.linearizability.part import HistoryParts, Part, parts
from checkers.models.model import Model
from checkers.verification.certificate import (
    Certificate,
    CertificateError,
    Claim,
    ClosedPart,
    NoSource,
    NoSum,
    Order,
    Proof,
)
from checkers.verification.data_types.circles import recheck_source, recheck_sum
from checkers.verification.data_types.closed_parts import ELEMENTS_OF, TooLarge, recheck_closed_part
from checkers.verification.data_types.operations import Keys, by_key
from checkers.verification.recheck import MOST_CONFIGURATIONS
from history import History
from history.values import encoded


def certificate_of(
    history: History, model: Model, budget: Budget, *, name: str, options: Mapping[str, str]
) -> Certificate:
    """The proof of what a history shows about a data type, or why there is none.

    Args:
        history: the history; its operations are ones that the model knows.
        model: the data type, with its initial state as the options say.
        budget: what the search of one key may cost.
        name: the model's name on the command line.
        options: the question's options.
    """

    def certificate(claim: Claim | None, proofs: tuple[Proof, ...], without: str = "") -> Certificate:
        return Certificate(name, claim, None, options, proofs, without)

    found = parts(history)
    if not (found.completed < NEVER).any():
        return certificate(None, (), "no operation was answered, so there is nothing to prove")
    contradiction = _contradiction(history, model, found)
    if contradiction is not None:
        return certificate(Claim.INVALID, (contradiction,))
    distinct = decided(history, model, budget)
    if distinct is not None and distinct.impossible.any():
        by_elements = _of_elements(history, distinct, model)
        if _holds(history, model, by_elements):
            return certificate(Claim.INVALID, (by_elements,))
        return certificate(None, (), "no proof of what was found without a search was found")
    engine = Engine(model)
    orders, undecided = [], ""
    for part in found:
        result = confirmed(engine, part, budget)
        if result.answer is Answer.NOT_LINEARIZABLE:
            refutation = _refutation(history, model, part, budget)
            if refutation is not None:
                return certificate(Claim.INVALID, (refutation,))
            undecided = f"key {part.key!r} has no order, but no short proof of it was found within the budget"
        elif result.answer is Answer.GAVE_UP:
            undecided = undecided or f"key {part.key!r} was not decided within {result.why}"
        else:
            places = np.asarray(result.order, dtype=np.int64)
            orders.append(Order(part.key, tuple(part.invoked[places].tolist())))
    if undecided:
        return certificate(None, (), undecided)
    return certificate(Claim.VALID, tuple(orders))


def _holds(history: History, model: Model, part: ClosedPart) -> bool:
    """Whether a closed part verifies, or is too large to be checked here."""
    try:
        recheck_closed_part(by_key(history), model, part, MOST_CONFIGURATIONS)
    except TooLarge:
        return True
    except CertificateError:
        return False
    return True


def _contradiction(history: History, model: Model, found: HistoryParts) -> Proof | None:
    """A reply that shows what was never there. What it takes more than one look to see has no such proof."""
    keys: Keys | None = None
    for place, reply in never_written(found, model).items():
        keys = by_key(history) if keys is None else keys
        key, operation = found.keys[place], int(found[place].invoked[reply.place])
        source, total = NoSource(key, operation), NoSum(key, operation)
        with suppress(CertificateError):
            recheck_source(keys, model, source)
            return source
        with suppress(CertificateError):
            recheck_sum(keys, model, total)
            return total
    return None


def _refutation(history: History, model: Model, part: Part, budget: Budget) -> Proof | None:
    """A short proof that a part has no order: a few operations, or all up to one reply."""
    found = circle(model, part)
    if found is not None:
        return found
    ruled = by_rule(model, part, budget)
    if isinstance(ruled, Refuted):
        return _on_elements(history, part.key, ruled.fewest().part, model)
    impossible = explain(model, part, budget)
    if impossible is None:
        return None
    return ClosedPart(part.key, int(impossible.part.completed[impossible.culprit]))


def _of_elements(history: History, distinct: Distinct, model: Model) -> ClosedPart:
    """A refutation of a set or queue by the operations on some of its elements."""
    key = int(np.flatnonzero(distinct.impossible)[0])
    return _on_elements(history, distinct.keys[key], distinct.small(key).part, model)


def _on_elements(history: History, key: str | None, small: Part, model: Model) -> ClosedPart:
    """All operations of a key on the elements that a few of them name."""
    until = int(small.completed[small.completed < NEVER].max())
    naming = [place for place in range(len(small)) if small.call(place).f in ELEMENTS_OF[model.name]]
    elements = dict.fromkeys(encoded(history[int(small.invoked[place])].value) for place in naming)
    return ClosedPart(key, until, tuple(elements))
