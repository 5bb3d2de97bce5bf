"""The transactions of a history as steps, read without the arrays that judges use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from checkers.verification.certificate import CertificateError
from history import History
from history.values import encoded


class Step(NamedTuple):
    """One step of a transaction; key and values are JSON texts, one text for each value."""

    f: str
    """`append`, `w` or `r`."""
    key: str
    value: str
    shown: tuple[str, ...]
    """The elements of a list that was read; of every other step its one value."""


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
    initial: str | None
    """What a register holds at first; None of lists, which begin empty."""

    @cached_property
    def writers(self) -> Mapping[tuple[str, str], Sequence[Transaction]]:
        """By key and value the transactions that wrote it, failed ones too."""
        found: dict[tuple[str, str], list[Transaction]] = {}
        for transaction in self.transactions.values():
            for step in transaction.writes:
                found.setdefault((step.key, step.value), []).append(transaction)
        return found

    def author_of(self, key: str, value: str) -> Transaction | None:
        """The only transaction that brought a value; None if several did, or a register held it at first."""
        writers = self.writers.get((key, value), ())
        return writers[0] if len(writers) == 1 and value != self.initial else None

    @cached_property
    def shown(self) -> Mapping[str, Set[tuple[str, ...]]]:
        """By key, the different states that replies show: of a list its elements, of a register its value."""
        found: dict[str, set[tuple[str, ...]]] = {}
        for transaction in self.transactions.values():
            for step in transaction.reads:
                found.setdefault(step.key, set()).add(step.shown)
        return found

    @cached_property
    def happened(self) -> Set[int]:
        """The transactions that certainly committed: answered, or a reply shows what they alone wrote."""
        seen = {(key, value) for key, states in self.shown.items() for state in states for value in state}
        authors = {author.begun for author in (self.author_of(*one) for one in seen) if author is not None}
        every = self.transactions.items()
        return {index for index, one in every if one.ok or (one.outcome == "info" and index in authors)}

    def named(self, index: int) -> Transaction:
        """The transaction that began at an index.

        Raises:
            CertificateError: there is none.
        """
        if index not in self.transactions:
            raise CertificateError(f"operation {index} is no transaction")
        return self.transactions[index]


def facts_of(history: History, *, lists: bool, initial: str | None = "null") -> Facts:
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
        ended = None if completion is None else completion.index
        try:
            steps = tuple(_step(*step, lists=lists) for step in value)
        except TypeError:
            raise CertificateError(f"operation {invocation.index} is no transaction") from None
        index = invocation.index
        found[index] = Transaction(index, ended, invocation.process, outcome, steps)
    return Facts(found, lists, None if lists else initial)


def _step(f: str, key: Any, value: Any, *, lists: bool) -> Step:
    is_list = lists and f == "r"
    text = encoded(value)
    return Step(f, encoded(key), text, tuple(map(encoded, value or ())) if is_list else (text,))


def foreign_reads(facts: Facts, transaction: Transaction) -> Iterator[Step]:
    """Its reads; of registers only those before its own write of the key, which show another one's."""
    own: set[str] = set()
    for step in transaction.steps:
        if step.f != "r":
            own.add(step.key)
        elif transaction.ok and (facts.lists or step.key not in own):
            yield step
