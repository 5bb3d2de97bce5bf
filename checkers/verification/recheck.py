"""Rechecks a whole certificate against the history that it is about."""

from __future__ import annotations

from collections.abc import Sequence

from checkers.models.model import IllegalCall, Model
from checkers.verification.certificate import (
    Anomaly,
    Certificate,
    CertificateError,
    Circle,
    Claim,
    ClosedPart,
    CommitOrder,
    Dependencies,
    ForcedOrders,
    LostWrite,
    NoSource,
    NoSum,
    Order,
    Proof,
    SnapshotOrder,
    TracedEvents,
)
from checkers.verification.data_types.circles import recheck_circle, recheck_source, recheck_sum
from checkers.verification.data_types.closed_parts import recheck_closed_part
from checkers.verification.data_types.operations import by_key
from checkers.verification.data_types.orders import recheck_orders
from checkers.verification.runs.registrations import recheck_lost_write
from checkers.verification.runs.traces import recheck_events
from checkers.verification.transactions import own_steps, values
from checkers.verification.transactions.anomalies import recheck_anomaly
from checkers.verification.transactions.commit_orders import recheck_commit_order, recheck_snapshot_order
from checkers.verification.transactions.dependencies import recheck_dependencies
from checkers.verification.transactions.forced_orders import recheck_forced_orders
from checkers.verification.transactions.levels import (
    SHOWN_BY_ORDERS,
    SHOWN_BY_SNAPSHOTS,
    SNAPSHOT_ISOLATION,
    level_of,
)
from checkers.verification.transactions.stated import refuse_written_again, stated_by
from checkers.verification.transactions.steps import facts_of
from checkers.words import plural
from history import History, Recording

MOST_CONFIGURATIONS = 2_000_000
"""How far the search of a closed part goes before it is given up as too large."""
ANOMALIES = {**values.KINDS, **own_steps.KINDS}
"""The anomalies that need no circle, by their names."""


def recheck_linearizability(
    history: History, model: Model, certificate: Certificate, most_configurations: int = MOST_CONFIGURATIONS
) -> str:
    """Recheck a certificate about a data type; the answer says in words what was proved.

    Raises:
        CertificateError: the certificate does not prove its claim.
        TooLarge: the search that it asks for exceeds `most_configurations`.
    """
    try:
        if certificate.claim is Claim.VALID:
            return _ordered(history, model, certificate.proofs)
        return _without_order(history, model, certificate.proofs, most_configurations)
    except IllegalCall as refusal:
        raise CertificateError(f"the history has an operation that a {model.name} lacks: {refusal}") from None


def _ordered(history: History, model: Model, proofs: Sequence[Proof]) -> str:
    keys = by_key(history)
    orders = [proof for proof in proofs if isinstance(proof, Order)]
    if len(orders) < len(proofs):
        raise CertificateError("a valid history is proved by orders alone")
    operations = sum(len(order.operations) for order in orders)
    if not operations:
        raise CertificateError("the orders hold no operation, so they prove nothing")
    recheck_orders(keys, model, orders)
    return f"an order of {plural(operations, 'operation')} on {plural(len(keys), 'key')} explains every reply"


def _of(key: str | None) -> str:
    return "" if key is None else f" of key {key!r}"


def _without_order(history: History, model: Model, proofs: Sequence[Proof], most_configurations: int) -> str:
    keys = by_key(history)
    for proof in proofs:
        match proof:
            case Circle():
                recheck_circle(keys, model, proof)
                return f"two values{_of(proof.key)} each came before the other"
            case NoSource():
                recheck_source(keys, model, proof)
                return f"operation {proof.operation} shows a value that nothing had put there"
            case NoSum():
                recheck_sum(keys, model, proof)
                return f"operation {proof.operation} shows a number that the additions do not add up to"
            case ClosedPart():
                recheck_closed_part(keys, model, proof, most_configurations)
                return f"the operations{_of(proof.key)} up to operation {proof.until} have no order"
    raise CertificateError("no proof of a violation")


def recheck_transactions(history: History, certificate: Certificate, *, lists: bool) -> str:
    """Recheck a certificate about transactions; the answer says in words what was proved.

    Raises:
        CertificateError: the certificate does not prove its claim.
    """
    level = certificate.consistency or "strict-serializable"
    base, sessions, real_time = level_of(level, lists=lists)
    initial, duplicates = stated_by(certificate, lists=lists)
    facts = facts_of(history, lists=lists, initial=initial)
    if not duplicates:
        refuse_written_again(facts)
    if len(certificate.proofs) != 1:
        raise CertificateError(
            f"a certificate about transactions has one proof, not {len(certificate.proofs)}"
        )
    match certificate.claim, certificate.proofs[0]:
        case Claim.VALID, CommitOrder() as order:
            recheck_commit_order(facts, order, sessions=sessions, real_time=real_time)
            return f"an order of {plural(len(order.transactions), 'transaction')} explains every read"
        case Claim.VALID, SnapshotOrder() as order if base in SHOWN_BY_SNAPSHOTS:
            recheck_snapshot_order(facts, order, sessions=sessions, real_time=real_time)
            return f"an order of {len(order.moments) // 2} snapshots and commits explains every read"
        case Claim.INVALID, Dependencies() as circle:
            recheck_dependencies(facts, circle, base, sessions=sessions, real_time=real_time)
            return f"{len(circle.edges)} transactions depend on each other in a circle"
        case Claim.INVALID, ForcedOrders() as forced if base in (*SHOWN_BY_ORDERS, SNAPSHOT_ISOLATION):
            apart = base == SNAPSHOT_ISOLATION
            recheck_forced_orders(facts, forced, snapshots=apart, sessions=sessions, real_time=real_time)
            return f"after {plural(len(forced.steps), 'order')} that must hold, no order is left"
        case Claim.INVALID, Anomaly() as anomaly:
            recheck_anomaly(facts, anomaly, base, ANOMALIES)
            return f"{anomaly.name}: no level from {level} up allows it"
    raise CertificateError(f"this proof does not show that the history is {certificate.claim} at {level}")


def recheck_run(recording: Recording, certificate: Certificate) -> str:
    """Recheck a certificate about a run; the answer says in words what was proved.

    Raises:
        CertificateError: the certificate does not prove its claim.
    """
    match certificate.claim, certificate.proofs:
        case Claim.INVALID, (TracedEvents() as events,):
            recheck_events(recording.traces, certificate.model, events)
            lines = ", ".join(f"{one.node} life {one.life} line {one.seq}" for one in events.events)
            return f"these lines of the traces contradict {certificate.model}: {lines}"
        case Claim.INVALID, (LostWrite() as lost,):
            recheck_lost_write(recording.history, lost)
            return f"operation {lost.read} had to show what operation {lost.write} registered"
    raise CertificateError(f"this proof does not show that {certificate.model} is {certificate.claim}")
