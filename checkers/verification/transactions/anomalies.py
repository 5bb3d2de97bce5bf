"""Rechecks anomalies that a few transactions show by themselves, without any circle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from checkers.verification.certificate import Anomaly, CertificateError
from checkers.verification.transactions.steps import Facts, Transaction


class Kind(NamedTuple):
    """A kind of anomaly."""

    excluded_from: Sequence[str]
    """The levels that exclude it."""
    shown: Callable[[Facts, Sequence[Transaction]], bool]
    """Whether these transactions show it."""


def recheck_anomaly(facts: Facts, proof: Anomaly, base: str, kinds: Mapping[str, Kind]) -> None:
    """Recheck an anomaly that needs no circle, and that the level excludes it.

    Args:
        facts: the transactions.
        proof: the anomaly.
        base: the level without what is said of sessions and real time.
        kinds: the anomalies by their names.

    Raises:
        CertificateError: the transactions do not show it, or the level allows it.
    """
    kind = kinds.get(proof.name)
    if kind is None or base not in kind.excluded_from:
        raise CertificateError(f"{base} does not exclude {proof.name!r}")
    if not kind.shown(facts, [facts.named(index) for index in proof.transactions]):
        raise CertificateError(f"these transactions do not show {proof.name}")
