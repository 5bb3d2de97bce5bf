"""The transactions of a history as steps, read without the arrays that judges use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from checkers.verification.certificate import CertificateError
from history import History
from history.values import encoded


def text_of(value: Any) -> str:
    """A value as the JSON text of a history: two values are the same if their texts are."""
    return encoded(value)


class Step(NamedTuple):
    """One step of a transaction; key and values are JSON texts."""

    f: str
    """`append`, `w` or `r`."""
    key: str
    value: str
    """What was written; of a register also what was read."""
    elements: tuple[str, ...] = ()
    """What was read of a list."""


@dataclass(frozen=True)
class Transaction:
    """A transaction; its reads count only if it is `ok`."""

    begun: int
    ended: int | None
    """The index of its completion; None if there is none."""
    process: int
    outcome: str
    """`ok`, `fail` or `info`."""
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        """Whether it certainly committed."""
        return self.outcome == "ok"

    @cached_property
    def reads(self) -> tuple[Step, ...]:
        """Its reads with a reply."""
        return tuple(step for step in self.steps if step.f == "r") if self.ok else ()

    @cached_property
    def writes(self) -> tuple[Step, ...]:
        """Its writes and appends."""
        return tuple(step for step in self.steps if step.f != "r")


@dataclass(frozen=True)
class Facts:
    """What a history says: transactions by the index of their invocation, and who wrote each value."""

    transactions: Mapping[int, Transaction]
    lists: bool
    initial: str

    @cached_property
    def writers(self) -> Mapping[tuple[str, str], Sequence[Transaction]]:
        """By key and value the transactions that wrote it, failed ones too."""
        found: dict[tuple[str, str], list[Transaction]] = {}
        for transaction in self.transactions.values():
            for step in transaction.writes:
                found.setdefault((step.key, step.value), []).append(transaction)
        return found

    @cached_property
    def shown(self) -> Mapping[str, Sequence[tuple[str, ...]]]:
        """By key, the different lists that replies show."""
        found: dict[str, dict[tuple[str, ...], None]] = {}
        for transaction in self.transactions.values():
            for step in transaction.reads:
                found.setdefault(step.key, {})[step.elements] = None
        return {key: tuple(lists) for key, lists in found.items()}

    @cached_property
    def seen(self) -> frozenset[tuple[str, str]]:
        """Keys and values that some reply shows."""
        return frozenset(
            (step.key, value)
            for transaction in self.transactions.values()
            for step in transaction.reads
            for value in (step.elements if self.lists else (step.value,))
        )

    def happened(self, transaction: Transaction) -> bool:
        """Whether it certainly committed: it was answered, or a reply shows what it alone wrote."""
        return transaction.ok or (
            transaction.outcome == "info"
            and any(
                (step.key, step.value) in self.seen and author_of(self, step.key, step.value) is transaction
                for step in transaction.writes
            )
        )

    def named(self, index: int) -> Transaction:
        """The transaction that began at an index.

        Raises:
            CertificateError: there is none.
        """
        if index not in self.transactions:
            raise CertificateError(f"operation {index} is no transaction")
        return self.transactions[index]


def facts_of(history: History, *, lists: bool, initial: str = "null") -> Facts:
    """Read the transactions of a history; `lists` if they append to lists, else they write registers.

    Raises:
        CertificateError: an operation is no transaction.
    """
    found = {}
    for invocation in history:
        if invocation.type != "invoke" or not invocation.is_client:
            continue
        completion = history.completion(invocation)
        outcome = "info" if completion is None else str(completion.type)
        value = completion.value if completion is not None and outcome == "ok" else invocation.value
        try:
            steps = tuple(_step(*step, lists=lists) for step in value)
        except TypeError:
            raise CertificateError(f"operation {invocation.index} is no transaction") from None
        found[invocation.index] = Transaction(
            invocation.index,
            None if completion is None else completion.index,
            invocation.process,
            outcome,
            steps,
        )
    return Facts(found, lists, initial)


def _step(f: str, key: Any, value: Any, *, lists: bool) -> Step:
    elements = tuple(text_of(element) for element in value or ()) if lists and f == "r" else ()
    return Step(f, text_of(key), text_of(value), elements)


def refuse_written_again(facts: Facts) -> None:
    """Refuse a history in which a key was written the same value twice, or what a register held at first.

    Raises:
        CertificateError: it has such a write, and the certificate does not state `duplicates`.
    """
    written: set[tuple[str, str]] = set()
    for number, transaction in facts.transactions.items():
        for step in transaction.steps:
            one = (step.key, step.value)
            if step.f != "r" and (one in written or (not facts.lists and step.value == facts.initial)):
                raise CertificateError(
                    f"operation {number} writes {step.value} to {step.key} once more, and the "
                    "certificate does not state duplicates=true"
                )
            if step.f != "r":
                written.add(one)


def foreign_reads(facts: Facts, transaction: Transaction) -> Iterator[Step]:
    """Its reads; of registers only those before its own write of the key, which show another one's."""
    own: set[str] = set()
    for step in transaction.steps:
        if step.f != "r":
            own.add(step.key)
        elif transaction.ok and (facts.lists or step.key not in own):
            yield step


def author_of(facts: Facts, key: str, value: str) -> Transaction | None:
    """The only transaction that brought a value; None if several did, or a register held it at first."""
    if not facts.lists and value == facts.initial:
        return None
    writers = facts.writers.get((key, value), ())
    return writers[0] if len(writers) == 1 else None
