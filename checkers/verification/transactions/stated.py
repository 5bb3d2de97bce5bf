"""What a certificate about registers states of their values: the initial one, and whether any comes twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from checkers.verification.certificate import Certificate, CertificateError
from checkers.verification.transactions.steps import Facts


class Stated(NamedTuple):
    """The options of a certificate about transactions."""

    initial: str | None
    """What each register holds at first, as a JSON text; None of lists."""
    duplicates: bool
    """Whether a key may be written the same value twice."""


def stated_by(certificate: Certificate, *, lists: bool) -> Stated:
    """The options that a certificate states.

    Raises:
        CertificateError: there is no such option, or no such value of it.
    """
    options: Mapping[str, str] = certificate.options
    strange = sorted({*options} - ({"initial", "duplicates"} if not lists else set()))
    if strange:
        raise CertificateError(f"there is no option {strange[0]!r} of {certificate.model}")
    duplicates = options.get("duplicates", "false")
    if duplicates not in ("true", "false"):
        raise CertificateError(f"duplicates is true or false, not {duplicates!r}")
    return Stated(None if lists else options.get("initial", "null"), duplicates == "true")


def refuse_written_again(facts: Facts) -> None:
    """Refuse a history in which a key was written the same value twice, or what a register held at first.

    Raises:
        CertificateError: it has such a write, and the certificate does not state `duplicates`.
    """
    written: set[tuple[str, str]] = set()
    for index, transaction in facts.transactions.items():
        for step in transaction.writes:
            if (step.key, step.value) in written or step.value == facts.initial:
                raise CertificateError(
                    f"operation {index} writes {step.value} to {step.key} once more, and the "
                    "certificate does not state duplicates=true"
                )
            written.add((step.key, step.value))
