"""What the reads of a history show: which versions were installed, by which transaction, in what order.

Also the anomalies that show without any cycle. `list_append` and `rw_register` each make a `Reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from checkers.limits import MOST_CASES
from checkers.transactions.graph.follow import OWN_READ, OWN_WRITE, StepShape, within
from checkers.transactions.graph.scan import READ
from checkers.transactions.transactions import Integers, Mask, Transactions
from history.history import INFO, OK


class Case(NamedTuple):
    """One anomaly that shows without a cycle."""

    text: str
    transactions: tuple[int, ...]


@dataclass
class Anomalies:
    """By anomaly, the first cases in words, and how many cases there are."""

    cases: dict[str, list[Case]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, count: int, cases: Sequence[Case]) -> None:
        """Note `count` cases of an anomaly, of which some are given in words."""
        if count:
            self.counts[name] = self.counts.get(name, 0) + count
            self.cases.setdefault(name, []).extend(cases)


class VersionOrders(NamedTuple):
    """Pairs of versions of one key, the first before the second.

    `level`: what that rests on: 0 nothing else, 1 the order within processes, 2 real time.
    `at_least`: from which class of anomalies on (see `cycles`) a dependency between their writers counts.
    """

    before: Integers
    after: Integers
    level: int
    at_least: int


@dataclass(frozen=True)
class Reading:
    """The versions of a history. The number `txns.versions + k` is key k's version before any write."""

    txns: Transactions
    writer: Integers
    """By version (the initial ones included), the transaction that wrote it; -1 for none."""
    installed: Mask
    """By version, whether a committed transaction wrote it, as its last write of that key."""
    read_version: Integers
    """By read that counts, the version it saw: only installed and initial ones are here ..."""
    reader: Integers
    """... and the transaction that read."""
    orders: tuple[VersionOrders, ...]
    anomalies: Anomalies
    unread: tuple[Integers, Integers] = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    """Of lists, the installed versions that no read shows, and the last version of the key that one shows."""


class Shape(NamedTuple):
    """What each step is within its transaction; `follow.within` computes it."""

    opening: Integers
    final: Mask
    internal: Integers
    """`OWN_WRITE` or `OWN_READ` where the step contradicts an earlier one of its transaction, else 0."""
    own: Integers
    previous: Integers

    def external(self, txns: Transactions) -> Integers:
        """The answered reads of what others wrote, one for each version that a transaction so met.

        They come before their transaction's writes of the key; one that shows what an earlier read of its
        transaction showed is left out.
        """
        fresh = (self.opening == np.arange(len(self.opening))) | (self.internal != 0)
        return np.flatnonzero(txns.ok_reads & fresh & (self.own == 0))


def shape(txns: Transactions) -> Shape:
    """What each step does in its transaction's work on its key."""
    steps = len(txns.of)
    found = StepShape(
        np.zeros(steps, dtype=np.int64),
        np.zeros(steps, dtype=np.int8),
        np.zeros(steps, dtype=np.int8),
        np.zeros(steps, dtype=np.int32),
        np.full(steps, -1, dtype=np.int32),
    )
    known = (txns.outcome == OK).astype(np.int64)
    within.by_size(txns.text, txns.first, known, int(txns.lists), txns.steps, found)
    return Shape(found.opening, found.final == 1, found.internal, found.own, found.previous)


def writers(txns: Transactions) -> Integers:
    """By version, the initial ones included: the transaction that wrote it, or -1."""
    found = np.full(txns.versions + txns.keys, -1, dtype=np.int64)
    steps = np.flatnonzero(txns.writes)
    found[txns.version[steps]] = txns.of[steps]
    return found


def committed(txns: Transactions, writer: Integers, seen: Integers) -> Mask:
    """By transaction, whether it committed: by its reply, or because a read saw one of its versions."""
    done: Mask = txns.outcome == OK
    authors = writer[seen]
    authors = authors[authors >= 0]
    done[authors[txns.outcome[authors] == INFO]] = True
    return done


def final_versions(txns: Transactions, form: Shape, done: Mask) -> Mask:
    """By version, whether it was installed: written last by a committed transaction."""
    installed = np.zeros(txns.versions + txns.keys, dtype=bool)
    steps = np.flatnonzero(form.final & done[txns.of])
    installed[txns.version[steps]] = True
    return installed


def lost_updates(
    found: Anomalies, txns: Transactions, form: Shape, installed: Mask, external: Integers, saw: Integers
) -> Integers:
    """Two transactions that committed read the same version of a key, and both wrote that key.

    `external` are reads, `saw` the version of each (-1: not usable). Returns the versions that were so read.
    """
    seen = np.full(len(txns.of), -1, dtype=np.int64)
    seen[external] = saw
    writes = np.flatnonzero(form.final & (txns.f != READ))
    writes = writes[installed[txns.version[writes]]]
    base = seen[form.opening[writes]]
    writes, base = writes[base >= 0], base[base >= 0]
    order = np.argsort(base, kind="stable")
    base, writes = base[order], writes[order]
    second = np.flatnonzero(base[1:] == base[:-1]) + 1
    heads = second[np.concatenate([[True], base[second[1:]] != base[second[:-1]]])] if len(second) else second
    cases = []
    for at in heads[:MOST_CASES].tolist():
        group = [writes[at - 1], *(writes[p] for p in range(at, len(base)) if base[p] == base[at])][
            :MOST_CASES
        ]
        key = txns.key_of(group[0])
        names = [txns.who(step) for step in group]
        version = int(base[at])
        what = "the initial state" if version >= txns.versions else f"the version {txns.value(version)!r}"
        cases.append(
            Case(
                f"{' and '.join(names)} each read {what} of {key!r} and then wrote {key!r}: "
                "the second of them overwrote a value that it had not seen.",
                tuple(int(txns.of[s]) for s in group),
            )
        )
    found.add("lost-update", len(heads), cases)
    return base[heads]


def internal_cases(found: Anomalies, txns: Transactions, form: Shape) -> None:
    """Find the reads that contradict an earlier step of their own transaction."""
    for name, against, words in (
        ("internal", OWN_WRITE, "which contradicts what it wrote there itself before"),
        ("non-repeatable-read", OWN_READ, "which contradicts what it read there itself before"),
    ):
        steps = np.flatnonzero(form.internal == against)
        cases = [
            Case(
                f"{txns.who(s)} read {txns.step_value(s)!r} of {txns.key_of(s)!r}, {words}.",
                (int(txns.of[s]),),
            )
            for s in steps[:MOST_CASES].tolist()
        ]
        found.add(name, len(steps), cases)
