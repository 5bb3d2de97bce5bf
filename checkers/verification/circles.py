"""Rechecks contradictions between a few operations: a circle of values, or a reply without a source."""

from __future__ import annotations

from collections.abc import Hashable

from checkers.models.model import ANYTHING, Model, Scalar, ScalarAction
from checkers.verification.certificate import CertificateError, Circle, NoSource
from checkers.verification.operations import Keys, named, of_key


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
    """Recheck that a reply shows a value that is neither initial nor put by an operation begun before it.

    Raises:
        CertificateError: some operation may have put the value there.
    """
    operations = of_key(keys, proof.key)
    reply = named(operations, proof.operation)
    if reply.ended is None:
        raise CertificateError(f"operation {proof.operation} has no reply")
    before = [one for one in operations.values() if one.begun < reply.ended and one is not reply]
    if isinstance(model, Scalar):
        wanted = model.effect(reply.call).expected
        effects = [model.effect(one.call) for one in before]
        if any(effect.action in (ScalarAction.ADD, ScalarAction.APPEND) for effect in effects):
            raise CertificateError(f"a missing source proves nothing about a {model.name}")
        sources = {
            effect.argument
            for effect in effects
            if effect.action is ScalarAction.PUT and effect.argument != effect.expected
        }
        if wanted is ANYTHING or wanted == model.initial or wanted in sources:
            raise CertificateError(f"the reply of operation {proof.operation} has a source")
        return
    sources = {one.call.argument for one in before if one.call.f in ("add", "enqueue")}
    match model.name, reply.call.f:
        case "queue", "dequeue":
            shown = () if reply.call.result is None else (reply.call.result,)
        case "set", "read":
            shown = tuple(reply.call.result)
        case "set", "contains":
            shown = (reply.call.argument,) if reply.call.result is True else ()
        case _:
            shown = ()
    if all(value in sources for value in shown):
        raise CertificateError(f"the reply of operation {proof.operation} has a source")
