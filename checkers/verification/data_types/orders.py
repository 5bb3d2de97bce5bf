"""Rechecks orders of operations: real time allows them, and the data type gives every reply as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from checkers.models.model import IMPOSSIBLE, Model
from checkers.verification.certificate import CertificateError, Order
from checkers.verification.data_types.operations import Keys, Operated, named, of_key


def recheck_orders(keys: Keys, model: Model, orders: Iterable[Order]) -> None:
    """Recheck that there is an order for each key, and that each order explains every reply.

    Raises:
        CertificateError: one of them does not.
    """
    proved = set()
    for order in orders:
        if order.key in proved:
            raise CertificateError(f"two orders of key {order.key!r}")
        proved.add(order.key)
        _recheck_order(of_key(keys, order.key), model, order)
    if missing := [key for key in keys if key not in proved]:
        raise CertificateError(f"no order of key {missing[0]!r}")


def _recheck_order(operations: Mapping[int, Operated], model: Model, order: Order) -> None:
    ordered = [named(operations, index) for index in order.operations]
    if len(set(order.operations)) != len(ordered):
        raise CertificateError(f"the order of key {order.key!r} names an operation twice")
    placed = set(order.operations)
    for operation in operations.values():
        if operation.ended is not None and operation.begun not in placed:
            raise CertificateError(f"operation {operation.begun} was answered and is not in the order")
    latest = -1
    for operation in ordered:
        latest = max(latest, operation.begun)
        if operation.ended is not None and operation.ended < latest:
            raise CertificateError(
                f"operation {operation.begun} was answered before operation {latest} began, "
                "and comes after it in the order"
            )
    state: Any = model.initial
    for operation in ordered:
        state = model.step(state, operation.call)
        if state is IMPOSSIBLE:
            raise CertificateError(f"at operation {operation.begun} the order contradicts the reply")
