"""Rechecks contradictions that need no search: a circle of values, a reply without a source, a wrong sum."""

from __future__ import annotations

from collections.abc import Hashable

from checkers.models.model import ANYTHING, Model, Scalar, ScalarAction, Sourced
from checkers.verification.certificate import CertificateError, Circle, NoSource, NoSum
from checkers.verification.data_types.operations import Keys, named, of_key


def recheck_circle(keys: Keys, model: Model, circle: Circle) -> None:
    """Recheck that the pairs of a circle follow each other in real time and belong together by value.

    Raises:
        CertificateError: a step of the circle does not hold.
    """
    if not isinstance(model, Scalar):
        raise CertificateError(f"a circle of values proves nothing about a {model.name}")
    if not circle.steps:
        raise CertificateError("a circle without steps")
    operations = of_key(keys, circle.key)
    put: dict[Hashable, list[int]] = {model.initial: [-1]}
    for operation in operations.values():
        effect = model.effect(operation.call)
        if effect.action in (ScalarAction.ADD, ScalarAction.APPEND):
            raise CertificateError(f"a circle of values proves nothing about a {model.name}")
        if effect.action is ScalarAction.PUT:
            put.setdefault(effect.argument, []).append(operation.begun)

    def shown(index: int) -> Hashable:
        effect = model.effect(named(operations, index).call)
        value = effect.argument if effect.action is ScalarAction.PUT else effect.expected
        if value is ANYTHING or len(put.get(value, ())) != 1:
            raise CertificateError(f"operation {index} shows no value that exactly one operation put")
        return value

    for place, (first, second) in enumerate(circle.steps):
        answered = operations[first].ended if first in operations else None
        if answered is None or answered >= second:
            raise CertificateError(f"operation {first} was not answered before operation {second} began")
        before, after = shown(first), shown(second)
        if before == after:
            if put[after] == [second]:
                return  # the value was shown before it was put
            raise CertificateError(f"operations {first} and {second} show the same value")
        if after == model.initial:
            return  # nothing comes before the initial value
        if shown(circle.steps[(place + 1) % len(circle.steps)][0]) != after:
            raise CertificateError(f"the circle is open after operation {second}")


def recheck_source(keys: Keys, model: Model, proof: NoSource) -> None:
    """Recheck that a reply shows what was not there at first, and what nothing begun before it can have made.

    Raises:
        CertificateError: it may have been there.
    """
    operations = of_key(keys, proof.key)
    reply = named(operations, proof.operation)
    if reply.ended is None:
        raise CertificateError(f"operation {proof.operation} has no reply")
    before = [one.call for one in operations.values() if one.begun < reply.ended and one is not reply]
    if isinstance(model, Scalar):
        effects = [model.effect(call) for call in before]
        if any(effect.action in (ScalarAction.ADD, ScalarAction.APPEND) for effect in effects):
            raise CertificateError(f"a missing source proves nothing about a {model.name}")
        wanted = {model.effect(reply.call).expected} - {ANYTHING}
        made = {model.initial}
        made |= {e.argument for e in effects if e.action is ScalarAction.PUT and e.argument != e.expected}
    elif isinstance(model, Sourced):
        flow = model.flow(reply.call)
        wanted = {*flow.needs, *flow.takes}
        made = set(model.there).union(*(model.flow(call).makes for call in before))
    else:
        raise CertificateError(f"a missing source proves nothing about a {model.name}")
    if wanted <= made:
        raise CertificateError(f"the reply of operation {proof.operation} has a source")


def recheck_sum(keys: Keys, model: Model, proof: NoSum) -> None:
    """Recheck that a number was read which no choice of the additions that may count adds up to.

    Additions that were answered before the read began count; of those that had begun when it was answered,
    any may count. So the number lies between the sum with all those that are negative and the sum with all
    those that are positive.

    Raises:
        CertificateError: the number lies between these.
    """
    operations = of_key(keys, proof.key)
    reply = named(operations, proof.operation)
    effect = model.effect(reply.call) if isinstance(model, Scalar) else None
    if effect is None or type(effect.expected) is not int or type(model.initial) is not int:
        raise CertificateError(f"operation {proof.operation} reads no number")
    if reply.ended is None:
        raise CertificateError(f"operation {proof.operation} has no reply")
    low = high = model.initial
    for one in operations.values():
        change = model.effect(one.call) if isinstance(model, Scalar) and one is not reply else effect
        if change.action not in (ScalarAction.ADD, ScalarAction.KEEP):
            raise CertificateError(f"a sum proves nothing about a {model.name}")
        if change.action is ScalarAction.KEEP or one.begun > reply.ended:
            continue
        counts = one.ended is not None and one.ended < reply.begun
        low += change.argument if counts else min(change.argument, 0)
        high += change.argument if counts else max(change.argument, 0)
    if low <= effect.expected <= high:
        raise CertificateError(f"the additions may have made {effect.expected}")
