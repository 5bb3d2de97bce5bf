"""Rechecks a whole certificate against the history that it is about."""

from __future__ import annotations

from collections.abc import Sequence

from checkers.models.model import IllegalCall, Model
from checkers.verification.certificate import (
    Certificate,
    CertificateError,
    Circle,
    Claim,
    ClosedPart,
    NoSource,
    Order,
    Proof,
)
from checkers.verification.circles import recheck_circle, recheck_source
from checkers.verification.closed_parts import recheck_closed_part
from checkers.verification.operations import by_key
from checkers.verification.orders import recheck_orders
from history import History

MOST_CONFIGURATIONS = 2_000_000
"""How far the search of a closed part goes before it is given up as too large."""


def recheck_linearizability(
    history: History, model: Model, certificate: Certificate, most_configurations: int = MOST_CONFIGURATIONS
) -> str:
    """Recheck a certificate about a data type; the answer says in words what was proved.

    Raises:
        CertificateError: the certificate does not prove its claim.
        TooLarge: the search that it asks for exceeds `most_configurations`.
    """
    proofs = certificate.proofs
    keys = by_key(history)
    try:
        if certificate.claim is Claim.VALID:
            orders = [proof for proof in proofs if isinstance(proof, Order)]
            if len(orders) < len(proofs):
                raise CertificateError("a valid history is proved by orders alone")
            if not any(order.operations for order in orders):
                raise CertificateError("the orders hold no operation, so they prove nothing")
            recheck_orders(keys, model, orders)
            operations = sum(len(order.operations) for order in orders)
            return f"an order of {operations} operations on {len(keys)} keys explains every reply"
        return _refuted(history, model, proofs, most_configurations)
    except IllegalCall as refusal:
        raise CertificateError(f"the history has an operation that a {model.name} lacks: {refusal}") from None


def _refuted(history: History, model: Model, proofs: Sequence[Proof], most_configurations: int) -> str:
    keys = by_key(history)
    for proof in proofs:
        match proof:
            case Circle():
                recheck_circle(keys, model, proof)
                return f"the values of key {proof.key!r} replaced each other in a circle"
            case NoSource():
                recheck_source(keys, model, proof)
                return f"operation {proof.operation} shows a value that nothing had put there"
            case ClosedPart():
                recheck_closed_part(keys, model, proof, most_configurations)
                return f"the operations of key {proof.key!r} up to {proof.until} have no order"
    raise CertificateError("no proof of a violation")
